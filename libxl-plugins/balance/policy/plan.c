/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "balance/policy/plan-table.h"

typedef unsigned __int128 wide;

bool plan_participates(const struct plan_domain *d)
{
    return d->state == PLAN_RUNNING && !d->fixed && (d->balloon == PLAN_BALLOON_OK || d->balloon == PLAN_BALLOON_SLOW);
}

uint64_t plan_hi_memkb(const struct plan_domain *d)
{
    return d->max_memkb < d->static_max_memkb ? d->max_memkb : d->static_max_memkb;
}

static uint64_t clamp(uint64_t value, uint64_t lo, uint64_t hi)
{
    return value < lo ? lo : value > hi ? hi : value;
}

static void seat_init(struct seat *s, const struct plan_domain *d, size_t index)
{
    s->domain = d;
    s->index = index;
    s->hi = pages_down(plan_hi_memkb(d));
    /* A range that holds no whole page: not above the maximum is what counts. */
    s->lo = pages_up(d->min_memkb);
    if (s->lo > s->hi)
        s->lo = s->hi;
    s->demand = d->demand_known ? clamp(d->demand_memkb, s->lo, s->hi) : s->lo;
    s->use = clamp(d->use_memkb, s->lo, s->demand);
    s->warm = clamp(d->keep_memkb, s->demand, s->hi > s->demand ? s->hi : s->demand);
    s->got = s->lo;
}

int plan_seat_by_domid(const void *a, const void *b)
{
    const struct seat *x = a, *y = b;

    return x->domain->domid < y->domain->domid ? -1 : x->domain->domid > y->domain->domid;
}

static void take_seats(struct gc *gc, struct plan_table *t)
{
    const struct plan_input *in = t->input;
    int64_t budget = (int64_t)in->free_memkb - (int64_t)in->claimed_memkb - (int64_t)in->reserve_memkb -
                     (int64_t)in->reservations_memkb;
    /* As a host has them anyway. */
    bool sorted = true;

    t->seats = gc_array(gc, in->count, sizeof(*t->seats));
    t->order = gc_array(gc, in->count, sizeof(struct seat *));
    for (size_t i = 0; i < in->count; i++) {
        const struct plan_domain *d = &in->domains[i];

        if (plan_participates(d)) {
            const struct seat *s = &t->seats[t->count];

            seat_init(&t->seats[t->count++], d, i);
            sorted &= t->count < 2 || s[-1].domain->domid < d->domid;
            t->any_use |= s->use > s->lo;
            t->any_warmth |= s->warm > s->demand;
            budget += (int64_t)d->actual_memkb;
        } else if (d->balloon != PLAN_BALLOON_NONE && d->target_memkb > d->actual_memkb) {
            t->others_memkb += d->target_memkb - d->actual_memkb;
        }
    }
    if (!sorted)
        qsort(t->seats, t->count, sizeof(*t->seats), plan_seat_by_domid);
    t->budget_memkb = budget - (int64_t)t->others_memkb;
    t->plan->budget_memkb = t->budget_memkb;
}

/* ---- filling level by level ---- */

/* By cap / share, the level at which a seat is full. */
static int by_full_level(const void *a, const void *b)
{
    const struct seat *x = *(struct seat *const *)a, *y = *(struct seat *const *)b;
    wide l = (wide)x->cap * y->share, r = (wide)y->cap * x->share;

    if (l != r)
        return l < r ? -1 : 1;
    return plan_seat_by_domid(x, y);
}

/* Gives room KiB to seats in proportion to share, none more than its cap. Returns what nobody can take; the fractions
 * of a KiB that division leaves are lost here and found again by whole_pages. */
