/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/machine-xen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "balloon/info.h"
#include "balloon/offset.h"
#include "balloon/sizes.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "qmp/machine-xen-private.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

#define SAMPLE_MS 1000
/* While a guest moves, or is expected to. */
#define SAMPLE_MOVING_MS 100

/* ---- looking ---- */

bool machine_xen_expected_to_move(const struct machine_xen *x, uint64_t now_ms)
{
    return x->has_balloon && x->status == MACHINE_RUNNING && !actual_settled(&x->actual) &&
           follow_rest_ms(&x->actual.follow, now_ms) < ACTUAL_STUCK_MS;
}

static void look_at_memory(struct machine_xen *x, uint64_t held_memkb, uint64_t now_ms)
{
    bool calibrated;
    uint64_t size_memkb = actual_look(&x->actual, held_memkb, now_ms, &calibrated);

    if (calibrated)
        offset_note(x->ctx, x->domid, x->actual.follow.offset.kb);
    if (size_memkb == x->told_memkb)
        return;
    x->told_memkb = size_memkb;
    machine_balloon_changed(&x->machine, size_memkb * 1024);
}

static void look_at_status(struct machine_xen *x, enum machine_status status)
{
    enum machine_status before = x->status;

    x->status = status;
    if (before == MACHINE_RUNNING && machine_run_stopped(status))
        machine_ran(&x->machine, false);
    else if (machine_run_stopped(before) && status == MACHINE_RUNNING)
        machine_ran(&x->machine, true);
    else
        return;
    if (x->has_balloon)
        follow_expect(&x->actual.follow, ev_clock_ms());
}

void machine_xen_look(struct machine_xen *x, const xc_domaininfo_t *info, uint64_t now_ms)
{
    look_at_status(x, machine_run_status(info));
    if (!x->has_balloon)
        return;
    if (x->status != MACHINE_PRELAUNCH)
        actual_runs(&x->actual);
    look_at_memory(x, info->tot_pages * MEM_PAGE_KB, now_ms);
}

static int ask_xen(struct machine_xen *x, xc_domaininfo_t *info)
{
    xc_interface *xc;
    int rc;

    rc = ctx_xc(x->ctx, &xc);
    if (rc)
        return rc;
    if (xc_domain_getinfolist(xc, x->domid, 1, info) != 1 || info->domain != x->domid)
        return ERROR_DOMAIN_NOTFOUND;
    return 0;
}

int machine_xen_look_now(struct machine_xen *x)
{
    xc_domaininfo_t info;
    int rc;

    rc = ask_xen(x, &info);
    if (!rc)
        machine_xen_look(x, &info, ev_clock_ms());
    return rc;
}

/* ---- looking, in the sampler's time ---- */

void machine_xen_adapt_sampling(struct machine_xen *x)
{
    sampler_interval(&x->sampler, machine_xen_expected_to_move(x, ev_clock_ms()) ? SAMPLE_MOVING_MS : SAMPLE_MS);
}

static void sampled(struct sampler_client *client, int rc, const xc_domaininfo_t *infos, size_t count, uint64_t now_ms)
{
    struct machine_xen *x = CONTAINER_OF(client, struct machine_xen, sampler);
    const xc_domaininfo_t *info = sampler_find(infos, count, x->domid);

    if (!info)
        return;
    machine_xen_look(x, info, now_ms);
    /* What it told may have found the last client gone. */
    if (!x->followed)
        return;
    machine_target_rearm(x, now_ms);
    machine_xen_adapt_sampling(x);
}

/* ---- what stands in xenstore ---- */

/* Reads all nodes. *balloon: there is a target, and sizes are known: as they stand, or as they were before somebody
 * wrote nonsense there. */
static int read_nodes(struct machine_xen *x, struct xlx_mem_info *info, bool *balloon)
{
    GC_SCOPE(gc);
    int64_t held_memkb;
    char *ignored;
    int rc;

    *balloon = false;
    rc = mem_info_get(x->ctx, x->domid, info);
    if (rc)
        return rc;
    x->disorder = !info->has_target || !info->has_static_max;
    if (!x->disorder) {
        *balloon = true;
        return 0;
    }
    if (store_read(gc, x->xs, XBT_NULL, path_in_domain(gc, x->domid, NODE_MEMORY_TARGET), STORE_VALUE_MAX, &ignored) ==
        ERROR_NOTFOUND)
        return 0;
    if (!info->has_static_max)
        info->static_max_memkb = x->static_max_memkb;
    if (!info->has_target) {
        held_memkb = (int64_t)info->actual_memkb - info->offset_memkb;
        info->target_memkb = x->has_balloon ? x->actual.follow.target_memkb : held_memkb > 0 ? (uint64_t)held_memkb : 0;
    }
    *balloon = info->static_max_memkb;
    return 0;
}

static void balloon_found(struct machine_xen *x, const struct xlx_mem_info *info)
{
    struct actual before = x->actual;

    if (!x->videoram_memkb)
        x->videoram_memkb = info->videoram_memkb;
    x->static_max_memkb = info->static_max_memkb;
    actual_init(&x->actual,
                &(struct actual_guest){
                    .held_memkb = info->actual_memkb,
                    .target_memkb = info->target_memkb,
                    .static_max_memkb = info->static_max_memkb,
                    .videoram_memkb = x->videoram_memkb,
                    .offset = offset_of_info(info),
                    .fresh = x->status == MACHINE_PRELAUNCH,
                },
                ev_clock_ms());
    /* Earlier clients' requests have not changed what it is built for. */
    if (before.fresh && x->actual.fresh)
        x->actual.built_memkb = before.built_memkb;
}

