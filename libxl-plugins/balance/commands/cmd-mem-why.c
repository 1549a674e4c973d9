/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "balance/commands/commands.h"
#include "balance/commands/memd-client.h"
#include "balance/service/control.h"
#include "base/cleanup.h"
#include "base/error.h"

static const char *text_of(const struct json *node, const char *key)
{
    const char *text;

    return json_member_string(node, key, &text) ? text : "?";
}

static bool flag_of(const struct json *node, const char *key)
{
    bool value;

    return json_member_bool(node, key, &value) && value;
}

static const char *mib_of(struct gc *gc, const struct json *node, const char *key)
{
    uint64_t memkb;

    return json_member_u64(node, key, &memkb) ? gc_printf(gc, "%.1f MiB", (double)memkb / 1024) : "not known";
}

static const char *span(struct gc *gc, uint64_t ms)
{
    if (ms < 60000)
        return gc_printf(gc, "%.1f s", (double)ms / 1000);
    return ms < 7200000 ? gc_printf(gc, "%" PRIu64 " min", ms / 60000) : gc_printf(gc, "%" PRIu64 " h", ms / 3600000);
}

static void show_movement(struct xlx_ui *ui, struct gc *gc, const struct json *d)
{
    uint64_t rate, left, probe;

    if (json_member_u64(d, "rate_kb_per_s", &rate))
        ui->ops->print(ui, "  moves at %.1f MiB/s%s%s\n", (double)rate / 1024,
                       json_member_u64(d, "left_ms", &left) ? ", there in " : "",
                       json_member_u64(d, "left_ms", &left) ? span(gc, left) : "");
    if (json_member_u64(d, "probe_ms", &probe))
        ui->ops->print(ui, "  will be tried again in %s\n", span(gc, probe));
}

static void show_history(struct xlx_ui *ui, struct gc *gc, const struct json *d)
{
    const struct json *history = json_member(d, "history");

    if (!history || history->type != JSON_ARRAY || !history->list.count)
        return;
    ui->ops->print(ui, "last changes of its target:\n");
    for (size_t i = 0; i < history->list.count; i++) {
        const struct json *h = history->list.items[i];
        uint64_t age = 0;

        json_member_u64(h, "age_ms", &age);
        ui->ops->print(ui, "  %8s ago  %12s -> %12s  %s\n", span(gc, age), mib_of(gc, h, "old_memkb"),
                       mib_of(gc, h, "new_memkb"), text_of(h, "reason"));
    }
}

static void show_source(struct xlx_ui *ui, struct gc *gc, const struct json *d)
{
    uint64_t age;

    if (json_member_u64(d, "report_age_ms", &age))
        ui->ops->print(ui, "  reports  by %s, %s ago\n", text_of(d, "agent"), span(gc, age));
    else
        ui->ops->print(ui, "  reports  none\n");
}

static void show(struct xlx_ui *ui, struct gc *gc, const struct json *d)
{
    uint64_t lent, owed;

    ui->ops->print(ui, "%s: %s\n", text_of(d, "name"), text_of(d, "why"));
    ui->ops->print(ui, "  wants    %s\n", mib_of(gc, d, "demand_memkb"));
    ui->ops->print(ui, "  share    %s (%s)\n", mib_of(gc, d, "planned_memkb"), text_of(d, "reason"));
    ui->ops->print(ui, "  target   %s\n", mib_of(gc, d, "target_memkb"));
    ui->ops->print(ui, "  holds    %s\n", mib_of(gc, d, "actual_memkb"));
    if (flag_of(d, "managed")) {
        uint64_t weight = 0;

        json_member_u64(d, "weight", &weight);
        ui->ops->print(ui, "  range    %s to %s, weight %" PRIu64 " (%s)\n", mib_of(gc, d, "min_memkb"),
                       mib_of(gc, d, "max_memkb"), weight, text_of(d, "range_source"));
    }
    if (json_member_u64(d, "lent_memkb", &lent) && lent)
        ui->ops->print(ui, "  lent     %s beyond its share of %s\n", mib_of(gc, d, "lent_memkb"),
                       mib_of(gc, d, "fair_memkb"));
    if (json_member_u64(d, "owed_memkb", &owed) && owed)
        ui->ops->print(ui, "  owes     %s\n", mib_of(gc, d, "owed_memkb"));
    ui->ops->print(ui, "  state    %s, balloon %s\n", text_of(d, "state"), text_of(d, "balloon"));
    show_source(ui, gc, d);
    show_movement(ui, gc, d);
    show_history(ui, gc, d);
}

static int ask(const struct xlx_invocation *in, struct memd_client *client, uint32_t domid)
{
    const struct json *result;
    struct json_writer *w;
    GC_SCOPE(gc);
    struct json *arguments = json_new_object(gc);
    int rc;

    json_set_integer(gc, arguments, "domain", domid);
    rc = memd_call(client, CONTROL_WHY, arguments, &result);
    if (rc)
        return rc;
    if (in->ui->json) {
        w = json_writer_new(gc, true);
        json_tree(w, result);
        in->ui->ops->print(in->ui, "%s", json_text(w, NULL));
    } else {
        show(in->ui, gc, result);
    }
    return 0;
}

static int run(const struct xlx_invocation *in)
{
    struct memd_client *client = NULL;
    uint32_t domid;
    int rc;

    rc = xlx_domain_find(in->ctx, in->argv[0], &domid);
    if (rc)
        return XLX_EXIT_FAILED;
    rc = memd_connect(in->ctx, &client);
    if (rc == ERROR_NOTFOUND)
        return memd_missing(in->ctx);
    if (!rc)
        rc = ask(in, client, domid);
    memd_disconnect(client);
    return xlx_exit_of(rc);
}

const struct xlx_command cmd_mem_why = {
    .name = "mem-why",
    .synopsis = "[--json] DOMAIN",
    .summary = "Say why a domain has the memory that it has",
    .details = "What it wants, what it gets, what holds it back, and the last changes of its target.",
    .args_min = 1,
    .args_max = 1,
    .domain_arg = 0,
    .run = XLX_CODE(run),
};
