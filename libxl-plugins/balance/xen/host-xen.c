/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/xen/host-xen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "balloon/sizes.h"
#include "base/balancers.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/ev.h"
#include "base/running-xen.h"
#include "core/domain.h"
#include "core/sampler.h"
#include "core/xen-boot.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

static struct host_xen *xen_of(struct host *host)
{
    return CONTAINER_OF(host, struct host_xen, host);
}

/* ---- time ---- */

static uint64_t now_ms(struct host *host)
{
    return ev_clock_ms();
}

static void time_has_come(struct ev_timer *t)
{
    struct host_xen *x = CONTAINER_OF(t, struct host_xen, timer);

    if (x->host.balancer)
        balancer_wake(x->host.balancer);
}

static void wake_at(struct host *host, uint64_t at_ms)
{
    struct host_xen *x = xen_of(host);
    uint64_t now = now_ms(host);

    ev_timer_stop(&x->timer);
    if (at_ms == UINT64_MAX)
        return;
    ev_timer_start(&x->ctx->loop, &x->timer, at_ms > now ? at_ms - now : 0, 0, time_has_come);
}

/* ---- looks ---- */

static int look(struct host *host, const struct host_sample **samples, size_t *count, struct host_memory *memory)
{
    struct host_xen *x = xen_of(host);
    xc_domaininfo_t *infos;
    xc_physinfo_t physical = {0};
    GC_SCOPE(gc);
    int rc;

    rc = sampler_look_shared(x->ctx, gc, &infos, count);
    if (rc)
        return rc;
    if (*count > x->sample_capacity) {
        x->sample_capacity = *count * 2;
        x->samples = reallocarray(x->samples, x->sample_capacity, sizeof(*x->samples));
        if (!x->samples)
            abort();
    }
    for (size_t i = 0; i < *count; i++) {
        x->samples[i] = (struct host_sample){
            .domid = infos[i].domain,
            .held_memkb = infos[i].tot_pages * MEM_PAGE_KB,
            .claimed_memkb = infos[i].outstanding_pages * MEM_PAGE_KB,
            .limit_memkb =
                infos[i].max_pages > UINT64_MAX / MEM_PAGE_KB ? UINT64_MAX : infos[i].max_pages * MEM_PAGE_KB,
            .paused = infos[i].flags & XEN_DOMINF_paused,
            .dying = infos[i].flags & XEN_DOMINF_dying,
            .shut_down = infos[i].flags & XEN_DOMINF_shutdown,
        };
        domain_uuid_text(infos[i].handle, x->samples[i].uuid);
    }
    *samples = x->samples;
    if (xc_physinfo(x->xc, &physical)) {
        LOG(x->ctx, ERROR, "cannot ask the hypervisor for its memory: %s", strerror(errno));
        return error_of_errno(errno);
    }
    *memory = (struct host_memory){
        .total_memkb = physical.total_pages * MEM_PAGE_KB,
        .free_memkb = physical.free_pages * MEM_PAGE_KB,
        .claimed_memkb = physical.outstanding_pages * MEM_PAGE_KB,
    };
    return 0;
}

/* ---- what is kept ---- */

#define KEPT_FOLDER "kept"

static int keep(struct host *host, const char *name, const char *value)
{
    struct host_xen *x = xen_of(host);
    GC_SCOPE(gc);
    const char *path = path_own(gc, gc_printf(gc, KEPT_FOLDER "/%s", name));
    int rc;

    rc = value ? store_write(x->xs, XBT_NULL, path, value) : store_remove(x->xs, XBT_NULL, path);
    if (rc)
        LOG(x->ctx, ERROR, "cannot write %s: %s", path, strerror(errno));
    return rc;
}

static void kept(struct host *host, void (*each)(void *arg, const char *name, const char *value), void *arg)
{
    struct host_xen *x = xen_of(host);
    GC_SCOPE(gc);
    char **names, *value;
    unsigned count;

    if (store_list(gc, x->xs, XBT_NULL, path_own(gc, KEPT_FOLDER), &names, &count))
        return;
    for (unsigned i = 0; i < count; i++) {
        const char *path = path_own(gc, gc_printf(gc, KEPT_FOLDER "/%s", names[i]));

        if (!store_read(gc, x->xs, XBT_NULL, path, 256, &value))
            each(arg, names[i], value);
    }
}

/* ---- what is said of the host ---- */

static void event(struct host *host, const struct host_event *e)
{
    if (host->told)
        host->told(host->told_arg, e);
}

#define AUTOBALLOON_ADVICE                                                                                             \
    "xl's autoballoon is on: starts take memory from dom0 behind memd's back; put dom0_mem= on Xen's command "         \
    "line or autoballoon=\"off\" into xl.conf"

