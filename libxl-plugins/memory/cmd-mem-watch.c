/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mem-watch: a line for each change of target or actual, until interrupted.
 *
 * A change of target is an event (a watch of xenstore). A change of actual is not: the shared sampler asks for all
 * domains at once, closely while something moves, seldom while all is quiet.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/ao.h"
#include "core/domain.h"
#include "core/sampler.h"
#include "balloon/info.h"
#include "memory/memory.h"
#include "memory/show.h"
#include "xenstore/paths.h"

#define LOOK_MOVING_MS 250
#define LOOK_QUIET_MS 1000
/* So long after the last change all counts as quiet. */
#define QUIET_AFTER_MS 5000

struct watched {
    uint32_t domid;
    struct xlx_mem_info info;
    struct store_watch target_watch;
    struct mem_watch *owner;
    bool seen;
};

struct mem_watch {
    struct ao ao;
    const struct xlx_invocation *in;
    struct store_watcher *watcher;
    struct sampler_client sampler;
    uint32_t *only; /* the domains asked for; NULL: all */
    size_t only_count;
    struct watched **domains;
    size_t domain_count;
    uint64_t last_change_ms;
    bool started;
};

static const struct xlx_column columns[] = {
    {"Time", "time", 0},
    {"Domain", "name", 0},
    {"ID", "domid", XLX_COLUMN_RIGHT},
    {"Target", NULL, XLX_COLUMN_RIGHT | XLX_COLUMN_TEXT},
    {"Actual", NULL, XLX_COLUMN_RIGHT | XLX_COLUMN_TEXT},
    {NULL, "target_memkb", XLX_COLUMN_JSON},
    {NULL, "actual_memkb", XLX_COLUMN_JSON},
    {"State", "state", 0},
};

static void show(struct mem_watch *op, const struct watched *w, const char *state)
{
    struct timespec now;
    char text[48];
    struct tm tm;
    GC_SCOPE(gc);

    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &tm);
    strftime(text, sizeof(text), op->in->ui->json ? "%Y-%m-%dT%H:%M:%S%z" : "%H:%M:%S", &tm);
    op->in->ui->ops->line(op->in->ui, columns, ARRAY_LEN(columns),
                          (struct xlx_cell[]){
                              XLX_TEXT(text),
                              XLX_TEXT(w->info.name),
                              XLX_NUMBER(w->domid),
                              w->info.has_target ? XLX_TEXT(mem_show_mib(gc, w->info.target_memkb)) : XLX_NONE,
                              XLX_TEXT(mem_show_mib(gc, w->info.actual_memkb)),
                              w->info.has_target ? XLX_NUMBER(w->info.target_memkb) : XLX_NONE,
                              XLX_NUMBER(w->info.actual_memkb),
                              XLX_TEXT(state ? state : mem_show_state(&w->info)),
                          });
}

/* ---- domains come and go ---- */

static void target_changed(struct store_watch *watch, const char *path)
{
    struct watched *w = CONTAINER_OF(watch, struct watched, target_watch);
    struct mem_watch *op = w->owner;
    uint64_t before = w->info.target_memkb;
    struct xs_handle *xs;

    if (ctx_xs(op->in->ctx, &xs))
        return;
    mem_info_from_store(op->in->ctx, xs, &w->info);
    if (w->info.target_memkb == before)
        return;
    show(op, w, NULL);
    /* Something is about to move. */
    op->last_change_ms = ev_clock_ms();
    sampler_interval(&op->sampler, LOOK_MOVING_MS);
}

static bool is_wanted(const struct mem_watch *op, uint32_t domid)
{
    for (size_t i = 0; i < op->only_count; i++) {
        if (op->only[i] == domid)
            return true;
    }
    return !op->only;
}

static void domain_appeared(struct mem_watch *op, const xc_domaininfo_t *xen)
{
    struct watched *w = calloc(1, sizeof(*w));
    struct xs_handle *xs;
    GC_SCOPE(gc);

    if (!w)
        abort();
    w->domid = xen->domain;
    w->owner = op;
    w->seen = true;
    mem_info_from_xen(xen, &w->info);
    if (!ctx_xs(op->in->ctx, &xs))
        mem_info_from_store(op->in->ctx, xs, &w->info);
    if (store_watch_start(op->watcher, &w->target_watch, path_in_domain(gc, w->domid, NODE_MEMORY_TARGET),
                          target_changed))
        LOGD(op->in->ctx, WARN, w->domid, "its target cannot be watched");
    op->domains = gc_realloc(op->ao.gc, op->domains, (op->domain_count + 1) * sizeof(*op->domains));
    op->domains[op->domain_count++] = w;
    show(op, w, NULL);
}

