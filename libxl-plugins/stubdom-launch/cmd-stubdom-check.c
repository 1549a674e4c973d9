/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stubdom-check: what stands against a guest's device model running in a Linux stub domain. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "stubdom-launch/check.h"
#include "stubdom-launch/facts.h"
#include "stubdom-launch/fix.h"
#include "stubdom-launch/saved-config.h"
#include "stubdom-launch/stubdom.h"

#define CFG_BYTES_MAX (1 << 20)

struct options {
    bool fix;
};

static const struct xlx_option option_table[] = {
    {0, "fix", XLX_OPTION_FLAG, offsetof(struct options, fix), NULL,
     "print the configuration with what can be fixed fixed, in place of the findings"},
};

static char *read_whole(struct xlx_ctx *ctx, struct gc *gc, const char *path)
{
    CLEANUP_FILE FILE *f = fopen(path, "re");
    char *text = gc_alloc(gc, CFG_BYTES_MAX + 1);
    size_t len = f ? fread(text, 1, CFG_BYTES_MAX + 1, f) : 0;

    if (!f || ferror(f)) {
        LOG(ctx, ERROR, "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    if (len > CFG_BYTES_MAX || memchr(text, '\0', len)) {
        LOG(ctx, ERROR, "%s is longer than %d KiB or no text: it is not changed", path, CFG_BYTES_MAX / 1024);
        return NULL;
    }
    text[len] = '\0';
    return text;
}

static const struct xlx_column columns[] = {
    {"Code", "code", 0}, {"Severity", "severity", 0},        {"Reason", "reason", 0},
    {"Cure", "cure", 0}, {NULL, "fixable", XLX_COLUMN_JSON},
};

static const char *severity_name(enum stubdom_severity severity)
{
    return severity == STUBDOM_ERROR ? "error" : "warning";
}

static bool is_fixable(const struct stubdom_finding *finding)
{
    return finding->drop[0] || finding->add;
}

/* Sentences do not fit into columns: in text each finding is a paragraph. */
static void show(const struct xlx_invocation *in, const struct stubdom_findings *findings)
{
    struct xlx_table *table;

    if (!in->ui->json) {
        for (size_t i = 0; i < findings->count; i++) {
            const struct stubdom_finding *f = &findings->items[i];

            in->ui->ops->print(in->ui, "%s: %s\n    %s\n    cure: %s\n", severity_name(f->severity), f->code, f->reason,
                               f->cure);
        }
        if (!findings->count && !in->ui->quiet)
            in->ui->ops->print(in->ui, "nothing stands against a stub domain\n");
        return;
    }
    table = in->ui->ops->table_begin(in->ui, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < findings->count; i++) {
        const struct stubdom_finding *f = &findings->items[i];

        in->ui->ops->table_row(table,
                               (struct xlx_cell[]){XLX_TEXT(f->code), XLX_TEXT(severity_name(f->severity)),
                                                   XLX_TEXT(f->reason), XLX_TEXT(f->cure), XLX_BOOL(is_fixable(f))});
    }
    in->ui->ops->table_end(table);
}

static int show_fixed(const struct xlx_invocation *in, struct gc *gc, const struct stubdom_findings *findings)
{
    char *cfg = read_whole(in->ctx, gc, in->argv[0]);

    if (!cfg)
        return XLX_EXIT_USAGE;
    in->ui->ops->print(in->ui, "%s", stubdom_fix(gc, cfg, findings));
    for (size_t i = 0; i < findings->count; i++) {
        const struct stubdom_finding *f = &findings->items[i];

        if (!is_fixable(f))
            LOG(in->ctx, WARN, "left to do: %s: %s; %s", f->code, f->reason, f->cure);
    }
    return findings->count ? XLX_EXIT_REFUSED : XLX_EXIT_DONE;
}

/* A file when there is one of that name, else a domain. */
static int read_config(const struct xlx_invocation *in, struct gc *gc, char **text, const char **warnings,
                       uint32_t *stub_domid)
{
    const struct options *o = in->options;
    struct stat st;
    uint32_t domid;
    int rc;

    if (strchr(in->argv[0], '/') || (!stat(in->argv[0], &st) && S_ISREG(st.st_mode)) || in->argc > 1)
        return stubdom_read_cfg(in->ctx, gc, in->argc, in->argv, text, warnings);
    rc = xlx_domain_find(in->ctx, in->argv[0], &domid);
    if (rc)
        return rc;
    if (o->fix) {
        LOG(in->ctx, ERROR, "--fix needs the configuration file: what a running domain was made from is not kept");
        return ERROR_INVAL;
    }
    stubdom_of_guest(in->ctx, domid, stub_domid);
    return saved_config_json(in->ctx, gc, domid, text);
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    struct stubdom_findings findings;
    struct stubdom_facts facts;
    struct json *config;
    uint32_t stub_domid = 0;
    const char *cause, *warnings = "";
    char *text;
    GC_SCOPE(gc);
    int rc;

    rc = read_config(in, gc, &text, &warnings, &stub_domid);
    if (rc)
        return xlx_exit_of(rc);
    if (json_parse(gc, text, strlen(text), &config, &cause)) {
        LOG(in->ctx, ERROR, "xl's description of %.128s cannot be read: %s", in->argv[0], cause);
        return XLX_EXIT_USAGE;
    }
    rc = stubdom_facts_gather(in->ctx, gc, config, stub_domid, &facts);
    if (rc)
        return xlx_exit_of(rc);
    facts.ignores_device_model = stubdom_ignores_device_model(warnings);
    stubdom_check(gc, config, &facts, &findings);
    if (o->fix)
        return show_fixed(in, gc, &findings);
    show(in, &findings);
    return findings.count ? XLX_EXIT_REFUSED : XLX_EXIT_DONE;
}

const struct xlx_command cmd_stubdom_check = {
    .name = "stubdom-check",
    .synopsis = "[--fix] CFG [KEY=VALUE]... | DOMAIN",
    .summary = "Say what stands against a device model in a stub domain",
    .details =
        "Each finding has a code that stays the same, a reason and a cure. An error keeps the guest from starting in a "
        "stub domain, a "
        "warning tells what will not work. xl itself parses CFG.\n"
        "\n"
        "--fix prints the configuration file with what can be fixed fixed; what is left to do goes to standard error.\n"
        "\n"
        "Exit status: 0 nothing found, 4 findings, 2 the file cannot be read.",
    XLX_OPTIONS(option_table, struct options),
    .args_min = 1,
    .args_max = XLX_ARGS_ANY,
    .domain_arg = 0,
    .run = XLX_CODE(run),
};
