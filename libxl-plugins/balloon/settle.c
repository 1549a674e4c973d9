/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/settle.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/domain.h"
#include "balloon/info.h"
#include "balloon/offset.h"
#include "balloon/pace.h"
#include "balloon/target-node.h"

/* Sampling: closely while something is about to settle, seldom while nothing moves. */
#define LOOK_CLOSE_MS 50
#define LOOK_MOVING_MS 100
#define LOOK_STUCK_MS 500
/* A guest near its target whose offset is not known must rest so long before it counts as settled. */
#define REST_MS 400
/* The second re-arm comes later than the first, and so on, up to this. */
#define REARM_MAX_MS 20000

struct mem_settle_domain {
    int64_t offset_kb;
    bool calibrated;
    bool known; /* the two above have been read */
    struct pace pace;
    uint64_t actual_memkb; /* as the hypervisor counts */
    uint64_t next_rearm_ms, rearm_pause_ms;
    uint64_t page_off_memkb; /* a re-arm is half done: the target stands there, one page off; 0: none is */
};

static void mem_settle_done(struct mem_settle *op, int rc);

/* ---- the end of a domain's way ---- */

static int64_t distance_kb(const struct xlx_mem_follow *f, const struct mem_settle_domain *d)
{
    return offset_measure_kb(d->actual_memkb, f->target_memkb);
}

static bool has_settled(const struct xlx_mem_follow *f, const struct mem_settle_domain *d, uint64_t now_ms)
{
    int64_t distance = distance_kb(f, d);

    if (d->calibrated && distance == d->offset_kb)
        return true;
    if (!offset_is_possible(distance))
        return false;
    /* Exactly where a guest of its type usually ends: one look more than passing by. */
    if (!d->calibrated && (distance == d->offset_kb || !distance))
        return pace_rest_ms(&d->pace, now_ms) >= LOOK_CLOSE_MS;
    return pace_rest_ms(&d->pace, now_ms) >= REST_MS;
}

static void settled(struct mem_settle *op, struct xlx_mem_follow *f, struct mem_settle_domain *d)
{
    int64_t distance = distance_kb(f, d);

    if (!d->calibrated || distance != d->offset_kb)
        offset_note(op->ao.ctx, f->domid, distance);
    d->offset_kb = distance;
    d->calibrated = true;
    f->state = XLX_MEM_SETTLED;
    f->left_ms = 0;
}

/* ---- re-arming ---- */

/* One page towards where the guest is, so that neither limit nor host memory can stand against it. */
static uint64_t one_page_off(const struct xlx_mem_follow *f, const struct mem_settle_domain *d)
{
    if (distance_kb(f, d) > 0)
        return f->target_memkb + MEM_PAGE_KB;
    return f->target_memkb > MEM_PAGE_KB ? f->target_memkb - MEM_PAGE_KB : f->target_memkb;
}

static void end_rearm(struct mem_settle *op, struct xlx_mem_follow *f, struct mem_settle_domain *d)
{
    if (!d->page_off_memkb)
        return;
    target_node_move(op->ao.ctx, f->domid, d->page_off_memkb, f->target_memkb);
    d->page_off_memkb = 0;
}

static void rearm_when_due(struct mem_settle *op, struct xlx_mem_follow *f, struct mem_settle_domain *d,
                           uint64_t now_ms)
{
    if (d->page_off_memkb) {
        end_rearm(op, f, d);
        return;
    }
    if (now_ms < d->next_rearm_ms)
        return;
    d->rearm_pause_ms = d->rearm_pause_ms * 2 > REARM_MAX_MS ? REARM_MAX_MS : d->rearm_pause_ms * 2;
    d->next_rearm_ms = now_ms + d->rearm_pause_ms;
    /* Only a target that is still ours is moved: somebody else's wish is not to be undone. */
    if (target_node_move(op->ao.ctx, f->domid, f->target_memkb, one_page_off(f, d)))
        return;
    d->page_off_memkb = one_page_off(f, d);
    f->rearmed++;
}

/* ---- a look at all domains has arrived ---- */

static void read_offset(struct mem_settle *op, struct mem_settle_domain *d, const xc_domaininfo_t *xen)
{
    struct xlx_mem_info info = {0};
    struct xs_handle *xs;

    if (d->known || ctx_xs(op->ao.ctx, &xs))
        return;
    mem_info_from_xen(xen, &info);
    if (mem_info_from_store(op->ao.ctx, xs, &info))
        return;
    d->known = true;
    d->offset_kb = info.offset_memkb;
    d->calibrated = info.offset_calibrated;
}

