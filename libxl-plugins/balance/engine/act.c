/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "balance/engine/state.h"
#include "balloon/follow.h"
#include "balloon/sizes.h"
#include "base/error.h"
#include "base/least.h"

typedef unsigned __int128 wide;

#define GRANT_LEAST_MEMKB 1024u
#define GRANT_GAP_MS 500u
#define GRANT_GAP_NEED_MS 100u
#define GRANT_GAP_MOST_MS 10000u
#define REFUSED_LEAST_MS 1000u
#define REFUSED_MOST_MS 60000u

/* ---- one target ---- */

static void remember(struct balancer *b, struct dom *d, uint64_t old_memkb, const char *reason)
{
    d->history[d->history_next] = (struct balancer_change){b->now_ms, old_memkb, d->target_memkb, reason};
    d->history_next = (d->history_next + 1) % BALANCER_HISTORY;
    if (d->history_count < BALANCER_HISTORY)
        d->history_count++;
    balancer_tell(b, &(struct host_event){.type = HOST_EVENT_TARGET,
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
    balancer_round_soon(b);
    for (unsigned i = 1; i < d->refusals && pause < REFUSED_MOST_MS; i++)
        pause *= 2;
    if (d->refusals++)
        d->refused_until_ms = b->now_ms + least(pause, REFUSED_MOST_MS);
}

/* A raise was given its room; a limit that was left low for want of room is not to rise with a target that is lowered
 * or put a page off. */
static uint64_t limit_with(const struct balancer *b, const struct dom *d, uint64_t target_memkb)
{
    uint64_t limit = limit_for_memkb(d, target_memkb), now = d->sample.limit_memkb;
    bool raise = target_memkb > d->target_memkb + MEM_PAGE_KB;

    return !raise && limit > now && (int64_t)(limit - now) > ledger_room_memkb(b) ? now : limit;
}

int target_write(struct balancer *b, struct dom *d, uint64_t target_memkb, const char *reason)
{
    uint64_t old = d->target_memkb, limit;
    int rc;

    /* Of one that holds more than it was asked to, no more than the least that it has held since. */
    if (d->owes && target_memkb > old && target_memkb > d->least_memkb)
        target_memkb = most(old, d->least_memkb - d->least_memkb % PLAN_PAGE_KB);
    if (target_memkb == old)
        return ERROR_NOT_READY;
    if (b->now_ms < d->refused_until_ms) {
        balancer_round_wanted(b, d->refused_until_ms);
        return ERROR_NOT_READY;
    }
    if (balancer_turn_over(b)) {
        balancer_round_soon(b);
        return ERROR_NOT_READY;
    }
    limit = limit_with(b, d, target_memkb);
    rc = b->host->ops->target_set(b->host, d->domid, old, target_memkb, limit);
    if (rc) {
        refused(b, d);
        return rc;
    }
    d->refusals = 0;
    d->target_memkb = d->own_memkb = target_memkb;
    if (target_memkb > d->promise_memkb)
        d->promise_memkb = target_memkb;
    d->sample.limit_memkb = limit;
    if (limit > d->promise_limit_memkb)
        d->promise_limit_memkb = limit;
    d->limited = true;
    if (target_memkb > d->actual_memkb && !d->raised_at_ms)
        d->raised_at_ms = b->now_ms;
    d->written = true;
    b->counters.targets_written++;
    b->fast_until_ms = b->now_ms + TICK_FAST_FOR_MS;
    remember(b, d, old, reason);
    return 0;
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
    uint64_t stands = dom_stands_at_memkb(d), hi = plan_hi_memkb(&d->plan);
    uint64_t target = stands - stands % PLAN_PAGE_KB;

    hi -= hi % PLAN_PAGE_KB;
    if (target > hi)
        target = hi;
    if (target < d->plan.min_memkb)
        target = d->plan.min_memkb + (PLAN_PAGE_KB - d->plan.min_memkb % PLAN_PAGE_KB) % PLAN_PAGE_KB;
    d->planned_memkb = target;
}

static bool stands(const struct dom *d)
{
    if (d->actual_memkb > d->target_memkb)
        return d->actual_memkb - d->target_memkb <= dom_tolerance_memkb(d);
    return d->target_memkb - d->actual_memkb <= HEALTH_NEAR_KB;
}

/* ---- raising ---- */

struct wish {
    struct dom *dom;
    uint64_t base; /* the target that takes no host memory yet */
    uint64_t use;  /* host memory for what it uses; part of the next */
    uint64_t need; /* for what it needs ... */
    uint64_t rest; /* ... and for what is planned beyond that */
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

static void size_wish(const struct balancer *b, struct wish *w)
{
    const struct dom *d = w->dom;
    int64_t above = (int64_t)limit_for_memkb(d, d->planned_memkb) - (int64_t)d->planned_memkb;
    /* What is kept for it already: what it could take, or what reservations say. */
    uint64_t kept = d->sample.held_memkb + d->sample.claimed_memkb + reserve_handed_memkb(b, d->domid);
    int64_t base = (int64_t)most(ledger_could_memkb(b, d), kept) - above;
    uint64_t needed = least(d->planned_memkb, d->plan.demand_memkb);
    uint64_t used = least(needed, d->plan.use_memkb);

    w->base = base > (int64_t)d->target_memkb ? (uint64_t)base : d->target_memkb;
    w->use = used > w->base ? used - w->base : 0;
    w->need = needed > w->base ? needed - w->base : 0;
    w->rest = d->planned_memkb > w->base + w->need ? d->planned_memkb - w->base - w->need : 0;
}

/* While there is not enough for what is in use, nobody gets headroom. */
static void use_first(struct wish *wishes, size_t n, uint64_t *need, uint64_t *rest)
{
    *need = *rest = 0;
    for (size_t i = 0; i < n; i++) {
        wishes[i].need = wishes[i].use;
        wishes[i].rest = 0;
        *need += wishes[i].need;
    }
}

static size_t collect_wishes(struct balancer *b, struct wish *wishes, uint64_t room, uint64_t *need, uint64_t *rest)
{
    uint64_t use = 0;
    size_t n = 0;

    *need = *rest = 0;
    for (size_t i = 0; i < b->count; i++) {
        struct wish w = {.dom = b->doms[i]};

        if (!dom_balanced(b, w.dom) || w.dom->planned_memkb <= w.dom->target_memkb)
            continue;
        size_wish(b, &w);
        wishes[n++] = w;
        use += w.use;
        *need += w.need;
        *rest += w.rest;
    }
    if (use > room)
        use_first(wishes, n, need, rest);
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

static bool raise_to(struct balancer *b, struct dom *d, uint64_t target_memkb, const char *reason)
{
    return target_memkb > d->target_memkb && !target_write(b, d, target_memkb, reason);
}

/* Less than a chunk is worth a write, too, only not so soon after the last one. */
static bool is_due(const struct balancer *b, const struct dom *d, uint64_t part, uint64_t chunk, uint64_t gap)
{
    if (part < chunk)
        gap = least(gap * chunk / part, GRANT_GAP_MOST_MS);
    return !d->granted_at_ms || b->now_ms >= d->granted_at_ms + gap;
}

/* share: what there is for it, of all that it wishes. Returns whether it has all now. */
static bool grant(struct balancer *b, struct wish *w, uint64_t *room, uint64_t share)
{
    struct dom *d = w->dom;
    uint64_t all = w->need + w->rest, chunk = GRANT_LEAST_MEMKB + d->planned_memkb / (w->need ? 128 : 64), part;
    uint64_t gap = w->need ? most(GRANT_GAP_NEED_MS, balancer_round_gap_ms(b)) : GRANT_GAP_MS;

    if (w->base + all >= d->planned_memkb && (all <= share || all <= least(chunk, *room))) {
        if (!raise_to(b, d, d->planned_memkb, raise_reason(d)))
            return false;
        *room -= all;
        return d->target_memkb == d->planned_memkb;
    }
    /* Headroom waits until there is enough for all that is in use. */
    if (!all)
        return false;
    /* A chunk may be more than the use that goes before headroom, but not more than is planned. */
    part = least(least(most(share, chunk), *room), d->planned_memkb > w->base ? d->planned_memkb - w->base : 0);
    /* Below its minimum there is nothing to stop at; what others cannot take meanwhile adds up for it. */
    if (w->base + part < d->plan.min_memkb) {
        *room -= least(*room, d->plan.min_memkb - w->base);
        return false;
    }
    part -= part % PLAN_PAGE_KB;
    if (!part || part < least(all, GRANT_LEAST_MEMKB))
        return false;
    /* What is needed does not wait, if it is there. */
    if ((part < w->need || !w->need) && !is_due(b, d, part, chunk, gap))
        return false;
    /* From a base that is no multiple of a page the target must still be one. */
    if (!raise_to(b, d, (w->base + part) / PLAN_PAGE_KB * PLAN_PAGE_KB, "grant"))
        return false;
    d->granted_at_ms = b->now_ms;
    *room -= part;
    return false;
}

static uint64_t part_of(uint64_t total, uint64_t share, uint64_t shares)
{
    return shares <= total ? share : (uint64_t)((wide)total * share / shares);
}

/* Needs first. The float is for them; what is wished beyond them gets what is left above it, and nothing while needs
 * wait. */
static bool raise_targets(struct balancer *b, struct gc *gc)
{
    struct wish *wishes = gc_array(gc, b->count, sizeof(*wishes));
    int64_t free_room = ledger_room_memkb(b);
    uint64_t room = free_room > 0 ? (uint64_t)free_room : 0, total = room, need, rest, beyond = 0;
    size_t n = collect_wishes(b, wishes, room, &need, &rest);
    bool more = false;

    if (total > need + b->float_memkb)
        beyond = total - need - b->float_memkb;
    for (size_t i = 0; i < n; i++) {
        struct wish *w = &wishes[i];
        uint64_t share = part_of(total, w->need, need) + part_of(beyond, w->rest, rest);

        if (!w->need && !beyond && w->dom->planned_memkb > w->base) {
            more = true;
            continue;
        }
        if (!grant(b, w, &room, least(share, room)))
            more = true;
    }
    return more;
}

/* A paused guest takes nothing: what it has not is for others until it runs. */
static void stop_where_it_stands(struct balancer *b, struct dom *d)
{
    uint64_t target = d->actual_memkb - d->actual_memkb % PLAN_PAGE_KB;

    if (target + HEALTH_NEAR_KB < d->target_memkb && target >= d->facts.min_memkb)
        target_write(b, d, target, "paused");
}

uint64_t balancer_lacks_memkb(const struct balancer *b)
{
    int64_t lacks = -ledger_room_memkb(b);

    for (size_t i = 0; i < b->count; i++) {
        const struct dom *d = b->doms[i];

        if (dom_balanced(b, d) && d->planned_memkb > d->target_memkb)
            lacks += (int64_t)(d->planned_memkb - d->target_memkb);
    }
    return lacks > 0 ? (uint64_t)lacks : 0;
}

bool targets_move(struct balancer *b, struct gc *gc)
{
    for (size_t i = 0; i < b->count; i++) {
        struct dom *d = b->doms[i];

        if (dom_paused(b, d))
            stop_where_it_stands(b, d);
        if (!dom_balanced(b, d))
            continue;
        if (d->plan.balloon == PLAN_BALLOON_STUCK) {
            if (stands(d))
                d->planned_memkb = d->target_memkb;
            else
                set_standing(d);
        }
        if (d->planned_memkb < d->target_memkb)
            lower(b, d);
    }
    limits_mend(b, balancer_lacks_memkb(b));
    return raise_targets(b, gc);
}

/* ---- re-arming ---- */

/* A page off, and with the next re-arm back. */
static uint64_t rearmed_memkb(const struct balancer *b, const struct dom *d)
{
    bool giving = d->health.way == HEALTH_GIVING, back = d->health.rearmed % 2 == 0;
    uint64_t target = rearm_target_memkb(d->target_memkb, giving != back);

    if (target > d->target_memkb && (target > plan_hi_memkb(&d->plan) || ledger_room_memkb(b) < MEM_PAGE_KB))
        return rearm_target_memkb(d->target_memkb, false);
    return target;
}

void targets_rearm(struct balancer *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct dom *d = b->doms[i];
        uint64_t target;

        if (!d->rearm || d->written || !dom_balanced(b, d))
            continue;
        target = rearmed_memkb(b, d);
        if (target < d->plan.min_memkb)
            continue;
        b->counters.rearmed++;
        target_write(b, d, target, "re-arm");
    }
}
