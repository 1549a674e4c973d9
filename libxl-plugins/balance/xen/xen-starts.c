/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starts by others that fail for memory. xl without autoballoon claims what its domain needs, all at once, and gives up
 * when that is not free; of this the host shows a domid that has a limit, no pages and no claim, and is gone within
 * moments. memd makes room for that size then, so that a second try succeeds.
 *
 *   libxl's folder of an unknown domid --look, again and again--> it has pages or a claim: all is well
 *                                                             --> gone without, and too little was free: keep that much
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "balance/xen/host-xen.h"
#include "balloon/sizes.h"
#include "base/cleanup.h"
#include "base/ev.h"
#include "core/service.h"
#include "xenstore/paths.h"

/* How long the memory is kept for the second try; docs/balance.md. */
#define KEPT_MS 60000u
/* Looks while it lives: a failed start is over in some tens of milliseconds, one that is fed slowly is not watched for
 * ever. */
#define LOOK_MS 5u
#define LOOK_SLOW_MS 100u
#define SLOW_AFTER_MS 2000u
#define WATCHED_MS 30000u
/* What a domain has before its memory is put into it. */
#define FEW_PAGES 1024u

struct xen_start {
    struct xen_start *next;
    uint32_t domid;
    uint64_t since_ms, limit_memkb;
    bool lacked; /* less than that was free */
};

static void forget(struct host_xen *x, struct xen_start *start)
{
    struct xen_start **p = &x->starts;

    while (*p != start)
        p = &(*p)->next;
    *p = start->next;
    free(start);
}

/* The second try has come, or somebody else's start fits into what was kept. */
static void release_kept(struct host_xen *x)
{
    if (x->kept_memkb && x->host.balancer)
        balancer_release(x->host.balancer, x->kept_id);
    x->kept_memkb = 0;
}

static void keep_for_next_try(struct host_xen *x, uint64_t memkb)
{
    struct reserve_request request = {.size_memkb = memkb, .lease_ms = KEPT_MS, .domid = RESERVE_NO_DOMAIN};

    if (!x->host.balancer)
        return;
    release_kept(x);
    if (balancer_reserve(x->host.balancer, &request, x->kept_id))
        return;
    x->kept_memkb = memkb;
    x->kept_until_ms = ev_clock_ms() + KEPT_MS;
    LOG(x->ctx, NOTICE,
        "a start found less than the %" PRIu64 " MiB that it needs: they are made free and kept for %u s, try again",
        memkb / 1024, KEPT_MS / 1000);
}

static uint64_t free_memkb(struct host_xen *x)
{
    xc_physinfo_t physical = {0};

    if (xc_physinfo(x->xc, &physical) || physical.free_pages < physical.outstanding_pages)
        return 0;
    return (physical.free_pages - physical.outstanding_pages) * MEM_PAGE_KB;
}

/* Whether it is still to be looked at. */
static bool look_at(struct host_xen *x, struct xen_start *start)
{
    xc_domaininfo_t info;
    bool there = xc_domain_getinfolist(x->xc, start->domid, 1, &info) == 1 && info.domain == start->domid;

    if (!there || info.flags & XEN_DOMINF_dying) {
        if (start->limit_memkb && start->lacked)
            keep_for_next_try(x, start->limit_memkb);
        return false;
    }
    if (info.tot_pages > FEW_PAGES || info.outstanding_pages) {
        if (ev_clock_ms() < x->kept_until_ms && info.max_pages * MEM_PAGE_KB <= x->kept_memkb)
            release_kept(x);
        return false;
    }
    if (info.max_pages < UINT64_MAX / MEM_PAGE_KB && info.max_pages > FEW_PAGES) {
        start->limit_memkb = info.max_pages * MEM_PAGE_KB;
        start->lacked |= free_memkb(x) < start->limit_memkb;
    }
    return ev_clock_ms() < start->since_ms + WATCHED_MS;
}

static void look_is_due(struct ev_timer *t);

static void look_again(struct host_xen *x)
{
    uint64_t now_ms = ev_clock_ms(), newest_ms = 0;

    for (const struct xen_start *s = x->starts; s; s = s->next)
        newest_ms = s->since_ms > newest_ms ? s->since_ms : newest_ms;
    if (!x->starts || ev_timer_active(&x->starts_timer))
        return;
    ev_timer_start(&x->ctx->loop, &x->starts_timer, now_ms < newest_ms + SLOW_AFTER_MS ? LOOK_MS : LOOK_SLOW_MS, 0,
                   look_is_due);
}

static void look_at_all(struct host_xen *x)
{
    for (struct xen_start *s = x->starts, *next; s; s = next) {
        next = s->next;
        if (!look_at(x, s))
            forget(x, s);
    }
    look_again(x);
}

static void look_is_due(struct ev_timer *t)
{
    look_at_all(CONTAINER_OF(t, struct host_xen, starts_timer));
}

static void libxl_wrote(struct store_watch *watch, const char *path)
{
    struct host_xen *x = CONTAINER_OF(watch, struct host_xen, libxl_watch);
    struct xen_start *start;
    uint32_t domid;

    /* Once for the registration, with the folder itself. */
    if (sscanf(path, PATH_LIBXL "/%" SCNu32, &domid) != 1 || !domid || service_domain_find(x->domains, domid))
        return;
    for (const struct xen_start *s = x->starts; s; s = s->next) {
        if (s->domid == domid)
            return;
    }
    start = calloc(1, sizeof(*start));
    if (!start)
        abort();
    *start = (struct xen_start){.next = x->starts, .domid = domid, .since_ms = ev_clock_ms()};
    x->starts = start;
    /* A domid that is gone already, whose folder is being taken away, is none. */
    look_at_all(x);
}

void xen_starts_watch(struct host_xen *x)
{
    if (store_watch_start(x->watcher, &x->libxl_watch, PATH_LIBXL, libxl_wrote))
        LOG(x->ctx, WARN, "cannot watch libxl's folder: starts by others that fail for memory will not be noticed");
}

void xen_starts_end(struct host_xen *x)
{
    store_watch_stop(&x->libxl_watch);
    ev_timer_stop(&x->starts_timer);
    while (x->starts)
        forget(x, x->starts);
}
