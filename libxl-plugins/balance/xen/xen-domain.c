/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "balance/xen/host-xen.h"
#include "balance/xen/report.h"
#include "balloon/info.h"
#include "balloon/limit.h"
#include "balloon/target-node.h"
#include "base/cleanup.h"
#include "base/ends-in.h"
#include "base/error.h"
#include "base/ev.h"
#include "core/xen-version.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

/* Ranges that nobody will ask for again are looked for when a domain has gone, and not more often. */
#define COLLECT_EVERY_MS UINT64_C(3600000)
/* Events of writes that were undone have come by then. */
#define UNDONE_MS 5000u

/* ---- all of them ---- */

struct xen_domain *xen_domain_find(struct host_xen *x, uint32_t domid)
{
    const struct service_domain *domain = service_domain_find(x->domains, domid);

    return domain ? domain->slots[x->slot] : NULL;
}

void xen_domain_there(struct host *host, struct service_domain *domain)
{
    struct host_xen *x = CONTAINER_OF(host, struct host_xen, host);
    struct xen_domain *d = calloc(1, sizeof(*d));

    if (!d)
        abort();
    *d = (struct xen_domain){.xen = x, .domain = domain, .domid = domain->domid};
    domain->slots[x->slot] = d;
    xen_ranges_look(x);
}

static void unfollow(struct xen_domain *d)
{
    guest_follow_stop(&d->follow);
    store_watch_stop(&d->devices_watch);
    d->followed = false;
    d->stats = (struct guest_stats){0};
}

void xen_domain_remove(struct host_xen *x, struct service_domain *domain)
{
    struct xen_domain *d = TAKE_PTR(domain->slots[x->slot]);

    if (!d)
        return;
    unfollow(d);
    free(d);
}

void xen_domain_gone(struct host *host, struct service_domain *domain)
{
    struct host_xen *x = CONTAINER_OF(host, struct host_xen, host);

    uint64_t now_ms = ev_clock_ms();
    GC_SCOPE(gc);

    xen_domain_remove(x, domain);
    xen_target_forget(x, domain->domid);
    store_remove(x->xs, XBT_NULL, path_held(gc, domain->domid));
    settings_seen(x->ctx, x->xs, domain->uuid, time(NULL));
    if (x->collected_ms && now_ms - x->collected_ms < COLLECT_EVERY_MS)
        return;
    x->collected_ms = now_ms;
    settings_collect(x->xs, x->domains, time(NULL));
}

const char *xen_domain_name(struct host *host, uint32_t domid)
{
    const struct xen_domain *d = xen_domain_find(CONTAINER_OF(host, struct host_xen, host), domid);

    return d ? d->domain->name : NULL;
}

/* ---- what happens to one ---- */

static void reported(struct guest_follow *follow, const struct guest_stats *stats, int64_t when_s)
{
    struct xen_domain *d = CONTAINER_OF(follow, struct xen_domain, follow);

    d->stats = *stats;
    d->stats_serial++;
    if (d->xen->host.balancer)
        balancer_domain_reported(d->xen->host.balancer, d->domid);
}

/* Somebody has written the very target that is memd's: also that is a decision (xl mem-set to what it has already). */
static void note_same_target(struct host *host, struct xen_domain *d)
{
    uint64_t own_memkb, target_memkb;

    /* What undid a write that failed is nobody's; dom0 is given its nodes by us when it has none. */
    if (!d->domid || (d->failed_ms && ev_clock_ms() < d->failed_ms + UNDONE_MS))
        return;
    if (!xen_target_own(d->xen, d, &own_memkb) && own_memkb && !xen_target_get(host, d->domid, &target_memkb) &&
        target_memkb == own_memkb)
        xen_target_disown(host, d->domid);
}

void xen_domain_written(struct host *host, struct service_domain *domain, bool target)
{
    struct host_xen *x = CONTAINER_OF(host, struct host_xen, host);
    struct xen_domain *d = domain->slots[x->slot];

    if (target && d->echoes)
        d->echoes--;
    else if (target && host->balancer) {
        note_same_target(host, d);
        balancer_target_written(host->balancer, d->domid);
    } else if (!target && d->followed && host->balancer)
        balancer_domain_changed(host->balancer, d->domid);
}

static void devices_changed(struct store_watch *watch, const char *path)
{
    struct xen_domain *d = CONTAINER_OF(watch, struct xen_domain, devices_watch);
    bool news = d->devices_watched;

    d->devices_watched = true;
    if (news && d->xen->host.balancer)
        balancer_domain_changed(d->xen->host.balancer, d->domid);
}

