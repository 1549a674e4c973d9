/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "balance/engine/state.h"
#include "base/error.h"

typedef unsigned __int128 wide;

#define GRANT_LEAST_MEMKB 1024u
#define GRANT_GAP_MS 500u
#define REFUSED_LEAST_MS 1000u
#define REFUSED_MOST_MS 60000u

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- one target ---- */

static void remember(struct balancer *b, struct dom *d, uint64_t old_memkb, const char *reason)
{
    d->history[d->history_next] = (struct balancer_change){b->now_ms, old_memkb, d->target_memkb, reason};
    d->history_next = (d->history_next + 1) % BALANCER_HISTORY;
    if (d->history_count < BALANCER_HISTORY)
        d->history_count++;
    tell(b, &(struct host_event){.type = HOST_EVENT_TARGET,
                                 .domid = d->domid,
                                 .old_memkb = old_memkb,
                                 .new_memkb = d->target_memkb,
                                 .what = reason});
}

/* Somebody was quicker, or it is gone: the next round sees. Whatever else it is will not be over so soon. */
static void refused(struct balancer *b, struct dom *d)
{
    uint64_t pause = REFUSED_LEAST_MS;

    d->facts_stale = true;
    round_soon(b);
    for (unsigned i = 1; i < d->refusals && pause < REFUSED_MOST_MS; i++)
        pause *= 2;
    if (d->refusals++)
        d->refused_until_ms = b->now_ms + least(pause, REFUSED_MOST_MS);
}

int target_write(struct balancer *b, struct dom *d, uint64_t target_memkb, const char *reason)
{
    uint64_t old = d->target_memkb;
    int rc;

    if (b->now_ms < d->refused_until_ms) {
        round_wanted(b, d->refused_until_ms);
        return ERROR_NOT_READY;
    }
    rc = b->host->ops->target_set(b->host, d->domid, old, target_memkb, 0);
    if (rc) {
        refused(b, d);
        return rc;
    }
    d->refusals = 0;
    d->target_memkb = d->own_memkb = target_memkb;
    if (target_memkb > d->promise_memkb)
        d->promise_memkb = target_memkb;
    d->written = true;
    b->counters.targets_written++;
    b->fast_until_ms = b->now_ms + TICK_FAST_FOR_MS;
    remember(b, d, old, reason);
    return 0;
}

int64_t room_memkb(const struct balancer *b)
{
    int64_t room = (int64_t)b->memory.free_memkb - (int64_t)b->memory.claimed_memkb - (int64_t)b->config.reserve_memkb -
                   (int64_t)reserved_memkb(b, true);

    for (size_t i = 0; i < b->count; i++)
        room -= (int64_t)dom_pending(b, b->doms[i]);
    return room;
}

/* ---- lowering ---- */

static void lower(struct balancer *b, struct dom *d)
{
    const char *reason = plan_reason_name(d->reason);

    if (health_stuck(&d->health, HEALTH_GIVING) || health_stuck(&d->health, HEALTH_TAKING))
        reason = "unreachable";
    else if (d->health.sides[HEALTH_GIVING].state == HEALTH_PROBATION)
        reason = "probe";
    target_write(b, d, d->planned_memkb, reason);
}

/* A stuck guest that takes no part: its target is put where it stands, within its range. */
static void set_standing(struct dom *d)
{
    uint64_t target = d->actual_memkb - d->actual_memkb % PLAN_PAGE_KB, hi = plan_hi_memkb(&d->plan);

    hi -= hi % PLAN_PAGE_KB;
    if (target > hi)
        target = hi;
    if (target < d->plan.min_memkb)
        target = d->plan.min_memkb + (PLAN_PAGE_KB - d->plan.min_memkb % PLAN_PAGE_KB) % PLAN_PAGE_KB;
    d->planned_memkb = target;
}

static bool near(uint64_t a, uint64_t b)
{
    return (a > b ? a - b : b - a) <= HEALTH_NEAR_KB;
}

/* ---- raising ---- */

struct wish {
    struct dom *dom;
    uint64_t base, need; /* from where it takes host memory, and how much */
};

/* Who has least of what it is to have goes first. */
static int by_hunger(const void *a, const void *b)
{
    const struct wish *x = a, *y = b;
    wide l = (wide)x->base * y->dom->planned_memkb, r = (wide)y->base * x->dom->planned_memkb;

    if (l != r)
        return l < r ? -1 : 1;
    return x->dom->domid < y->dom->domid ? -1 : x->dom->domid > y->dom->domid;
}

