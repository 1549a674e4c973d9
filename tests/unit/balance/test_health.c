/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "balance/policy/health.h"

#define MIB UINT64_C(1024)

/* Looks each 100 ms; returns what the last look said, or the first verdict that is one. */
static enum health_verdict look_for(struct health *h, uint64_t *actual, uint64_t target, int64_t rate_kb_s,
                                    uint64_t *now, uint64_t for_ms)
{
    uint64_t end = *now + for_ms;

    for (; *now < end; *now += 100) {
        enum health_verdict v = health_look(h, *actual, target, *now);

        if (v != HEALTH_NOTHING)
            return v;
        *actual = (uint64_t)((int64_t)*actual + rate_kb_s / 10);
    }
    return HEALTH_NOTHING;
}

static void a_guest_that_moves_is_well_and_its_rate_known(void **state)
{
    uint64_t actual = 1000 * MIB, now = 0;
    struct health h = {0};

    assert_int_equal(look_for(&h, &actual, 500 * MIB, -10240, &now, 5000), HEALTH_NOTHING);
    assert_true(h.sides[HEALTH_GIVING].rate_kb_per_s > 9000 && h.sides[HEALTH_GIVING].rate_kb_per_s < 11000);
    assert_true(h.left_ms > 40000 && h.left_ms < 50000);
    assert_true(health_slow(&h));
    assert_int_equal(health_can_give(&h, 1000, true) / 1000, 10);
}

static void a_guest_that_stands_still_is_woken_twice_and_then_stuck(void **state)
{
    uint64_t actual = 1000 * MIB, now = 0;
    struct health h = {0};

    assert_int_equal(look_for(&h, &actual, 500 * MIB, 0, &now, 60000), HEALTH_REARM);
    assert_true(now >= HEALTH_STILL_MS && now < HEALTH_STILL_MS + 200);
    assert_int_equal(look_for(&h, &actual, 500 * MIB + 4, 0, &now, 60000), HEALTH_REARM);
    assert_int_equal(look_for(&h, &actual, 500 * MIB, 0, &now, 60000), HEALTH_GAVE_UP);
    assert_true(health_stuck(&h, HEALTH_GIVING));
    assert_false(health_stuck(&h, HEALTH_TAKING));
    assert_int_equal(health_can_give(&h, 1000000, false), 0);
}

static void the_back_off_doubles_while_probes_are_in_vain(void **state)
{
    uint64_t actual = 1000 * MIB, now = 0, wait = 0;
    struct health h = {0};

    for (int i = 0; i < 10; i++) {
        while (look_for(&h, &actual, 500 * MIB, 0, &now, 60000) != HEALTH_GAVE_UP)
            ;
        assert_true(h.sides[HEALTH_GIVING].probe_at_ms - now >= wait * 2 || wait * 2 > HEALTH_BACKOFF_MOST_MS);
        wait = h.sides[HEALTH_GIVING].probe_at_ms - now;
        assert_false(health_probe_due(&h, HEALTH_GIVING, actual, now));
        now += wait;
        assert_true(health_probe_due(&h, HEALTH_GIVING, actual, now));
    }
    assert_int_equal(wait, HEALTH_BACKOFF_MOST_MS);
}

static void a_probe_that_moves_it_proves_it_well(void **state)
{
    uint64_t actual = 1000 * MIB, now = 0;
    struct health h = {0};

    while (look_for(&h, &actual, 500 * MIB, 0, &now, 60000) != HEALTH_GAVE_UP)
        ;
    now = h.sides[HEALTH_GIVING].probe_at_ms;
    assert_true(health_probe_due(&h, HEALTH_GIVING, actual, now));
    assert_int_equal(health_can_give(&h, 1000000, false), 0);
    assert_int_equal(look_for(&h, &actual, 500 * MIB, -10240, &now, 60000), HEALTH_RECOVERED);
    assert_int_equal(h.sides[HEALTH_GIVING].state, HEALTH_WELL);
}

/* It gives what it does not use, takes that back when it stands, and gives it again at the next try. */
static void who_stops_half_way_is_tried_after_ever_longer_pauses(void **state)
{
    uint64_t actual = 1000 * MIB, now = 0, wait = 0;
    struct health h = {0};

    for (int i = 0; i < 4; i++) {
        uint64_t half_way = actual - 100 * MIB;

        while (look_for(&h, &actual, 500 * MIB, actual > half_way ? -10240 : 0, &now, 100) != HEALTH_GAVE_UP)
            ;
        assert_true(h.sides[HEALTH_GIVING].probe_at_ms - now >= 2 * wait);
        wait = h.sides[HEALTH_GIVING].probe_at_ms - now;
        actual += 100 * MIB;
        health_look(&h, actual, actual, now);
        now += wait;
        assert_true(health_probe_due(&h, HEALTH_GIVING, actual, now));
    }
    /* All the way: the next failure is a first one. */
    look_for(&h, &actual, actual - 10 * MIB, -10240, &now, 1000);
    health_look(&h, actual, actual, now);
    while (look_for(&h, &actual, 500 * MIB, 0, &now, 60000) != HEALTH_GAVE_UP)
        ;
    assert_int_equal(h.sides[HEALTH_GIVING].probe_at_ms - now, HEALTH_BACKOFF_LEAST_MS);
}