/* A device that is passed through later makes it fixed, too; without it it is so no more. */
static void watch_devices(struct xen_domain *d)
{
    GC_SCOPE(gc);

    if (!d->domid || store_watch_active(&d->devices_watch))
        return;
    d->devices_watched = false;
    if (store_watch_start(d->xen->watcher, &d->devices_watch, path_libxl(gc, d->domid, NODE_LIBXL_PCI),
                          devices_changed))
        LOGD(d->xen->ctx, WARN, d->domid, "cannot watch its devices: one passed through later will not be noticed");
}

static void follow(struct xen_domain *d)
{
    if (d->followed)
        return;
    guest_follow_start(d->xen->ctx, &d->follow, d->domid, d->xen->config.report_interval_s, reported);
    d->followed = true;
}

/* ---- facts ---- */

/* Stub domains serve, and memory that a device may write to cannot be given away. An error: nobody knows. */
static int cannot_balloon(struct gc *gc, const struct xen_domain *d, bool *cannot)
{
    struct xs_handle *xs = d->xen->xs;
    char *serves, **devices;
    unsigned count = 0;
    int rc;

    *cannot = d->domain->type == LIBXL_DOMAIN_TYPE_INVALID;
    if (*cannot || !d->domid)
        return 0;
    rc = store_read(gc, xs, XBT_NULL, path_in_domain(gc, d->domid, NODE_STUBDOM_TARGET), 16, &serves);
    *cannot = !rc;
    if (rc != ERROR_NOTFOUND)
        return rc;
    rc = store_list(gc, xs, XBT_NULL, path_libxl(gc, d->domid, NODE_LIBXL_PCI), &devices, &count);
    *cannot = count;
    return rc == ERROR_NOTFOUND ? 0 : rc;
}

static bool on_its_way(const char *name)
{
    return ends_in(name, NAME_END_INCOMING) || ends_in(name, NAME_END_AWAY);
}

static enum plan_type plan_type_of(libxl_domain_type type)
{
    return type == LIBXL_DOMAIN_TYPE_HVM ? PLAN_HVM : type == LIBXL_DOMAIN_TYPE_PVH ? PLAN_PVH : PLAN_PV;
}

static uint64_t bounded(uint64_t memkb)
{
    return memkb > PLAN_MEMKB_MAX ? PLAN_MEMKB_MAX : memkb;
}

/* dom0 has no nodes until somebody sets its target. */
static void fill_dom0(struct xen_domain *d, struct xlx_mem_info *info)
{
    if (target_node_fill_dom0(d->xen->xs, XBT_NULL, info->actual_memkb, info->max_memkb))
        return;
    info->target_memkb = info->actual_memkb;
    info->static_max_memkb = info->max_memkb == UINT64_MAX ? info->actual_memkb : info->max_memkb;
    info->has_target = info->has_static_max = true;
}

/* Of this domain: a node of one that had the domid before does not count. */
static bool is_held(struct gc *gc, struct xen_domain *d)
{
    char *uuid;

    if (!d->held_read)
        d->held = !store_read(gc, d->xen->xs, XBT_NULL, path_held(gc, d->domid), XLX_UUID_LEN, &uuid) &&
                  !strcmp(uuid, d->domain->uuid);
    d->held_read = true;
    return d->held;
}

int xen_domain_hold(struct host *host, uint32_t domid, bool held)
{
    struct host_xen *x = CONTAINER_OF(host, struct host_xen, host);
    struct xen_domain *d = xen_domain_find(x, domid);
    GC_SCOPE(gc);
    int rc;

    if (!d)
        return ERROR_DOMAIN_NOTFOUND;
    rc = held ? store_write(x->xs, XBT_NULL, path_held(gc, domid), d->domain->uuid)
              : store_remove(x->xs, XBT_NULL, path_held(gc, domid));
    if (rc)
        LOGD(x->ctx, ERROR, domid, "cannot write whether it is held: %s", strerror(errno));
    else
        d->held = held;
    return rc;
}