static void judge(struct mem_settle *op, struct xlx_mem_follow *f, struct mem_settle_domain *d,
                  const xc_domaininfo_t *xen, uint64_t now_ms)
{
    if (!xen || xen->flags & XEN_DOMINF_dying) {
        f->state = XLX_MEM_GONE;
        return;
    }
    read_offset(op, d, xen);
    d->actual_memkb = xen->tot_pages * MEM_PAGE_KB;
    pace_note(&d->pace, now_ms, d->actual_memkb);
    f->actual_memkb = (uint64_t)((int64_t)d->actual_memkb - d->offset_kb);
    f->rate_kb_per_s = pace_rate_kb_per_s(&d->pace, now_ms);
    f->left_ms = pace_left_ms(&d->pace, now_ms, (uint64_t)((int64_t)f->target_memkb + d->offset_kb));
    if (has_settled(f, d, now_ms)) {
        end_rearm(op, f, d);
        settled(op, f, d);
        f->actual_memkb = (uint64_t)((int64_t)d->actual_memkb - d->offset_kb);
        return;
    }
    if (xen->flags & XEN_DOMINF_paused) {
        f->state = XLX_MEM_PAUSED;
        return;
    }
    if (pace_rest_ms(&d->pace, now_ms) < MEM_STUCK_MS) {
        f->state = XLX_MEM_MOVING;
        d->rearm_pause_ms = MEM_STUCK_MS;
        d->next_rearm_ms = now_ms;
        end_rearm(op, f, d);
        return;
    }
    f->state = XLX_MEM_STUCK;
    rearm_when_due(op, f, d, now_ms);
}

static uint64_t next_look_ms(const struct mem_settle *op)
{
    uint64_t interval_ms = LOOK_STUCK_MS;

    for (size_t i = 0; i < op->count; i++) {
        const struct xlx_mem_follow *f = &op->follows[i];

        if (op->domains[i].page_off_memkb && interval_ms > LOOK_MOVING_MS)
            interval_ms = LOOK_MOVING_MS;
        if (f->state != XLX_MEM_MOVING)
            continue;
        if (f->left_ms < 1000 || offset_is_possible(distance_kb(f, &op->domains[i])))
            return LOOK_CLOSE_MS;
        interval_ms = LOOK_MOVING_MS;
    }
    return interval_ms;
}

static void domains_sampled(struct sampler_client *client, int rc, const xc_domaininfo_t *infos, size_t count,
                            uint64_t now_ms)
{
    struct mem_settle *op = CONTAINER_OF(client, struct mem_settle, sampler);
    size_t open = 0;

    if (rc) {
        mem_settle_done(op, rc);
        return;
    }
    for (size_t i = 0; i < op->count; i++) {
        struct xlx_mem_follow *f = &op->follows[i];

        if (f->state == XLX_MEM_SETTLED || f->state == XLX_MEM_GONE)
            continue;
        judge(op, f, &op->domains[i], sampler_find(infos, count, f->domid), now_ms);
        open += f->state != XLX_MEM_SETTLED && f->state != XLX_MEM_GONE;
    }
    if (op->progress)
        op->progress(op->arg, op->follows, op->count);
    if (!open)
        mem_settle_done(op, 0);
    else
        sampler_interval(&op->sampler, next_look_ms(op));
}

/* ---- start and end ---- */

static void settle_aborted(struct ao *ao, int rc)
{
    mem_settle_done(CONTAINER_OF(ao, struct mem_settle, ao), rc);
}

int mem_settle_start(struct mem_settle *op)
{
    struct xlx_ctx *ctx = op->ao.ctx;
    struct store_watcher *watcher;
    int rc;

    ao_start(&op->ao, settle_aborted);
    op->domains = gc_array(op->ao.gc, op->count, sizeof(*op->domains));
    for (size_t i = 0; i < op->count; i++) {
        op->domains[i].rearm_pause_ms = MEM_STUCK_MS;
        op->follows[i].state = XLX_MEM_MOVING;
        op->follows[i].left_ms = UINT64_MAX;
        op->follows[i].rearmed = 0;
    }
    /* The hypervisor is looked at, not xenstore, but without the watcher nobody would notice that xenstored ends. */
    rc = ctx_watcher(ctx, &watcher);
    if (!rc)
        rc = sampler_join(ctx, &op->sampler, 0, domains_sampled);
    if (rc)
        ao_complete_soon(&op->ao, rc);
    return 0;
}

static void mem_settle_done(struct mem_settle *op, int rc)
{
    bool gone = false;

    sampler_leave(&op->sampler);
    for (size_t i = 0; i < op->count; i++) {
        end_rearm(op, &op->follows[i], &op->domains[i]);
        gone |= op->follows[i].state == XLX_MEM_GONE;
    }
    if (!rc && gone)
        rc = ERROR_DOMAIN_NOTFOUND;
    ao_complete(&op->ao, rc);
}

int xlx_mem_settle(struct xlx_ctx *ctx, struct xlx_mem_follow *follows, size_t count, uint64_t timeout_ms,
                   void (*progress)(void *arg, const struct xlx_mem_follow *follows, size_t count), void *arg)
{
    struct mem_settle op = {
        .ao = {.ctx = ctx, .timeout_ms = timeout_ms ? timeout_ms : 1},
        .follows = follows,
        .count = count,
        .progress = progress,
        .arg = arg,
    };
    int rc;

    rc = mem_settle_start(&op);
    return rc ? rc : ao_wait(&op.ao);
}

const char *xlx_mem_settle_state_name(enum xlx_mem_settle_state state)
{
    static const char *const names[] = {
        [XLX_MEM_MOVING] = "moving", [XLX_MEM_SETTLED] = "settled", [XLX_MEM_STUCK] = "stuck",
        [XLX_MEM_GONE] = "gone",     [XLX_MEM_PAUSED] = "paused",   [XLX_MEM_UNKNOWN] = "unknown",
    };

    return (size_t)state < ARRAY_LEN(names) ? names[state] : "unknown";
}
