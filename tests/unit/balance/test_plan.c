/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "balance/policy/plan.h"
#include "base/cleanup.h"

#define MIB UINT64_C(1024)

static struct plan_domain guest(uint32_t domid, uint64_t actual, uint64_t min, uint64_t max, uint64_t weight)
{
    return (struct plan_domain){
        .domid = domid,
        .actual_memkb = actual * MIB,
        .target_memkb = actual * MIB,
        .static_max_memkb = max * MIB,
        .min_memkb = min * MIB,
        .max_memkb = max * MIB,
        .weight = weight,
    };
}

static struct plan_domain wants(struct plan_domain d, uint64_t demand)
{
    d.demand_known = true;
    d.demand_memkb = demand * MIB;
    return d;
}

static struct plan_input host(const struct plan_domain *domains, size_t count, uint64_t free)
{
    return (struct plan_input){
        .total_memkb = 65536 * MIB, .free_memkb = free * MIB, .domains = domains, .count = count};
}

static void demands_are_met_before_anyone_gets_a_surplus(void **state)
{
    struct plan_domain d[] = {wants(guest(1, 1000, 100, 4000, 1), 500), wants(guest(2, 1000, 100, 4000, 9), 1500)};
    struct plan_input in = host(d, 2, 0);
    GC_SCOPE(gc);
    struct plan *p = plan_make(gc, &in);

    assert_true(p->feasible);
    assert_int_equal(p->targets[0].target_memkb, 500 * MIB);
    assert_int_equal(p->targets[1].target_memkb, 1500 * MIB);
    assert_int_equal(p->targets[0].reason, PLAN_REASON_DEMAND);
}

static void a_surplus_is_shared_by_weight(void **state)
{
    struct plan_domain d[] = {wants(guest(1, 1000, 100, 8000, 1), 500), wants(guest(2, 1000, 100, 8000, 3), 500)};
    struct plan_input in = host(d, 2, 0);
    GC_SCOPE(gc);
    struct plan *p = plan_make(gc, &in);

    assert_int_equal(p->targets[0].target_memkb, 750 * MIB);
    assert_int_equal(p->targets[1].target_memkb, 1250 * MIB);
    assert_int_equal(p->targets[0].reason, PLAN_REASON_SURPLUS);
}

static void shortage_is_shared_by_weight_above_the_minimum(void **state)
{
    struct plan_domain d[] = {wants(guest(1, 500, 100, 8000, 1), 4000), wants(guest(2, 500, 300, 8000, 2), 4000)};
    struct plan_input in = host(d, 2, 0);
    GC_SCOPE(gc);
    struct plan *p = plan_make(gc, &in);

    assert_int_equal(p->targets[0].target_memkb, 300 * MIB);
    assert_int_equal(p->targets[1].target_memkb, 700 * MIB);
    assert_int_equal(p->targets[1].reason, PLAN_REASON_SHARE);
}

static void unknown_demands_share_by_weight(void **state)
{
    struct plan_domain d[] = {guest(1, 1000, 500, 1500, 1), guest(2, 1000, 500, 3500, 3)};
    struct plan_input in = host(d, 2, 0);
    GC_SCOPE(gc);
    struct plan *p = plan_make(gc, &in);

    assert_int_equal(p->targets[0].target_memkb, 750 * MIB);
    assert_int_equal(p->targets[1].target_memkb, 1250 * MIB);
    assert_int_equal(p->targets[0].reason, PLAN_REASON_RANGE);
}

static void warmth_comes_after_every_need_and_before_the_rest(void **state)
{
    struct plan_domain d[] = {guest(1, 1000, 100, 2000, 1), guest(2, 1000, 100, 2000, 1), guest(3, 1000, 100, 2000, 1)};
    struct plan_input in = host(d, 3, 0);
    GC_SCOPE(gc);
    struct plan *p;

    for (size_t i = 0; i < 3; i++) {
        d[i].demand_known = true;
        d[i].demand_memkb = 500 * MIB;
    }
    d[0].keep_memkb = 1000 * MIB;
    d[1].demand_memkb = 1500 * MIB;
    p = plan_make(gc, &in);
    assert_int_equal(p->targets[0].target_memkb, 1000 * MIB);
    assert_int_equal(p->targets[1].target_memkb, 1500 * MIB);
    assert_int_equal(p->targets[1].reason, PLAN_REASON_DEMAND);
    assert_int_equal(p->targets[2].target_memkb, 500 * MIB);
    d[1].demand_memkb = 1900 * MIB;
    p = plan_make(gc, &in);
    assert_int_equal(p->targets[0].target_memkb, 600 * MIB);
    assert_int_equal(p->targets[0].reason, PLAN_REASON_WARM);
    d[1].demand_memkb = 500 * MIB;
    p = plan_make(gc, &in);
    assert_int_equal(p->targets[0].target_memkb, 1000 * MIB + 1000 * MIB / 3 / 4 * 4 + 4);
    assert_int_equal(p->targets[0].reason, PLAN_REASON_SURPLUS);
}

