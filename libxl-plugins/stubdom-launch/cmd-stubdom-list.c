/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stubdom-list: the guests whose device model runs in a stub domain, and how it is doing. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "core/ao.h"
#include "core/domain.h"
#include "core/sampler.h"
#include "core/stubdom-state.h"
#include "stubdom-launch/qmp-probe.h"
#include "stubdom-launch/stubdom.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

struct entry {
    struct qmp_probe probe;
    uint32_t domid, stub_domid;
    const xc_domaininfo_t *stub; /* NULL: gone */
};

/* All probes at once: they wait for different guests. */
struct probing {
    struct ao ao;
    struct entry *entries;
    size_t count, open;
};

static void probing_done(struct probing *p, int rc)
{
    ao_complete(&p->ao, rc);
}

static void probe_ended(struct ao *ao, int rc)
{
    struct qmp_probe *probe = CONTAINER_OF(ao, struct qmp_probe, ao);
    struct probing *p = probe->owner;

    if (--p->open == 0)
        probing_done(p, p->ao.aborting ? ERROR_ABORTED : 0);
}

static void probing_aborted(struct ao *ao, int rc)
{
    struct probing *p = CONTAINER_OF(ao, struct probing, ao);

    for (size_t i = 0; i < p->count; i++)
        ao_abort(&p->entries[i].probe.ao);
}

static int probe_all(struct xlx_ctx *ctx, struct entry *entries, size_t count)
{
    struct probing p = {.ao = {.ctx = ctx}, .entries = entries, .count = count, .open = count};

    if (!count)
        return 0;
    ao_start(&p.ao, probing_aborted);
    for (size_t i = 0; i < count; i++) {
        entries[i].probe =
            (struct qmp_probe){.ao = {.ctx = ctx, .done = probe_ended}, .domid = entries[i].domid, .owner = &p};
        qmp_probe_start(&entries[i].probe);
    }
    return ao_wait(&p.ao);
}

/* ---- showing ---- */

/* Seconds since libxl has started the stub domain, as "xl uptime" counts them. */
static bool uptime_of(struct xlx_ctx *ctx, struct gc *gc, uint32_t domid, int64_t *seconds)
{
    struct xs_handle *xs;
    char *vm, *start, *end;
    double since;

    if (ctx_xs(ctx, &xs) || store_read(gc, xs, XBT_NULL, path_in_domain(gc, domid, NODE_VM), 64, &vm) ||
        store_read(gc, xs, XBT_NULL, gc_printf(gc, "%s/start_time", vm), 32, &start))
        return false;
    since = strtod(start, &end);
    if (end == start || since <= 0)
        return false;
    *seconds = (int64_t)(time(NULL) - (time_t)since);
    return *seconds >= 0;
}

static const char *stub_state(const xc_domaininfo_t *stub)
{
    if (!stub)
        return "gone";
    if (stub->flags & XEN_DOMINF_dying)
        return "dying";
    if (stub->flags & XEN_DOMINF_shutdown)
        return (stub->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask) == SHUTDOWN_crash ? "crashed"
                                                                                                     : "off";
    return stub->flags & XEN_DOMINF_paused ? "paused" : "on";
}

static const struct xlx_column columns[] = {
    {"Guest", "guest", 0},
    {"ID", "domid", XLX_COLUMN_RIGHT},
    {"Stub domain", "stub_name", 0},
    {"ID", "stub_domid", XLX_COLUMN_RIGHT},
    {"State", "stub_state", 0},
    {"QEMU", "qemu", 0},
    {"QMP", NULL, XLX_COLUMN_TEXT},
    {NULL, "qmp_reachable", XLX_COLUMN_JSON},
    {"Saves", NULL, XLX_COLUMN_TEXT},
    {NULL, "can_be_saved", XLX_COLUMN_JSON},
    {NULL, "why_not_saved", XLX_COLUMN_JSON},
    {"Memory", NULL, XLX_COLUMN_RIGHT | XLX_COLUMN_TEXT},
    {NULL, "memory_kb", XLX_COLUMN_JSON},
    {"Uptime", NULL, XLX_COLUMN_RIGHT | XLX_COLUMN_TEXT},
    {NULL, "uptime_s", XLX_COLUMN_JSON},
};