static uint64_t fill(struct plan_table *t, uint64_t room)
{
    size_t n = 0, full = 0;
    wide shares = 0;

    for (size_t i = 0; i < t->count; i++) {
        if (!t->seats[i].cap || !t->seats[i].share)
            continue;
        t->order[n++] = &t->seats[i];
        shares += t->seats[i].share;
    }
    qsort(t->order, n, sizeof(struct seat *), by_full_level);
    for (; full < n; full++) {
        struct seat *s = t->order[full];

        if ((wide)s->cap * shares > (wide)room * s->share)
            break;
        s->got += s->cap;
        room -= s->cap;
        shares -= s->share;
    }
    if (full == n)
        return room;
    for (size_t i = full; i < n; i++) {
        struct seat *s = t->order[i];
        wide part = (wide)room * s->share;

        s->got += (uint64_t)(part / shares);
        s->lost = part % shares;
    }
    return 0;
}

/* Rounds down to whole pages; what that leaves goes as one page each to seats that lost some, lowest domid first: all
 * end less than a page from their exact share, and the sum within the budget. */
static void whole_pages(struct plan_table *t)
{
    int64_t left = t->budget_memkb - (int64_t)t->float_memkb;

    for (size_t i = 0; i < t->count; i++) {
        struct seat *s = &t->seats[i];

        s->lost = s->lost || s->got % PLAN_PAGE_KB;
        s->got = pages_down(s->got);
        left -= (int64_t)s->got;
    }
    for (size_t i = 0; i < t->count && left >= PLAN_PAGE_KB; i++) {
        if (t->seats[i].lost) {
            t->seats[i].got += PLAN_PAGE_KB;
            left -= PLAN_PAGE_KB;
        }
    }
}

enum plan_reason plan_seat_reason(const struct seat *s)
{
    if (s->got >= s->hi)
        return PLAN_REASON_MAXIMUM;
    if (!s->domain->demand_known)
        return s->got > s->lo ? PLAN_REASON_RANGE : PLAN_REASON_MINIMUM;
    if (s->got < pages_down(s->demand))
        return s->got > s->lo ? PLAN_REASON_SHARE : PLAN_REASON_MINIMUM;
    if (s->got >= s->warm + PLAN_PAGE_KB)
        return PLAN_REASON_SURPLUS;
    if (s->got >= s->demand + PLAN_PAGE_KB)
        return PLAN_REASON_WARM;
    return s->got > s->lo ? PLAN_REASON_DEMAND : PLAN_REASON_MINIMUM;
}

enum level { USE, NEED, WARMTH, REST };

/* Returns what nobody can take on this level. */
static uint64_t fill_level(struct plan_table *t, uint64_t room, enum level level)
{
    if (!room)
        return 0;
    for (size_t i = 0; i < t->count; i++) {
        struct seat *s = &t->seats[i];
        uint64_t full = level == USE ? s->use : level == NEED ? s->demand : level == WARMTH ? s->warm : s->hi;

        s->cap = full > s->got ? full - s->got : 0;
        s->share = s->domain->weight;
    }
    return fill(t, room);
}

static void share_out(struct plan_table *t)
{
    uint64_t least = 0, room;

    for (size_t i = 0; i < t->count; i++)
        least += t->seats[i].lo;
    t->plan->feasible = t->budget_memkb >= (int64_t)least;
    if (!t->plan->feasible) {
        t->plan->shortfall_memkb = (uint64_t)((int64_t)least - t->budget_memkb);
        for (size_t i = 0; i < t->count; i++)
            t->seats[i].reason = PLAN_REASON_SHORT;
        return;
    }
    room = (uint64_t)t->budget_memkb - least;
    if (t->any_use)
        room = fill_level(t, room, USE);
    room = fill_level(t, room, NEED);
    t->float_memkb = room < t->input->float_memkb ? room : t->input->float_memkb;
    room -= t->float_memkb;
    if (t->any_warmth)
        room = fill_level(t, room, WARMTH);
    fill_level(t, room, REST);
    whole_pages(t);
    for (size_t i = 0; i < t->count; i++)
        t->seats[i].reason = plan_seat_reason(&t->seats[i]);
}

/* ---- steps ---- */

static void add_step(struct plan *plan, const struct seat *s)
{
    plan->steps[plan->step_count++] = (struct plan_step){s->domain->domid, s->index, s->got};
}