static void the_float_is_for_needs_alone(void **state)
{
    struct plan_domain d[] = {guest(1, 1000, 100, 2000, 1), guest(2, 1000, 100, 2000, 1)};
    struct plan_input in = host(d, 2, 200);
    GC_SCOPE(gc);
    struct plan *p;

    in.float_memkb = 200 * MIB;
    d[0].demand_known = d[1].demand_known = true;
    d[0].demand_memkb = 500 * MIB;
    d[0].keep_memkb = 1900 * MIB;
    d[1].demand_memkb = 300 * MIB;
    p = plan_make(gc, &in);
    assert_int_equal(p->targets[0].target_memkb, 1700 * MIB);
    assert_int_equal(p->host_free_after_memkb, 200 * MIB);
    d[1].demand_memkb = 1600 * MIB;
    p = plan_make(gc, &in);
    assert_int_equal(p->targets[0].target_memkb, 500 * MIB);
    assert_int_equal(p->targets[1].target_memkb, 1600 * MIB);
    assert_int_equal(p->host_free_after_memkb, 100 * MIB);
}

static void a_domain_without_a_balloon_withholds_nothing(void **state)
{
    struct plan_domain d[] = {guest(1, 1000, 100, 3000, 1), guest(2, 1000, 100, 3000, 1)};
    struct plan_input in = host(d, 2, 500);
    GC_SCOPE(gc);
    struct plan *p;

    d[0].balloon = PLAN_BALLOON_NONE;
    d[0].target_memkb = 1400 * MIB;
    p = plan_make(gc, &in);
    assert_int_equal(p->targets[1].target_memkb, 1500 * MIB);
}

static void a_fair_share_asks_nobody_for_his_needs(void **state)
{
    struct plan_domain d[] = {guest(1, 1000, 100, 2000, 1), guest(2, 1000, 100, 2000, 3), guest(3, 700, 100, 2000, 1)};
    struct plan_input in = host(d, 3, 200);
    uint64_t fair[3];
    GC_SCOPE(gc);

    d[0].demand_known = true;
    d[0].demand_memkb = 1900 * MIB;
    d[2].fixed = true;
    plan_fair(gc, &in, fair);
    assert_int_equal(fair[0], 600 * MIB);
    assert_int_equal(fair[1], 1600 * MIB);
    assert_int_equal(fair[2], d[2].target_memkb);
}

/* Two that are idle with much, one of them with more: only a need moves memory, and when somebody waits from both. */
static void nothing_is_taken_for_surplus_alone(void **state)
{
    struct plan_domain d[] = {guest(1, 1800, 100, 4000, 1), guest(2, 800, 100, 4000, 1), guest(3, 400, 100, 4000, 1)};
    struct plan_input in = host(d, 3, 0);
    GC_SCOPE(gc);
    struct plan *p;

    for (size_t i = 0; i < 3; i++) {
        d[i].demand_known = true;
        d[i].demand_memkb = 300 * MIB;
    }
    in.damped = true;
    p = plan_make(gc, &in);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(p->targets[i].target_memkb, d[i].target_memkb);
    d[2].demand_memkb = 700 * MIB;
    p = plan_make(gc, &in);
    assert_int_equal(p->targets[1].target_memkb, 800 * MIB);
    assert_in_range(p->targets[2].target_memkb, 686 * MIB, 700 * MIB);
    in.hurry = true;
    d[2].demand_memkb = 1600 * MIB;
    p = plan_make(gc, &in);
    assert_true(p->targets[0].target_memkb < 1000 * MIB);
    assert_true(p->targets[1].target_memkb < 800 * MIB);
}