int xen_domain_facts(struct host *host, uint32_t domid, struct host_domain *f)
{
    struct host_xen *x = CONTAINER_OF(host, struct host_xen, host);
    struct xen_domain *d = xen_domain_find(x, domid);
    struct xlx_mem_info info;
    struct settings settings;
    GC_SCOPE(gc);
    int rc;

    if (!d)
        return ERROR_DOMAIN_NOTFOUND;
    rc = mem_info_get(x->ctx, domid, &info);
    if (rc)
        return rc;
    if (!domid && x->config.dom0_max_memkb && !info.has_target)
        fill_dom0(d, &info);
    d->videoram_memkb = info.videoram_memkb;
    *f = (struct host_domain){
        .name = d->domain->name,
        .uuid = d->domain->uuid,
        .type = plan_type_of(d->domain->type),
        .held = is_held(gc, d),
        .static_max_memkb = bounded(info.static_max_memkb),
        .offset_memkb = info.offset_memkb,
        .offset_known = info.offset_calibrated,
        .slack_memkb = info.videoram_memkb + XEN_LIMIT_EXTRA_MEMKB,
        .tight = d->domain->type != LIBXL_DOMAIN_TYPE_HVM,
        .dom0 = !domid,
        .has_target = info.has_target && info.has_static_max,
        .target_memkb = bounded(info.target_memkb),
    };
    f->migrating = f->held || on_its_way(d->domain->name) || xen_saves_has(x, domid);
    f->range_source = xen_range_of(d, f->static_max_memkb, &settings);
    f->managed = f->range_source;
    if (!f->managed) {
        unfollow(d);
        return 0;
    }
    watch_devices(d);
    rc = cannot_balloon(gc, d, &f->fixed);
    if (rc)
        return rc;
    f->min_memkb = settings.min_memkb;
    f->max_memkb = bounded(settings.max_memkb);
    f->weight = settings.weight;
    f->lend = settings.lend;
    f->has_own = !xen_target_own(x, d, &f->own_memkb);
    if (!d->shown && domid) {
        settings_show(x->ctx, x->xs, domid, &settings);
        settings_seen(x->ctx, x->xs, d->domain->uuid, time(NULL));
    }
    d->shown = true;
    if (f->fixed)
        return 0;
    if (f->has_own && f->own_memkb == f->target_memkb)
        xen_target_mend_limit(x, d, f->target_memkb, info.max_memkb);
    follow(d);
    return 0;
}

/* ---- its range ---- */

int xen_domain_range_set(struct host *host, struct gc *gc, uint32_t domid, const struct settings *range,
                         const char **fault)
{
    struct host_xen *x = CONTAINER_OF(host, struct host_xen, host);
    struct xen_domain *d = xen_domain_find(x, domid);
    struct settings settings = *range, old;
    struct xlx_mem_info info;
    int rc;

    if (!d || mem_info_get(x->ctx, domid, &info))
        return ERROR_DOMAIN_NOTFOUND;
    if (!settings.weight)
        settings.weight = xen_range_of(d, info.static_max_memkb, &old) ? old.weight : SETTINGS_WEIGHT;
    *fault = domid ? settings_fault(gc, &settings, info.has_static_max ? info.static_max_memkb : 0)
                   : "dom0's range stands in memd's configuration: dom0_min and dom0_max";
    if (*fault)
        return ERROR_INVAL;
    rc = settings_write(x->ctx, x->xs, d->domain->uuid, domid, &settings);
    d->shown |= !rc;
    return rc;
}

int xen_domain_range_forget(struct host *host, uint32_t domid)
{
    struct host_xen *x = CONTAINER_OF(host, struct host_xen, host);
    struct xen_domain *d = xen_domain_find(x, domid);
    int rc;

    if (!d)
        return ERROR_DOMAIN_NOTFOUND;
    rc = settings_forget(x->ctx, x->xs, d->domain->uuid, domid, true);
    /* Files are people's: that they do not count for this domain is kept, too. */
    if (!rc && xen_ranges_have(d))
        rc = settings_refuse(x->ctx, x->xs, d->domain->uuid);
    if (!rc)
        d->shown = false;
    return rc;
}

/* ---- reports ---- */

int xen_domain_report(struct host *host, uint32_t domid, struct host_report *r)
{
    struct xen_domain *d = xen_domain_find(CONTAINER_OF(host, struct host_xen, host), domid);

    if (!d || !report_from_stats(&d->stats, r))
        return ERROR_NOTFOUND;
    r->serial = d->stats_serial;
    return 0;
}

int xen_domain_ask(struct host *host, uint32_t domid)
{
    struct xen_domain *d = xen_domain_find(CONTAINER_OF(host, struct host_xen, host), domid);

    if (!d || !d->followed)
        return ERROR_NOTFOUND;
    guest_follow_ask(&d->follow);
    return 0;
}