static void forget(struct mem_watch *op, size_t index)
{
    store_watch_stop(&op->domains[index]->target_watch);
    free(op->domains[index]);
    op->domains[index] = op->domains[--op->domain_count];
}

/* ---- a look at all domains ---- */

static struct watched *find(struct mem_watch *op, uint32_t domid)
{
    for (size_t i = 0; i < op->domain_count; i++) {
        if (op->domains[i]->domid == domid)
            return op->domains[i];
    }
    return NULL;
}

static void mem_watch_done(struct mem_watch *op, int rc)
{
    sampler_leave(&op->sampler);
    while (op->domain_count)
        forget(op, op->domain_count - 1);
    ao_complete(&op->ao, rc);
}

static void domains_sampled(struct sampler_client *client, int rc, const xc_domaininfo_t *infos, size_t count,
                            uint64_t now_ms)
{
    struct mem_watch *op = CONTAINER_OF(client, struct mem_watch, sampler);

    if (rc) {
        mem_watch_done(op, rc);
        return;
    }
    for (size_t i = 0; i < op->domain_count; i++)
        op->domains[i]->seen = false;
    for (size_t i = 0; i < count; i++) {
        struct watched *w = find(op, infos[i].domain);

        if (!is_wanted(op, infos[i].domain) || infos[i].flags & XEN_DOMINF_dying)
            continue;
        if (!w) {
            domain_appeared(op, &infos[i]);
            op->last_change_ms = now_ms;
            continue;
        }
        w->seen = true;
        if (w->info.actual_memkb != infos[i].tot_pages * MEM_PAGE_KB) {
            mem_info_from_xen(&infos[i], &w->info);
            show(op, w, NULL);
            op->last_change_ms = now_ms;
        }
    }
    for (size_t i = op->domain_count; i-- > 0;) {
        if (!op->domains[i]->seen) {
            show(op, op->domains[i], "gone");
            forget(op, i);
        }
    }
    if (op->only && !op->domain_count) {
        LOG(op->in->ctx, ERROR, "none of the domains is left");
        mem_watch_done(op, ERROR_DOMAIN_NOTFOUND);
        return;
    }
    sampler_interval(&op->sampler, now_ms - op->last_change_ms < QUIET_AFTER_MS ? LOOK_MOVING_MS : LOOK_QUIET_MS);
}

static void mem_watch_aborted(struct ao *ao, int rc)
{
    mem_watch_done(CONTAINER_OF(ao, struct mem_watch, ao), rc);
}

static int run(const struct xlx_invocation *in)
{
    struct mem_watch op = {.ao = {.ctx = in->ctx, .timeout_ms = in->ui->timeout_ms}, .in = in};
    GC_SCOPE(gc);
    int rc;

    rc = ctx_watcher(in->ctx, &op.watcher);
    if (rc)
        return xlx_exit_of(rc);
    if (in->argc)
        op.only = gc_array(gc, (size_t)in->argc, sizeof(*op.only));
    for (int i = 0; i < in->argc; i++) {
        rc = xlx_domain_find(in->ctx, in->argv[i], &op.only[op.only_count++]);
        if (rc)
            return XLX_EXIT_FAILED;
    }
    ao_start(&op.ao, mem_watch_aborted);
    rc = sampler_join(in->ctx, &op.sampler, 0, domains_sampled);
    if (rc)
        ao_complete_soon(&op.ao, rc);
    rc = ao_wait(&op.ao);
    /* --timeout is how a script ends the watch: nothing was missed. */
    return rc == ERROR_TIMEDOUT ? XLX_EXIT_DONE : xlx_exit_of(rc);
}

const struct xlx_command cmd_mem_watch = {
    .name = "mem-watch",
    .synopsis = "[--json] [DOMAIN]...",
    .summary = "Print each change of a target and of what a domain holds",
    .details =
        "Runs until interrupted (exit status 130) or for --timeout SECONDS (exit status 0). With --json each line "
        "is one object. Sizes are in MiB, with --json in KiB.",
    .args_max = XLX_ARGS_ANY,
    .domain_arg = 0,
    .run = XLX_CODE(run),
};