static void reserve_claims_and_reservations_are_taken_from_the_guests(void **state)
{
    struct plan_domain d[] = {guest(1, 1000, 100, 2000, 1)};
    struct plan_input in = host(d, 1, 100);
    GC_SCOPE(gc);
    struct plan *p;

    in.claimed_memkb = 50 * MIB;
    in.reserve_memkb = 70 * MIB;
    in.reservations_memkb = 300 * MIB;
    p = plan_make(gc, &in);
    assert_int_equal(p->targets[0].target_memkb, 680 * MIB);
    assert_int_equal(p->host_free_after_memkb, 420 * MIB);
    assert_int_equal(p->step_count, 1);
}

static void what_another_domain_may_still_take_is_left_for_it(void **state)
{
    struct plan_domain d[] = {guest(1, 1000, 100, 4000, 1), guest(2, 500, 100, 4000, 1)};
    struct plan_input in = host(d, 2, 1000);
    GC_SCOPE(gc);
    struct plan *p;

    d[1].fixed = true;
    d[1].target_memkb = 800 * MIB;
    p = plan_make(gc, &in);
    assert_int_equal(p->targets[0].target_memkb, 1700 * MIB);
    assert_int_equal(p->targets[1].target_memkb, 800 * MIB);
    assert_int_equal(p->targets[1].reason, PLAN_REASON_FIXED);
}

static void only_running_domains_with_a_working_balloon_take_part(void **state)
{
    struct plan_domain d = guest(1, 1000, 100, 4000, 1);

    assert_true(plan_participates(&d));
    d.balloon = PLAN_BALLOON_SLOW;
    assert_true(plan_participates(&d));
    d.balloon = PLAN_BALLOON_STUCK;
    assert_false(plan_participates(&d));
    d.balloon = PLAN_BALLOON_NONE;
    assert_false(plan_participates(&d));
    d.balloon = PLAN_BALLOON_OK;
    for (enum plan_state s = PLAN_PAUSED; s <= PLAN_DYING; s++) {
        d.state = s;
        assert_false(plan_participates(&d));
    }
}

static void not_enough_for_the_minimums_is_infeasible_and_says_what_is_missing(void **state)
{
    struct plan_domain d[] = {guest(1, 500, 800, 4000, 1), guest(2, 900, 600, 4000, 1)};
    struct plan_input in = host(d, 2, 0);
    GC_SCOPE(gc);
    struct plan *p;

    in.reserve_memkb = 200 * MIB;
    p = plan_make(gc, &in);
    assert_false(p->feasible);
    assert_int_equal(p->shortfall_memkb, 200 * MIB);
    assert_int_equal(p->targets[0].target_memkb, 800 * MIB);
    assert_int_equal(p->targets[1].target_memkb, 600 * MIB);
    /* The donor's step is taken; what it gives is not enough for the other's without the reserve. */
    assert_int_equal(p->step_count, 1);
    assert_int_equal(p->steps[0].domid, 2);
}

static void a_plan_of_what_was_planned_changes_nothing(void **state)
{
    struct plan_domain d[] = {wants(guest(1, 1000, 100, 4000, 3), 500), guest(2, 900, 128, 3000, 7),
                              wants(guest(3, 901, 100, 4000, 5), 2500)};
    struct plan_input in = host(d, 3, 333);
    GC_SCOPE(gc);
    struct plan *p = plan_make(gc, &in);

    in.free_memkb = (uint64_t)p->host_free_after_memkb;
    for (size_t i = 0; i < 3; i++)
        d[i].target_memkb = d[i].actual_memkb = p->targets[i].target_memkb;
    assert_int_equal(plan_make(gc, &in)->step_count, 0);
}

static void small_differences_leave_targets_alone_when_damped(void **state)
{
    struct plan_domain d[] = {wants(guest(1, 1000, 100, 4000, 1), 1000), wants(guest(2, 1000, 100, 4000, 1), 4000)};
    struct plan_input in = host(d, 2, 0);
    GC_SCOPE(gc);

    d[0].demand_memkb = 990 * MIB;
    in.damped = true;
    assert_int_equal(plan_make(gc, &in)->step_count, 0);
    in.damped = false;
    assert_int_equal(plan_make(gc, &in)->step_count, 2);
}