static size_t collect_wishes(struct balancer *b, struct wish *wishes, uint64_t *needed)
{
    size_t n = 0;

    *needed = 0;
    for (size_t i = 0; i < b->count; i++) {
        struct dom *d = b->doms[i];
        struct wish w = {d, d->actual_memkb > d->promise_memkb ? d->actual_memkb : d->promise_memkb, 0};

        if (!dom_balanced(b, d) || d->planned_memkb <= d->target_memkb)
            continue;
        if (d->planned_memkb > w.base)
            w.need = d->planned_memkb - w.base;
        wishes[n++] = w;
        *needed += w.need;
    }
    qsort(wishes, n, sizeof(*wishes), by_hunger);
    return n;
}

static const char *raise_reason(const struct dom *d)
{
    if (d->plan.balloon == PLAN_BALLOON_STUCK ||
        (health_stuck(&d->health, HEALTH_GIVING) && d->planned_memkb <= d->actual_memkb))
        return "unreachable";
    /* It is asked for less than before, still below what it holds: the try goes on. */
    if (d->health.sides[HEALTH_TAKING].state == HEALTH_PROBATION ||
        (d->health.sides[HEALTH_GIVING].state == HEALTH_PROBATION && d->planned_memkb <= d->actual_memkb))
        return "probe";
    return plan_reason_name(d->reason);
}

/* Returns whether it has all now. */
static bool grant(struct balancer *b, struct wish *w, uint64_t *room, uint64_t share)
{
    struct dom *d = w->dom;
    uint64_t chunk = GRANT_LEAST_MEMKB + d->planned_memkb / 64, part;

    if (w->need <= share || w->need <= least(chunk, *room)) {
        if (target_write(b, d, d->planned_memkb, raise_reason(d)))
            return false;
        *room -= w->need;
        return true;
    }
    part = least(share > chunk ? share : chunk, *room);
    /* Below its minimum there is nothing to stop at; what others cannot take meanwhile adds up for it. */
    if (w->base + part < d->plan.min_memkb) {
        *room -= least(*room, d->plan.min_memkb - w->base);
        return false;
    }
    part -= part % PLAN_PAGE_KB;
    if (part < chunk || (d->granted_at_ms && b->now_ms < d->granted_at_ms + GRANT_GAP_MS))
        return false;
    /* From a base that is no multiple of a page the target must still be one. */
    if (target_write(b, d, (w->base + part) / PLAN_PAGE_KB * PLAN_PAGE_KB, "grant"))
        return false;
    d->granted_at_ms = b->now_ms;
    *room -= part;
    return false;
}

static bool raise_targets(struct balancer *b, struct gc *gc)
{
    struct wish *wishes = gc_array(gc, b->count, sizeof(*wishes));
    int64_t free_room = room_memkb(b);
    uint64_t room = free_room > 0 ? (uint64_t)free_room : 0, total = room, needed;
    size_t n = collect_wishes(b, wishes, &needed);
    bool more = false;

    for (size_t i = 0; i < n; i++) {
        uint64_t share = needed <= total ? wishes[i].need : (uint64_t)((wide)total * wishes[i].need / needed);

        if (!grant(b, &wishes[i], &room, least(share, room)))
            more = true;
    }
    return more;
}

bool targets_move(struct balancer *b, struct gc *gc)
{
    for (size_t i = 0; i < b->count; i++) {
        struct dom *d = b->doms[i];

        if (!dom_balanced(b, d))
            continue;
        if (d->plan.balloon == PLAN_BALLOON_STUCK) {
            if (near(d->actual_memkb, d->target_memkb))
                d->planned_memkb = d->target_memkb;
            else
                set_standing(d);
        }
        if (d->planned_memkb < d->target_memkb)
            lower(b, d);
    }
    return raise_targets(b, gc);
}

/* ---- re-arming ---- */

void targets_rearm(struct balancer *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct dom *d = b->doms[i];
        uint64_t hi = plan_hi_memkb(&d->plan), target;
        /* A guest that is to give is asked for a page less first, one that is to take for a page less too: neither
         * takes memory from the host. */
        bool up = d->health.way == HEALTH_GIVING ? d->health.rearmed % 2 : d->health.rearmed % 2 == 0;

        if (!d->rearm || d->written || !dom_balanced(b, d))
            continue;
        if (up && (d->target_memkb + PLAN_PAGE_KB > hi || room_memkb(b) < (int64_t)PLAN_PAGE_KB))
            up = false;
        if (!up && d->target_memkb < d->plan.min_memkb + PLAN_PAGE_KB)
            continue;
        target = up ? d->target_memkb + PLAN_PAGE_KB : d->target_memkb - PLAN_PAGE_KB;
        if (target < d->plan.min_memkb)
            continue;
        b->counters.rearmed++;
        target_write(b, d, target, "re-arm");
    }
}