static void order_steps(struct gc *gc, struct plan_table *t)
{
    struct plan *plan = t->plan;
    const struct plan_input *in = t->input;
    int64_t host_free = (int64_t)in->free_memkb;
    int64_t least = (int64_t)(in->claimed_memkb + in->reserve_memkb + in->reservations_memkb + t->others_memkb);

    plan->steps = gc_array(gc, t->count, sizeof(*plan->steps));
    for (size_t i = 0; i < t->count; i++) {
        const struct seat *s = &t->seats[i];
        uint64_t target = s->got;

        if (target > s->domain->actual_memkb)
            continue;
        host_free += (int64_t)(s->domain->actual_memkb - target);
        if (target != s->domain->actual_memkb || target != s->domain->target_memkb)
            add_step(plan, s);
    }
    for (int raised = 0; raised < 2; raised++) {
        for (size_t i = 0; i < t->count; i++) {
            const struct seat *s = &t->seats[i];
            uint64_t target = s->got;

            if (target <= s->domain->actual_memkb || (target > s->domain->target_memkb) != raised)
                continue;
            if (host_free - (int64_t)(target - s->domain->actual_memkb) < least)
                continue;
            host_free -= (int64_t)(target - s->domain->actual_memkb);
            add_step(plan, s);
        }
    }
    plan->host_free_after_memkb = host_free;
}

static enum plan_reason outsider_reason(const struct plan_domain *d)
{
    static const enum plan_reason states[] = {
        [PLAN_PAUSED] = PLAN_REASON_PAUSED,   [PLAN_BUILDING] = PLAN_REASON_BUILDING,
        [PLAN_BOOTING] = PLAN_REASON_BOOTING, [PLAN_MIGRATING] = PLAN_REASON_MIGRATING,
        [PLAN_DYING] = PLAN_REASON_DYING,
    };

    if (d->fixed)
        return PLAN_REASON_FIXED;
    if (d->state != PLAN_RUNNING)
        return states[d->state];
    return d->balloon == PLAN_BALLOON_STUCK ? PLAN_REASON_STUCK : PLAN_REASON_NO_BALLOON;
}

struct plan *plan_make(struct gc *gc, const struct plan_input *input)
{
    struct plan *plan = GC_NEW(gc, struct plan);
    struct plan_table t = {.input = input, .plan = plan};

    take_seats(gc, &t);
    share_out(&t);
    if (input->damped && plan->feasible)
        plan_damp(&t);
    order_steps(gc, &t);
    plan->targets = gc_array(gc, input->count, sizeof(*plan->targets));
    for (size_t i = 0; i < input->count; i++) {
        plan->targets[i].target_memkb = input->domains[i].target_memkb;
        if (!plan_participates(&input->domains[i]))
            plan->targets[i].reason = outsider_reason(&input->domains[i]);
    }
    for (size_t i = 0; i < t.count; i++)
        plan->targets[t.seats[i].index] = (struct plan_target){t.seats[i].got, t.seats[i].reason};
    return plan;
}

void plan_fair(struct gc *gc, const struct plan_input *input, uint64_t *fair_memkb)
{
    struct plan_input hungry = *input;
    struct plan_domain *domains = gc_array(gc, input->count, sizeof(*domains));
    struct plan_table t = {.input = &hungry, .plan = GC_NEW(gc, struct plan)};

    hungry.domains = domains;
    hungry.float_memkb = 0;
    for (size_t i = 0; i < input->count; i++) {
        domains[i] = input->domains[i];
        domains[i].demand_known = true;
        domains[i].demand_memkb = plan_hi_memkb(&domains[i]);
        domains[i].use_memkb = 0;
        fair_memkb[i] = domains[i].target_memkb;
    }
    take_seats(gc, &t);
    share_out(&t);
    for (size_t i = 0; i < t.count; i++)
        fair_memkb[t.seats[i].index] = t.seats[i].got;
}