static void a_surplus_is_given_up_when_the_demand_of_another_needs_it(void **state)
{
    struct plan_domain d[] = {wants(guest(1, 1010, 100, 4000, 1), 1000), wants(guest(2, 500, 100, 4000, 1), 510)};
    struct plan_input in = host(d, 2, 0);
    GC_SCOPE(gc);
    struct plan *p;

    in.damped = true;
    d[1].demand_memkb = 600 * MIB;
    p = plan_make(gc, &in);
    assert_true(p->targets[1].target_memkb >= 555 * MIB - 4);
    assert_true(p->targets[0].target_memkb + p->targets[1].target_memkb <= 1510 * MIB);
}

static void sizes_at_their_bounds_stay_exact(void **state)
{
    struct plan_domain d[64];
    struct plan_input in = {.free_memkb = PLAN_MEMKB_MAX, .domains = d, .count = ARRAY_LEN(d)};
    uint64_t sum = 0;
    GC_SCOPE(gc);
    struct plan *p;

    for (uint32_t i = 0; i < ARRAY_LEN(d); i++)
        d[i] = (struct plan_domain){.domid = i,
                                    .static_max_memkb = PLAN_MEMKB_MAX,
                                    .max_memkb = PLAN_MEMKB_MAX,
                                    .weight = PLAN_WEIGHT_MAX - i,
                                    .demand_known = i % 2,
                                    .demand_memkb = PLAN_MEMKB_MAX};
    assert_null(plan_fault(gc, &in));
    p = plan_make(gc, &in);
    for (size_t i = 0; i < ARRAY_LEN(d); i++)
        sum += p->targets[i].target_memkb;
    assert_int_equal(sum, PLAN_MEMKB_MAX);
}

static void inputs_that_cannot_be_planned_are_refused(void **state)
{
    struct plan_domain d[] = {guest(1, 1000, 100, 4000, 1), guest(2, 1000, 100, 4000, 1)};
    struct plan_input in = host(d, 2, 0);
    GC_SCOPE(gc);

    assert_null(plan_fault(gc, &in));
    d[1].domid = 1;
    assert_non_null(plan_fault(gc, &in));
    d[1].domid = 2;
    d[1].weight = 0;
    assert_non_null(plan_fault(gc, &in));
    d[1].weight = 1;
    d[1].static_max_memkb = 99 * MIB;
    assert_non_null(plan_fault(gc, &in));
    d[1].static_max_memkb = PLAN_MEMKB_MAX + 1;
    assert_non_null(plan_fault(gc, &in));
}

/* ---- against a slow reference: the level found by halving ---- */

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % below;
}

struct slow {
    long double base[12], cap[12], share[12];
    size_t count;
};

static long double slow_sum(const struct slow *s, long double level)
{
    long double sum = 0;

    for (size_t i = 0; i < s->count; i++)
        sum += s->base[i] + level * s->share[i] < s->cap[i] ? level * s->share[i] : s->cap[i] - s->base[i];
    return sum;
}

/* Pours room on the bases; returns what is left. */
static long double slow_pour(struct slow *s, long double room)
{
    long double low = 0, high = 1e6L, sum = slow_sum(s, high);

    if (sum <= room) {
        memcpy(s->base, s->cap, sizeof(s->base));
        return room - sum;
    }
    for (int i = 0; i < 90; i++) {
        long double middle = (low + high) / 2;

        *(slow_sum(s, middle) <= room ? &low : &high) = middle;
    }
    for (size_t i = 0; i < s->count; i++)
        s->base[i] = s->base[i] + low * s->share[i] < s->cap[i] ? s->base[i] + low * s->share[i] : s->cap[i];
    return 0;
}

static struct plan_domain random_domain(uint32_t domid)
{
    struct plan_domain d = {.domid = domid};

    d.min_memkb = draw(40) * 4;
    d.max_memkb = d.min_memkb + draw(90) * 4;
    d.static_max_memkb = d.max_memkb - (draw(3) ? 0 : draw((d.max_memkb - d.min_memkb) / 4 + 1) * 4);
    d.actual_memkb = draw(120) * 4;
    d.target_memkb = draw(2) ? d.actual_memkb : draw(120) * 4;
    d.weight = 1 + draw(9);
    d.demand_known = draw(4);
    d.demand_memkb = draw(520);
    d.keep_memkb = draw(2) ? 0 : draw(520);
    d.state = draw(8) ? PLAN_RUNNING : (enum plan_state)draw(6);
    d.balloon = draw(8) ? PLAN_BALLOON_OK : (enum plan_balloon)draw(4);
    d.fixed = !draw(10);
    return d;
}

