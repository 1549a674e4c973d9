/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hysteresis: targets move as little as the needs allow. What somebody has beyond what it needs and keeps warm is taken
 * from it only for a need, for what another keeps warm, or for the host's float; never because another has less that it
 * does not need either.
 */
#include <stdlib.h>

#include "balance/policy/plan-table.h"

typedef unsigned __int128 wide;

/* What a guest of which nothing is known is expected to give at once. */
#define QUICK_MEMKB (UINT64_C(64) << 10)
/* Less than this is nothing to anybody; and to one whose programs wait for it. */
#define TRIFLE_MEMKB (UINT64_C(4) << 10)
#define TRIFLE_IN_USE_MEMKB (UINT64_C(1) << 10)

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static bool near_enough(const struct seat *s, uint64_t now)
{
    if (now < s->lo || now > s->hi)
        return false;
    if (distance(now, s->got) <= s->got / 50)
        return true;
    /* Both above the demand: nobody waits for the difference. */
    if (now < s->demand || s->got < s->demand)
        return false;
    return now > s->got || distance(now, s->got) <= s->got / 16;
}

static int by_excess(const void *a, const void *b)
{
    const struct seat *x = *(struct seat *const *)a, *y = *(struct seat *const *)b;

    if (x->cap != y->cap)
        return x->cap > y->cap ? -1 : 1;
    return plan_seat_by_domid(x, y);
}

/* The lowest target that is near enough to a share. */
static uint64_t lowest_near(const struct seat *s, uint64_t share)
{
    uint64_t low = share - pages_down(share / 50), surplus_low = share - pages_down(share / 16);
    uint64_t demand = pages_up(s->demand);

    if (share > demand)
        low = surplus_low > demand ? surplus_low : demand < low ? demand : low;
    return low > s->lo ? low : s->lo;
}

/* How far a raise may be given up: all that nobody waits for, and of what it keeps warm what is near enough. What it
 * needs it gets in full, so that it does not need a little more soon after. */
static uint64_t lowest_raise(const struct seat *s, uint64_t now)
{
    uint64_t demand = pages_up(s->demand), warm = pages_up(s->warm), low = lowest_near(s, s->got);

    if (s->got > warm && warm < low)
        low = warm;
    if (low < demand)
        low = s->got < demand ? s->got : demand;
    return low > now ? low : pages_up(now);
}

/* What those that stay above their share hold too much is taken from those that are raised, as far as nobody waits for
 * that, ... */
static uint64_t raise_less(struct plan_table *t, uint64_t excess)
{
    for (size_t i = 0; i < t->count && excess; i++) {
        struct seat *s = &t->seats[i];
        uint64_t now = s->domain->target_memkb, less;

        if (s->reason == PLAN_REASON_KEPT || s->got <= now)
            continue;
        less = s->got - lowest_raise(s, now);
        if (less > excess)
            less = pages_up(excess);
        /* A raise by a trifle is none. */
        if (s->got - less > now && s->got - less - now <= now / 50 && !(now % PLAN_PAGE_KB) && now >= s->demand)
            less = s->got - now;
        s->got -= less;
        if (s->got == now)
            s->reason = PLAN_REASON_KEPT;
        excess -= less < excess ? less : excess;
    }
    return excess;
}

static uint64_t lower(struct seat *s, uint64_t by)
{
    s->got -= by;
    s->reason = plan_seat_reason(s);
    return by;
}

/* ... and then from few rather than from all: those furthest above their share go down to what is near enough. A little
 * growth somewhere must not move everybody. */
static void keep_less_of_few(struct plan_table *t, size_t above, uint64_t excess)
{
    qsort(t->order, above, sizeof(struct seat *), by_excess);
    for (size_t i = 0; i < above && excess; i++) {
        struct seat *s = t->order[i];
        uint64_t less = s->got - lowest_near(s, s->share);

        if (less > excess)
            less = pages_up(excess);
        less = lower(s, less);
        excess -= less < excess ? less : excess;
    }
}