void machine_xen_written(struct machine_xen *x)
{
    struct xlx_mem_info info;
    bool balloon;

    if (!x->followed || read_nodes(x, &info, &balloon))
        return;
    if (balloon && !x->has_balloon)
        balloon_found(x, &info);
    x->has_balloon = balloon;
    if (!balloon)
        return;
    machine_target_seen(x, info.target_memkb);
    x->static_max_memkb = info.static_max_memkb;
    x->actual.ram_memkb = actual_ram_memkb(info.static_max_memkb, x->videoram_memkb);
    machine_xen_adapt_sampling(x);
}

/* ---- with clients, and without ---- */

static void start_following(struct machine_xen *x)
{
    struct xlx_mem_info info;
    xc_domaininfo_t xen;
    bool ignored;

    if (ask_xen(x, &xen) || read_nodes(x, &info, &x->has_balloon))
        return;
    x->followed = true;
    x->status = machine_run_status(&xen);
    if (x->has_balloon) {
        balloon_found(x, &info);
        x->told_memkb = actual_look(&x->actual, info.actual_memkb, ev_clock_ms(), &ignored);
    }
    sampler_join(x->ctx, &x->sampler, SAMPLE_MS, sampled);
    machine_xen_adapt_sampling(x);
}

static void stop_following(struct machine_xen *x)
{
    x->followed = false;
    machine_target_stop(x);
    sampler_leave(&x->sampler);
}

static void clients_changed(void *target, unsigned count)
{
    struct machine_xen *x = target;

    if (count && !x->followed)
        start_following(x);
    else if (!count && x->followed)
        stop_following(x);
    else
        return;
    machine_stats_follow(x, x->followed);
}

/* ---- operations ---- */

static bool has_balloon(struct machine *m)
{
    return machine_xen_of(m)->has_balloon;
}

static uint64_t ram_bytes(struct machine *m)
{
    return machine_xen_of(m)->actual.ram_memkb * 1024;
}

static int actual_bytes(struct machine *m, uint64_t *bytes)
{
    struct machine_xen *x = machine_xen_of(m);
    int rc;

    rc = machine_xen_look_now(x);
    *bytes = x->told_memkb * 1024;
    return rc;
}

static enum machine_status status(struct machine *m)
{
    struct machine_xen *x = machine_xen_of(m);

    machine_xen_look_now(x);
    return x->status;
}

static const char *name(struct machine *m)
{
    return machine_xen_of(m)->domain->name;
}

static const char *uuid(struct machine *m)
{
    return machine_xen_of(m)->domain->uuid;
}

static const struct machine_ops ops = {
    .has_balloon = has_balloon,
    .ram_bytes = ram_bytes,
    .actual_bytes = actual_bytes,
    .balloon = machine_target_balloon,
    .status = status,
    .run = machine_run,
    .name = name,
    .uuid = uuid,
    .stats = machine_stats_get,
    .stats_interval = machine_stats_interval,
    .set_stats_interval = machine_stats_set_interval,
};

/* ---- life ---- */

int machine_xen_new(struct xlx_ctx *ctx, const struct service_domain *domain, const struct machine_xen_options *options,
                    struct machine_xen **machine)
{
    struct machine_xen *x = calloc(1, sizeof(*x));
    struct monitor_options monitor = {
        .kind = options->kind ? options->kind : &machine_monitor_kind,
        .target = x,
        .path = options->path,
        .owner = options->owner,
        .group = options->group,
        .clients_changed = clients_changed,
    };
    int rc;

    if (!x)
        abort();
    x->machine.ops = &ops;
    x->ctx = ctx;
    x->domid = domain->domid;
    x->domain = domain;
    x->no_floor = options->no_floor;
    machine_stats_init(x);
    rc = ctx_xs(ctx, &x->xs);
    if (!rc) {
        rc = monitor_new(&ctx->loop, &monitor, &x->machine.monitor);
        if (rc)
            LOGD(ctx, ERROR, x->domid, "cannot serve QMP on %s: %s", options->path, strerror(errno));
    }
    if (rc) {
        free(x);
        return rc;
    }
    *machine = x;
    return 0;
}

void machine_xen_free(struct machine_xen *x)
{
    monitor_free(x->machine.monitor);
    stop_following(x);
    machine_stats_stop(x);
    machine_run_stop(x);
    free(x);
}

void machine_xen_shut_down(struct machine_xen *x, unsigned reason)
{
    /* Suspended for save or migration: it goes on elsewhere, or here again. So does one that starts another kernel. */
    if (reason == SHUTDOWN_suspend || reason == SHUTDOWN_soft_reset)
        return;
    x->shut_down = true;
    machine_shut_down(&x->machine, true,
                      reason == SHUTDOWN_reboot  ? "guest-reset"
                      : reason == SHUTDOWN_crash ? "guest-panic"
                                                 : "guest-shutdown");
}

void machine_xen_destroyed(struct machine_xen *x)
{
    if (!x->shut_down)
        machine_shut_down(&x->machine, false, "host-signal");
    x->shut_down = true;
}
