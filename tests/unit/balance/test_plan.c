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

/* 2 % of a large guest are much to one that needs them. */
static void what_is_free_goes_to_a_need_however_small_beside_the_guest(void **state)
{
    struct plan_domain d[] = {wants(guest(1, 16384, 100, 65536, 1), 20000), wants(guest(2, 500, 100, 1000, 1), 500)};
    struct plan_input in = host(d, 2, 140);
    GC_SCOPE(gc);

    in.damped = true;
    assert_int_equal(plan_make(gc, &in)->targets[0].target_memkb, 16524 * MIB);
    in.free_memkb = 2 * MIB;
    assert_int_equal(plan_make(gc, &in)->targets[0].target_memkb, 16384 * MIB);
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

/* Near enough for a day, too much for one whose programs wait for it. */
static void what_is_in_use_is_given_to_the_page_while_somebody_waits_for_it(void **state)
{
    struct plan_domain d[] = {wants(guest(1, 1010, 100, 4000, 1), 1200), wants(guest(2, 990, 100, 4000, 1), 2400)};
    struct plan_input in = host(d, 2, 0);
    GC_SCOPE(gc);
    struct plan *p;

    d[0].use_memkb = 1000 * MIB;
    d[1].use_memkb = 2000 * MIB;
    in.damped = true;
    assert_int_equal(plan_make(gc, &in)->step_count, 0);
    in.hurry = true;
    p = plan_make(gc, &in);
    assert_int_equal(p->targets[0].target_memkb, 1000 * MIB);
    assert_int_equal(p->targets[1].target_memkb, 1000 * MIB);
    /* For headroom nobody waits so much. */
    d[1].use_memkb = 989 * MIB;
    assert_int_equal(plan_make(gc, &in)->step_count, 0);
    /* And less than a megabyte is nothing to anybody. */
    d[1].use_memkb = 2000 * MIB;
    d[0].target_memkb = d[0].actual_memkb = 1000 * MIB + 512;
    d[1].target_memkb = d[1].actual_memkb = 1000 * MIB - 512;
    assert_int_equal(plan_make(gc, &in)->step_count, 0);
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
        cmocka_unit_test(what_is_free_goes_to_a_need_however_small_beside_the_guest),
        cmocka_unit_test(what_is_in_use_is_given_to_the_page_while_somebody_waits_for_it),
        cmocka_unit_test(small_differences_leave_targets_alone_when_damped),
        cmocka_unit_test(a_surplus_is_given_up_when_the_demand_of_another_needs_it),
        cmocka_unit_test(sizes_at_their_bounds_stay_exact),
        cmocka_unit_test(inputs_that_cannot_be_planned_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