static void a_few_pages_after_each_waking_do_not_hide_that_it_is_stuck(void **state)
{
    uint64_t actual = 1000 * MIB, now = 0, rearmed = 0;
    struct health h = {0};
    enum health_verdict v;

    while ((v = look_for(&h, &actual, 500 * MIB, 0, &now, 60000)) == HEALTH_REARM && rearmed++ < 20)
        actual -= 16;
    assert_int_equal(v, HEALTH_GAVE_UP);
}

static void a_stuck_guest_keeps_nobody_waiting_and_may_recover_by_itself(void **state)
{
    uint64_t actual = 1000 * MIB, now = 0;
    struct health h = {0};

    while (look_for(&h, &actual, 500 * MIB, 0, &now, 60000) != HEALTH_GAVE_UP)
        ;
    assert_int_equal(look_for(&h, &actual, 500 * MIB, 0, &now, 10000), HEALTH_NOTHING);
    assert_false(h.moving);
    assert_int_equal(look_for(&h, &actual, 500 * MIB, -2048, &now, 10000), HEALTH_RECOVERED);
}

static void a_stuck_guest_of_which_better_is_known_is_asked_again_at_once(void **state)
{
    uint64_t actual = 1000 * MIB, now = 0;
    struct health h = {0};

    while (look_for(&h, &actual, 500 * MIB, 0, &now, 60000) != HEALTH_GAVE_UP)
        ;
    assert_true(health_reconsider(&h, HEALTH_GIVING));
    assert_false(health_reconsider(&h, HEALTH_GIVING));
    assert_false(health_stuck(&h, HEALTH_GIVING));
    assert_int_equal(health_can_give(&h, 1000, true), UINT64_MAX);
    /* In vain: the pause before the next try is twice as long. */
    while (look_for(&h, &actual, 500 * MIB, 0, &now, 60000) != HEALTH_GAVE_UP)
        ;
    assert_int_equal(h.sides[HEALTH_GIVING].probe_at_ms - now, 2 * HEALTH_BACKOFF_LEAST_MS);
}

/* Quicker than anybody looked. */
static void a_probe_that_was_reached_unseen_ends_the_probation(void **state)
{
    uint64_t actual = 500 * MIB, now = 0;
    struct health h = {0};

    while (look_for(&h, &actual, 800 * MIB, 0, &now, 60000) != HEALTH_GAVE_UP)
        ;
    now = h.sides[HEALTH_TAKING].probe_at_ms;
    assert_true(health_probe_due(&h, HEALTH_TAKING, actual, now));
    assert_int_equal(health_look(&h, actual, actual, now), HEALTH_NOTHING);
    assert_int_equal(h.sides[HEALTH_TAKING].state, HEALTH_PROBATION);
    actual += 4 * MIB;
    assert_int_equal(health_look(&h, actual, actual, now + 100), HEALTH_RECOVERED);
    assert_int_equal(h.sides[HEALTH_TAKING].state, HEALTH_WELL);
}

static void a_paused_guest_loses_no_time(void **state)
{
    uint64_t actual = 1000 * MIB, now = 0;
    struct health h = {0};

    assert_int_equal(look_for(&h, &actual, 500 * MIB, 0, &now, HEALTH_STILL_MS - 200), HEALTH_NOTHING);
    now += 100000;
    health_pause(&h, actual, now);
    assert_int_equal(look_for(&h, &actual, 500 * MIB, 0, &now, HEALTH_STILL_MS - 200), HEALTH_NOTHING);
}

static void near_its_target_a_guest_is_there(void **state)
{
    struct health h = {0};

    health_look(&h, 1000 * MIB, 500 * MIB, 0);
    assert_true(h.moving);
    health_look(&h, 500 * MIB + HEALTH_NEAR_KB, 500 * MIB, 1000);
    assert_false(h.moving);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guest_that_moves_is_well_and_its_rate_known),
        cmocka_unit_test(a_guest_that_stands_still_is_woken_twice_and_then_stuck),
        cmocka_unit_test(the_back_off_doubles_while_probes_are_in_vain),
        cmocka_unit_test(a_probe_that_moves_it_proves_it_well),
        cmocka_unit_test(who_stops_half_way_is_tried_after_ever_longer_pauses),
        cmocka_unit_test(a_few_pages_after_each_waking_do_not_hide_that_it_is_stuck),
        cmocka_unit_test(a_stuck_guest_keeps_nobody_waiting_and_may_recover_by_itself),
        cmocka_unit_test(a_stuck_guest_of_which_better_is_known_is_asked_again_at_once),
        cmocka_unit_test(a_probe_that_was_reached_unseen_ends_the_probation),
        cmocka_unit_test(a_paused_guest_loses_no_time),
        cmocka_unit_test(near_its_target_a_guest_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