static void check_steps(const struct plan_input *in, const struct plan *p)
{
    int64_t host_free = (int64_t)in->free_memkb;
    int64_t least = (int64_t)(in->claimed_memkb + in->reserve_memkb + in->reservations_memkb);
    bool stepped[16] = {false};

    for (size_t i = 0; i < p->step_count; i++) {
        const struct plan_domain *d = &in->domains[p->steps[i].index];
        int64_t change = (int64_t)d->actual_memkb - (int64_t)p->steps[i].target_memkb;

        assert_false(stepped[p->steps[i].index]);
        stepped[p->steps[i].index] = true;
        assert_int_equal(p->steps[i].target_memkb, p->targets[p->steps[i].index].target_memkb);
        host_free += change;
        assert_true(change >= 0 || host_free >= least);
    }
    assert_int_equal(host_free, p->host_free_after_memkb);
    for (size_t i = 0; i < in->count; i++)
        assert_true(stepped[i] || !p->feasible || p->targets[i].target_memkb == in->domains[i].target_memkb);
}

static void check_against_slow(const struct plan_input *in, const struct plan *p)
{
    int64_t room = (int64_t)(in->free_memkb - in->claimed_memkb - in->reserve_memkb - in->reservations_memkb);
    struct slow s = {.count = 0};
    size_t who[12] = {0};
    long double kept = 0;
    int64_t sum = 0;
    bool full = true;

    for (size_t i = 0; i < in->count; i++) {
        const struct plan_domain *d = &in->domains[i];
        uint64_t lo = d->min_memkb, hi = plan_hi_memkb(d);

        if (!plan_participates(d)) {
            assert_int_equal(p->targets[i].target_memkb, d->target_memkb);
            if (d->balloon != PLAN_BALLOON_NONE)
                room -= d->target_memkb > d->actual_memkb ? (int64_t)(d->target_memkb - d->actual_memkb) : 0;
            continue;
        }
        who[s.count] = i;
        s.base[s.count] = (long double)lo;
        s.cap[s.count] = (long double)(!d->demand_known || d->demand_memkb < lo ? lo
                                       : d->demand_memkb > hi                   ? hi
                                                                                : d->demand_memkb);
        s.share[s.count++] = (long double)d->weight;
        room += (int64_t)d->actual_memkb - (int64_t)lo;
    }
    assert_int_equal(p->feasible, room >= 0);
    assert_int_equal(p->shortfall_memkb, room < 0 ? -room : 0);
    if (room >= 0) {
        long double left = slow_pour(&s, (long double)room);

        kept = left < (long double)in->float_memkb ? left : (long double)in->float_memkb;
        left -= kept;
        for (size_t i = 0; i < s.count; i++) {
            const struct plan_domain *d = &in->domains[who[i]];
            long double hi = (long double)plan_hi_memkb(d), keep = (long double)d->keep_memkb;

            if (keep > s.cap[i])
                s.cap[i] = keep < hi ? keep : hi;
        }
        if (left > 0)
            left = slow_pour(&s, left);
        for (size_t i = 0; i < s.count; i++)
            s.cap[i] = (long double)plan_hi_memkb(&in->domains[who[i]]);
        if (left > 0)
            slow_pour(&s, left);
    }
    for (size_t i = 0; i < s.count; i++) {
        int64_t target = (int64_t)p->targets[who[i]].target_memkb;

        assert_int_equal(target % 4, 0);
        assert_true((long double)target > s.base[i] - 4.001L && (long double)target < s.base[i] + 4.001L);
        full = full && target == (int64_t)plan_hi_memkb(&in->domains[who[i]]);
        sum += target;
    }
    assert_true(!p->feasible || sum <= p->budget_memkb);
    assert_true(!p->feasible || full || (long double)sum > (long double)p->budget_memkb - kept - 4.001L);
}

