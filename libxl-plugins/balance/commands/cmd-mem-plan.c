/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "balance/commands/commands.h"
#include "memd-client/control.h"
#include "memd-client/client.h"
#include "balance/policy/plan-json.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "core/ctx.h"

/* 32768 domains of some 300 bytes each. */
#define FILE_MAX ((size_t)16 << 20)

struct options {
    const char *from;
};

static int read_file(struct xlx_ctx *ctx, struct gc *gc, const char *name, char **text, size_t *len)
{
    CLEANUP_FILE FILE *file = strcmp(name, "-") ? fopen(name, "re") : fdopen(dup(STDIN_FILENO), "re");
    size_t n = 0, size = 0;
    char *buffer = NULL;

    if (!file) {
        LOG(ctx, ERROR, "cannot open %s: %s", name, strerror(errno));
        return ERROR_INVAL;
    }
    do {
        if (n == size) {
            size = size ? size * 2 : 65536;
            buffer = gc_realloc(gc, buffer, size);
        }
        n += fread(buffer + n, 1, size - n, file);
    } while (n == size && n < FILE_MAX);
    if (ferror(file) || n >= FILE_MAX) {
        LOG(ctx, ERROR, "cannot read %s: %s", name, ferror(file) ? strerror(errno) : "longer than 16 MiB");
        return ERROR_INVAL;
    }
    *text = buffer;
    *len = n;
    return 0;
}

/* The host as memd sees it now. */
static int ask_memd(struct xlx_ctx *ctx, struct gc *gc, char **text, size_t *len)
{
    struct memd_client *client;
    const struct json *result;
    int rc;

    rc = memd_connect(ctx, &client);
    if (rc)
        return rc;
    rc = memd_call(client, CONTROL_PLAN, NULL, &result);
    if (!rc) {
        *text = json_text(gc, json_member(result, "input"), JSON_COMPACT);
        *len = strlen(*text);
    }
    memd_disconnect(client);
    return rc;
}

static void show_json(struct xlx_ui *ui, const struct plan_document *document, const struct plan *plan)
{
    GC_SCOPE(gc);

    ui->ops->print(ui, "%s", json_text(gc, plan_json(gc, &document->input, plan), JSON_PRETTY));
}

static const char *mib(struct gc *gc, uint64_t memkb)
{
    return gc_printf(gc, "%.1f", (double)memkb / 1024);
}

static void show_text(struct xlx_ui *ui, const struct plan_document *document, const struct plan *plan)
{
    static const struct xlx_column columns[] = {
        {"Name", NULL, 0},
        {"ID", NULL, XLX_COLUMN_RIGHT},
        {"Actual", NULL, XLX_COLUMN_RIGHT},
        {"Target", NULL, XLX_COLUMN_RIGHT},
        {"Planned", NULL, XLX_COLUMN_RIGHT},
        {"Demand", NULL, XLX_COLUMN_RIGHT},
        {"Min", NULL, XLX_COLUMN_RIGHT},
        {"Max", NULL, XLX_COLUMN_RIGHT},
        {"Weight", NULL, XLX_COLUMN_RIGHT},
        {"Reason", NULL, 0},
    };
    struct xlx_table *table = ui->ops->table_begin(ui, columns, ARRAY_LEN(columns));
    GC_SCOPE(gc);

    for (size_t i = 0; i < document->input.count; i++) {
        const struct plan_domain *d = &document->input.domains[i];

        ui->ops->table_row(table, (struct xlx_cell[]){
                                      XLX_TEXT(document->names[i]),
                                      XLX_NUMBER(d->domid),
                                      XLX_TEXT(mib(gc, d->actual_memkb)),
                                      XLX_TEXT(mib(gc, d->target_memkb)),
                                      XLX_TEXT(mib(gc, plan->targets[i].target_memkb)),
                                      d->demand_known ? XLX_TEXT(mib(gc, d->demand_memkb)) : XLX_NONE,
                                      XLX_TEXT(mib(gc, d->min_memkb)),
                                      XLX_TEXT(mib(gc, plan_hi_memkb(d))),
                                      XLX_NUMBER(d->weight),
                                      XLX_TEXT(plan_reason_name(plan->targets[i].reason)),
                                  });
    }
    ui->ops->table_end(table);
    if (!plan->feasible)
        ui->ops->print(ui, "infeasible: the minimums need %s MiB more than there is\n", mib(gc, plan->shortfall_memkb));
    for (size_t i = 0; i < plan->step_count; i++)
        ui->ops->print(ui, "step %zu: domain %u to %s MiB\n", i + 1, plan->steps[i].domid,
                       mib(gc, plan->steps[i].target_memkb));
    ui->ops->print(ui, "host free memory afterwards: %.1f MiB\n", (double)plan->host_free_after_memkb / 1024);
}

static int run(const struct xlx_invocation *in)
{
    const struct options *options = in->options;
    struct plan_document document;
    const struct plan *plan;
    const char *cause;
    size_t len = 0;
    char *text = NULL;
    GC_SCOPE(gc);
    int rc;

    rc = options->from ? read_file(in->ctx, gc, options->from, &text, &len) : ask_memd(in->ctx, gc, &text, &len);
    if (rc)
        return rc == ERROR_NOTFOUND ? memd_missing(in->ctx) : xlx_exit_of(rc);
    rc = plan_json_read(gc, text, len, &document, &cause);
    if (rc) {
        LOG(in->ctx, ERROR, "%s: %s",
            !options->from               ? "memd"
            : strcmp(options->from, "-") ? options->from
                                         : "standard input",
            cause);
        return xlx_exit_of(rc);
    }
    plan = plan_make(gc, &document.input);
    if (in->ui->json)
        show_json(in->ui, &document, plan);
    else
        show_text(in->ui, &document, plan);
    return XLX_EXIT_DONE;
}

static const struct xlx_option option_table[] = {
    {0, "from", XLX_OPTION_TEXT, offsetof(struct options, from), "FILE",
     "plan for the host that FILE describes (JSON, - for standard input)"},
};

const struct xlx_command cmd_mem_plan = {
    .name = "mem-plan",
    .synopsis = "[--json] [--from FILE]",
    .summary = "Print who would get how much memory, without acting",
    .details = "Sizes are in MiB, with --json in KiB. An infeasible plan, where the minimums alone are too much, is "
               "no error: it says what is missing, and every target is its minimum.\n\nWithout --from it plans for "
               "this host, as memd sees it. FILE holds a JSON object with "
               "\"host\", \"reservations\" and \"domains\"; docs/balance.md lists their members.",
    XLX_OPTIONS(option_table, struct options),
    .domain_arg = XLX_NO_DOMAIN,
    .flags = XLX_COMMAND_ANYWHERE,
    .run = XLX_CODE(run),
};