static uint64_t over(const struct seat *s)
{
    return s->got - lowest_near(s, s->share);
}

/* While somebody waits from as many of them as give all of it at once, if that many are there: together they are faster
 * than one after the other. Each in proportion to what it has too much. */
static void keep_less_at_once(struct plan_table *t, size_t above, uint64_t excess)
{
    uint64_t all = 0, at_once = 0;
    size_t n = 0;

    qsort(t->order, above, sizeof(struct seat *), by_excess);
    while (n < above && (at_once < excess || all < excess)) {
        const struct seat *s = t->order[n++];
        uint64_t quick = s->domain->quick_memkb ? s->domain->quick_memkb : QUICK_MEMKB;

        at_once += over(s) < quick ? over(s) : quick;
        all += over(s);
    }
    for (size_t i = 0; i < n && all; i++) {
        struct seat *s = t->order[i];
        uint64_t most = over(s);
        uint64_t less = excess >= all ? most : pages_up((uint64_t)((wide)most * excess / all));

        lower(s, less < most ? less : most);
    }
}

/* A trifle of a large guest is much to one that waits for it, and free memory is of use to nobody else. */
static void raise_all_the_same(struct plan_table *t, uint64_t room)
{
    for (size_t i = 0; i < t->count; i++) {
        struct seat *s = &t->seats[i];
        uint64_t less = s->lacks < room ? s->lacks : pages_down(room);

        if (less < TRIFLE_MEMKB)
            continue;
        s->got += less;
        s->lacks -= less;
        s->reason = plan_seat_reason(s);
        room -= less;
    }
}

/* While somebody has less than it uses, what is near enough to others' shares is not their own. */
static void give_what_is_in_use(struct plan_table *t, struct seat *s)
{
    uint64_t left = pages_down(s->lacks);

    if (left < TRIFLE_IN_USE_MEMKB || s->got >= s->use)
        return;
    for (size_t i = 0; i < t->count && left; i++) {
        struct seat *other = &t->seats[i];
        uint64_t beyond = other->cap && other->got > other->share ? pages_down(other->got - other->share) : 0;
        uint64_t gives = beyond < left ? beyond : left;

        if (!gives)
            continue;
        lower(other, gives);
        s->got += gives;
        s->reason = plan_seat_reason(s);
        left -= gives;
    }
}

static void damp(struct plan_table *t)
{
    /* Half of the float may be missing before anybody gives for it. */
    int64_t full = t->budget_memkb - (int64_t)t->float_memkb, most = full + (int64_t)t->float_memkb / 2;
    uint64_t sum = 0, excess;
    size_t above = 0;

    for (size_t i = 0; i < t->count; i++) {
        struct seat *s = &t->seats[i];
        uint64_t now = s->domain->target_memkb;

        s->cap = s->lacks = 0;
        if (now != s->got && !(now % PLAN_PAGE_KB) && near_enough(s, now)) {
            s->cap = now > s->got ? now - s->got : 0;
            s->lacks = now < s->got && now < s->demand ? s->got - now : 0;
            s->share = s->got;
            s->got = now;
            s->reason = PLAN_REASON_KEPT;
            if (s->cap)
                t->order[above++] = s;
        }
        sum += s->got;
    }
    if ((int64_t)sum <= full) {
        raise_all_the_same(t, (uint64_t)(full - (int64_t)sum));
        return;
    }
    excess = raise_less(t, (uint64_t)((int64_t)sum - full));
    if (excess && full + (int64_t)excess > most)
        t->input->hurry ? keep_less_at_once(t, above, excess) : keep_less_of_few(t, above, excess);
}

void plan_damp(struct plan_table *t)
{
    damp(t);
    for (size_t i = 0; t->input->hurry && i < t->count; i++)
        give_what_is_in_use(t, &t->seats[i]);
}