/* Damped: within the budget, within the ranges, and 97 % of what the exact plan gives of a demand. */
static void check_damped(struct gc *gc, struct plan_input in, const struct plan *exact)
{
    int64_t sum = 0;
    struct plan *p;

    in.damped = true;
    p = plan_make(gc, &in);
    check_steps(&in, p);
    for (size_t i = 0; i < in.count; i++) {
        const struct plan_domain *d = &in.domains[i];
        uint64_t met = exact->targets[i].target_memkb, now = p->targets[i].target_memkb;

        if (!plan_participates(d))
            continue;
        assert_true(now >= d->min_memkb && now <= plan_hi_memkb(d));
        sum += (int64_t)now;
        if (d->demand_known && met > d->demand_memkb)
            met = d->demand_memkb;
        if (d->demand_known)
            assert_true(now * 100 + d->demand_memkb * 3 >= met * 100);
    }
    assert_true(!p->feasible || sum <= p->budget_memkb);
}

static void random_plans_agree_with_a_slow_reference(void **state)
{
    for (seed = 1; seed < 20000;) {
        struct plan_domain d[12];
        struct plan_input in = {.domains = d};
        uint64_t next = seed + 1;
        GC_SCOPE(gc);
        struct plan *p;

        draw(2);
        in.count = draw(12) + 1;
        for (uint32_t i = 0; i < in.count; i++)
            d[i] = random_domain(i * 3 + 1);
        in.free_memkb = draw(800);
        in.claimed_memkb = draw(2) ? 0 : draw(60);
        in.reserve_memkb = draw(100);
        in.reservations_memkb = draw(2) ? 0 : draw(400);
        in.float_memkb = draw(2) ? 0 : draw(300);
        assert_null(plan_fault(gc, &in));
        p = plan_make(gc, &in);
        check_against_slow(&in, p);
        check_steps(&in, p);
        check_damped(gc, in, p);
        seed = next;
    }
}

static void the_order_of_the_domains_changes_nothing(void **state)
{
    for (seed = 7; seed < 2000;) {
        struct plan_domain d[10], reversed[10];
        struct plan_input in = {.domains = d, .count = 10}, other = {.domains = reversed, .count = 10};
        uint64_t next = seed + 1;
        GC_SCOPE(gc);
        struct plan *p, *q;

        for (uint32_t i = 0; i < 10; i++)
            d[i] = reversed[9 - i] = random_domain(i);
        in.free_memkb = other.free_memkb = draw(800);
        p = plan_make(gc, &in);
        q = plan_make(gc, &other);
        for (size_t i = 0; i < 10; i++)
            assert_int_equal(p->targets[i].target_memkb, q->targets[9 - i].target_memkb);
        for (size_t i = 0; i < p->step_count; i++)
            assert_int_equal(p->steps[i].domid, q->steps[i].domid);
        seed = next;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(demands_are_met_before_anyone_gets_a_surplus),
        cmocka_unit_test(a_surplus_is_shared_by_weight),
        cmocka_unit_test(shortage_is_shared_by_weight_above_the_minimum),
        cmocka_unit_test(unknown_demands_share_by_weight),
        cmocka_unit_test(warmth_comes_after_every_need_and_before_the_rest),
        cmocka_unit_test(the_float_is_for_needs_alone),
        cmocka_unit_test(a_domain_without_a_balloon_withholds_nothing),
        cmocka_unit_test(a_fair_share_asks_nobody_for_his_needs),
        cmocka_unit_test(nothing_is_taken_for_surplus_alone),
        cmocka_unit_test(reserve_claims_and_reservations_are_taken_from_the_guests),
        cmocka_unit_test(what_another_domain_may_still_take_is_left_for_it),
        cmocka_unit_test(only_running_domains_with_a_working_balloon_take_part),
        cmocka_unit_test(not_enough_for_the_minimums_is_infeasible_and_says_what_is_missing),
        cmocka_unit_test(a_plan_of_what_was_planned_changes_nothing),
        cmocka_unit_test(small_differences_leave_targets_alone_when_damped),
        cmocka_unit_test(a_surplus_is_given_up_when_the_demand_of_another_needs_it),
        cmocka_unit_test(sizes_at_their_bounds_stay_exact),
        cmocka_unit_test(inputs_that_cannot_be_planned_are_refused),
        cmocka_unit_test(random_plans_agree_with_a_slow_reference),
        cmocka_unit_test(the_order_of_the_domains_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