#define LIBVIRT_ADVICE                                                                                                 \
    "libvirt's autoballoon is on: its starts take memory from dom0 behind memd's back; put dom0_mem= on Xen's "        \
    "command line or autoballoon = 0 into /etc/libvirt/libxl.conf"

static bool libvirt_takes(struct xlx_ctx *ctx)
{
    struct balancer_beside beside[BALANCERS_BESIDE_MAX];
    GC_SCOPE(gc);
    size_t count = balancers_beside(gc, "", beside);
    bool takes = false;

    /* As xl, it leaves a dom0 alone whose size Xen was told, unless its configuration has it otherwise. */
    for (size_t i = 0; i < count; i++)
        takes |= beside[i].running && !beside[i].rival && (beside[i].told || !dom0_mem_is_given(ctx));
    return takes;
}

static void warnings(struct host *host, void (*each)(void *arg, const char *text), void *arg)
{
    const struct host_xen *x = xen_of(host);

    if (x->autoballoon)
        each(arg, AUTOBALLOON_ADVICE);
    if (x->libvirt_autoballoon)
        each(arg, LIBVIRT_ADVICE);
    if (x->virq_port < 0)
        each(arg, "another program gets the hypervisor's word that memory runs out");
}

/* ---- life ---- */

static void host_xen_close(struct host *host)
{
    struct host_xen *x = xen_of(host);

    ev_timer_stop(&x->timer);
    virq_stop(x);
    xen_starts_end(x);
    xen_saves_end(x);
    for (size_t i = 0; i < x->domains->count; i++)
        xen_domain_remove(x, x->domains->list[i]);
    xen_ranges_free(x);
    free(x->samples);
    free(x);
}

const struct host_ops host_xen_ops = {
    .now_ms = now_ms,
    .look = look,
    .facts = xen_domain_facts,
    .name = xen_domain_name,
    .report = xen_domain_report,
    .report_ask = xen_domain_ask,
    .target_get = xen_target_get,
    .target_set = xen_target_set,
    .limit_set = xen_limit_set,
    .target_accept = xen_target_accept,
    .target_disown = xen_target_disown,
    .keep = keep,
    .kept = kept,
    .wake_at = wake_at,
    .event = event,
    .range_set = xen_domain_range_set,
    .range_forget = xen_domain_range_forget,
    .hold = xen_domain_hold,
    .ranges_read = xen_host_ranges_read,
    .range_lasts = xen_host_range_lasts,
    .warnings = warnings,
    .domain_there = xen_domain_there,
    .domain_written = xen_domain_written,
    .domain_gone = xen_domain_gone,
    .close = host_xen_close,
};

static int open_parts(struct host_xen *x)
{
    int rc;

    rc = ctx_xs(x->ctx, &x->xs);
    if (!rc)
        rc = ctx_xc(x->ctx, &x->xc);
    if (!rc)
        rc = ctx_watcher(x->ctx, &x->watcher);
    return rc;
}

int host_xen_open(const struct service_env *env, struct balancer_config *balancer, struct host **host)
{
    struct host_xen *x = calloc(1, sizeof(*x));
    const char *fault;
    int rc;

    if (!x)
        abort();
    *x = (struct host_xen){.host.ops = &host_xen_ops,
                           .ctx = env->ctx,
                           .domains = env->domains,
                           .slot = env->slot,
                           .virq_port = -1,
                           .saves_fd = -1};
    x->config_gc = gc_new();
    rc = xen_config_read(env->ctx, x->config_gc, env->config, &x->config);
    if (!rc)
        rc = open_parts(x);
    if (rc) {
        host_xen_close(&x->host);
        return rc;
    }
    xen_config_defaults(env->ctx, balancer);
    /* A mistake is no reason to leave all others unbalanced. */
    if (xen_ranges_read(x, x->config_gc, &fault))
        LOG(x->ctx, ERROR, "%s: no range of that file counts until it is mended and memd gets SIGHUP", fault);
    xen_ranges_look(x);
    virq_start(x);
    xen_starts_watch(x);
    xen_saves_watch(x, xen_program(x->config_gc, running_xen(x->config_gc, ""), XEN_SAVE_HELPER));
    x->autoballoon = autoballoon_is_on(x->ctx);
    if (x->autoballoon)
        LOG(x->ctx, WARN, "%s", AUTOBALLOON_ADVICE);
    x->libvirt_autoballoon = libvirt_takes(x->ctx);
    if (x->libvirt_autoballoon)
        LOG(x->ctx, WARN, "%s", LIBVIRT_ADVICE);
    *host = &x->host;
    return 0;
}