static void show(const struct xlx_invocation *in, struct xlx_table *table, const struct entry *e)
{
    char guest[XLX_NAME_MAX], stub[XLX_NAME_MAX];
    uint64_t memory_kb = e->stub ? e->stub->tot_pages * 4 : 0;
    int64_t up = 0;
    bool has_up;
    struct xs_handle *xs;
    char *why_not;
    GC_SCOPE(gc);

    if (ctx_xs(in->ctx, &xs))
        return;
    domain_name(in->ctx, xs, e->domid, guest);
    domain_name(in->ctx, xs, e->stub_domid, stub);
    why_not = stubdom_state_why_not(in->ctx, gc, e->domid, e->stub_domid, NULL);
    has_up = e->stub && uptime_of(in->ctx, gc, e->stub_domid, &up);
    in->ui->ops->table_row(table, (struct xlx_cell[]){
                                      XLX_TEXT(guest),
                                      XLX_NUMBER(e->domid),
                                      e->stub ? XLX_TEXT(stub) : XLX_NONE,
                                      XLX_NUMBER(e->stub_domid),
                                      XLX_TEXT(stub_state(e->stub)),
                                      XLX_TEXT(stubdom_qemu_state(in->ctx, gc, e->stub_domid, e->domid)),
                                      XLX_TEXT(e->probe.reachable ? "yes" : "no"),
                                      XLX_BOOL(e->probe.reachable),
                                      XLX_TEXT(why_not ? "no" : "yes"),
                                      XLX_BOOL(!why_not),
                                      why_not ? XLX_TEXT(why_not) : XLX_NONE,
                                      e->stub ? XLX_TEXT(gc_printf(gc, "%" PRIu64, memory_kb / 1024)) : XLX_NONE,
                                      e->stub ? XLX_NUMBER(memory_kb) : XLX_NONE,
                                      has_up ? XLX_TEXT(gc_printf(gc, "%" PRId64 ":%02d:%02d", up / 3600,
                                                                  (int)(up / 60 % 60), (int)(up % 60)))
                                             : XLX_NONE,
                                      has_up ? XLX_NUMBER(up) : XLX_NONE,
                                  });
}

static int run(const struct xlx_invocation *in)
{
    struct xlx_table *table;
    xc_domaininfo_t *infos;
    struct entry *entries;
    size_t count, n = 0;
    uint32_t only = 0;
    GC_SCOPE(gc);
    int rc;

    if (in->argc) {
        rc = xlx_domain_find(in->ctx, in->argv[0], &only);
        if (rc)
            return XLX_EXIT_FAILED;
    }
    rc = sampler_look(in->ctx, gc, &infos, &count);
    if (rc)
        return xlx_exit_of(rc);
    entries = gc_array(gc, count, sizeof(*entries));
    for (size_t i = 0; i < count; i++) {
        struct entry *e = &entries[n];

        e->domid = infos[i].domain;
        if ((in->argc && e->domid != only) || stubdom_of_guest(in->ctx, e->domid, &e->stub_domid))
            continue;
        e->stub = sampler_find(infos, count, e->stub_domid);
        n++;
    }
    if (in->argc && !n) {
        LOGD(in->ctx, ERROR, only, "its device model does not run in a stub domain");
        return XLX_EXIT_FAILED;
    }
    rc = probe_all(in->ctx, entries, n);
    if (rc)
        return xlx_exit_of(rc);
    table = in->ui->ops->table_begin(in->ui, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < n; i++)
        show(in, table, &entries[i]);
    in->ui->ops->table_end(table);
    return XLX_EXIT_DONE;
}

const struct xlx_command cmd_stubdom_list = {
    .name = "stubdom-list",
    .synopsis = "[--json] [DOMAIN]",
    .summary = "List stub domains, and whether QEMU in them is well",
    .details = "State is the stub domain's. QEMU is what QEMU or the stub domain's init has left in xenstore: running, "
               "starting, or how "
               "it ended (\"exited 1\", \"signal 9\"). QMP says whether QEMU answers on the way that libxl takes. "
               "Saves says whether the guest can be saved and moved; with --json also why not. "
               "Memory is in MiB, with "
               "--json in KiB.",
    .args_max = 1,
    .domain_arg = 0,
    .run = XLX_CODE(run),
};
