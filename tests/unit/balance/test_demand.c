/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "balance/policy/demand.h"

#define MIB UINT64_C(1024)

static struct host_report says(uint64_t total, uint64_t available)
{
    return (struct host_report){
        .has_available = true, .has_pressure = true, .total_memkb = total * MIB, .available_memkb = available * MIB};
}

#define ARRIVAL_MS 500

static void report(struct demand *d, const struct host_report *r, uint64_t actual_mib, uint64_t ground_mib,
                   uint64_t now_ms)
{
    demand_report(d, r, actual_mib * MIB, ground_mib * MIB, 20, ARRIVAL_MS, now_ms);
}

static void use_and_headroom_make_the_need(void **state)
{
    struct host_report r = says(1000, 500);
    struct demand d = {0};

    report(&d, &r, 1024, 600, 0);
    /* 500 used, 24 that the kernel does not count, 20 % */
    assert_int_equal(d.need_memkb, 524 * MIB + 524 * MIB / 5);
}

static void one_low_report_leaves_warm_what_was_granted_before(void **state)
{
    struct host_report r = says(1000, 900);
    struct demand d = {0};

    report(&d, &r, 1024, 900, 1000);
    assert_true(d.need_memkb < 200 * MIB);
    assert_int_equal(d.warm_memkb, 900 * MIB);
    demand_settle(&d, 1000 + DEMAND_HOLD_MS / 2 - 1);
    assert_int_equal(d.warm_memkb, 900 * MIB);
}

static void what_is_warm_cools_after_the_hold_time(void **state)
{
    struct host_report r = says(1000, 900);
    struct demand d = {0};
    uint64_t now = 1000, next;

    report(&d, &r, 1024, 900, now);
    for (int i = 0; i < 10 && (next = demand_settle(&d, now)) != UINT64_MAX; i++)
        now = next;
    assert_int_equal(d.warm_memkb, d.need_memkb);
    assert_true(now >= 1000 + DEMAND_HOLD_MS / 2 && now <= 1000 + DEMAND_HOLD_MS);
    assert_int_equal(demand_settle(&d, now), UINT64_MAX);
}

static void no_number_whatever_makes_a_need_beyond_any_machine(void **state)
{
    static const uint64_t numbers[] = {0, 1, 4096, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX};

    for (size_t i = 0; i < 6 * 6 * 6; i++) {
        struct host_report r = {.has_available = i % 2,
                                .total_memkb = numbers[i % 6],
                                .available_memkb = numbers[i / 6 % 6],
                                .free_memkb = numbers[i / 36],
                                .swap_used_memkb = numbers[i / 36],
                                .oom_kills = numbers[i % 6],
                                .has_pressure = i % 5,
                                .pressure = numbers[i / 6 % 6]};
        struct demand d = {0};

        report(&d, &r, 512, 512, 1);
        report(&d, &r, 512, 512, 2);
        assert_true(d.need_memkb <= PLAN_MEMKB_MAX);
        assert_true(d.warm_memkb <= PLAN_MEMKB_MAX);
        assert_true(d.used_memkb <= 512 * MIB);
    }
}

/* So much more than any machine that the sum would begin at 0 again. */
static void swap_beyond_any_machine_makes_no_small_need(void **state)
{
    struct host_report calm = says(1000, 500), pressed = says(1000, 500);
    struct demand d = {0};

    pressed.pressure = 5000;
    pressed.swap_used_memkb = UINT64_MAX;
    report(&d, &calm, 1024, 600, 0);
    report(&d, &pressed, 1024, 600, 1000);
    assert_int_equal(d.use_memkb, PLAN_MEMKB_MAX);
}

/* It grows by 100 MiB a second, memory takes half a second, and the next report another half. */
static void what_will_be_used_on_the_way_is_asked_for_ahead(void **state)
{
    struct host_report r = says(1000, 500);
    struct demand d = {0};

    report(&d, &r, 1000, 600, 0);
    assert_int_equal(d.ahead_memkb, 0);
    r.available_memkb -= 20 * MIB;
    report(&d, &r, 1000, 600, 200);
    assert_int_equal(d.ahead_memkb, 100 * MIB);
    assert_int_equal(d.need_memkb, d.reported_memkb + 100 * MIB);
    assert_int_equal(d.use_memkb, d.used_memkb + 100 * MIB);
    /* Nothing more is used: nothing more is asked for. */
    report(&d, &r, 1000, 600, 400);
    assert_int_equal(d.ahead_memkb, 0);
}

static void a_grant_that_is_used_up_at_once_is_doubled(void **state)
{
    struct host_report r = says(300, 0);
    struct demand d = {0};
    uint64_t before;

    report(&d, &r, 300, 300, 0);
    r.total_memkb += 40 * MIB;
    report(&d, &r, 340, 340, 1000);
    /* It had nothing left: the 40 MiB were gone within half a second. */
    assert_int_equal(d.ahead_memkb, 80 * MIB);
    for (int i = 2; i < 4; i++) {
        uint64_t most = (300 + 40 * (uint64_t)i) * MIB / 4 + 64 * MIB;

        before = d.ahead_memkb;
        r.total_memkb += 40 * MIB;
        report(&d, &r, 300 + 40 * (uint64_t)i, 340, 1000 * (uint64_t)i);
        assert_int_equal(d.ahead_memkb, 2 * before < most ? 2 * before : most);
    }
    r.total_memkb += 40 * MIB;
    r.available_memkb = 38 * MIB;
    report(&d, &r, 460, 340, 5000);
    assert_true(d.ahead_memkb <= MIB);
}

static void what_is_asked_for_ahead_is_forgotten_when_nothing_more_is_heard(void **state)
{
    struct host_report r = says(1000, 500);
    struct demand d = {0};
    uint64_t now = 1100;

    report(&d, &r, 1000, 600, 0);
    r.available_memkb -= 100 * MIB;
    report(&d, &r, 1000, 600, 1000);
    assert_true(d.ahead_memkb > 0);
    for (int i = 0; i < 3 && d.ahead_memkb; i++) {
        uint64_t next = demand_settle(&d, now);

        assert_in_range(next, now, 3000);
        now = next;
        demand_settle(&d, now);
    }
    assert_int_equal(d.ahead_memkb, 0);
    assert_int_equal(d.need_memkb, d.reported_memkb);
}

static void one_that_has_grown_is_expected_to_go_on_for_a_second(void **state)
{
    struct host_report r = says(1000, 500);
    struct demand d = {0};

    report(&d, &r, 1000, 600, 0);
    assert_false(d.grows);
    r.available_memkb -= 100 * MIB;
    report(&d, &r, 1000, 600, 1000);
    assert_true(d.grows);
    assert_int_equal(demand_settle(&d, 1100), 1000 + DEMAND_GROWS_MS);
    assert_true(d.grows);
    demand_settle(&d, 1000 + DEMAND_GROWS_MS);
    assert_false(d.grows);
    /* It tells of nothing new: that is no growth. */
    report(&d, &r, 1000, 600, 3000);
    assert_false(d.grows);
}

/* Nobody knows how much it lacks. */
static void one_that_is_starved_when_it_tells_first_counts_as_growing(void **state)
{
    struct host_report r = says(1000, 10);
    struct demand d = {0};

    report(&d, &r, 1000, 600, 0);
    assert_true(d.grows);
    report(&d, &r, 1000, 600, 2000);
    assert_false(d.grows);
}

static void a_report_that_went_away_leaves_a_need_that_fades(void **state)
{
    struct host_report r = says(1000, 500);
    struct demand d = {0};
    uint64_t now = 5000, need;

    report(&d, &r, 1000, 600, now);
    need = d.reported_memkb;
    demand_forget(&d, now);
    assert_false(d.known);
    assert_int_equal(d.need_memkb, need);
    now = demand_settle(&d, now);
    assert_int_equal(now, 5000 + DEMAND_FADE_MS);
    demand_settle(&d, now);
    assert_int_equal(d.need_memkb, need / 2);
    for (int i = 0; i < 40 && now != UINT64_MAX; i++)
        now = demand_settle(&d, now);
    assert_int_equal(now, UINT64_MAX);
    assert_int_equal(d.need_memkb, 0);
    assert_false(d.fading);
}

static void pressure_and_kills_ask_for_more_than_is_held(void **state)
{
    struct host_report r = says(1000, 600);
    struct demand d = {0};

    r.pressure = 5000;
    report(&d, &r, 1024, 600, 0);
    assert_int_equal(d.need_memkb, 1280 * MIB);
    r.pressure = 0;
    report(&d, &r, 1024, 600, 1000);
    assert_true(d.need_memkb < 1024 * MIB);
    r.oom_kills = 1;
    report(&d, &r, 1024, 600, 2000);
    assert_int_equal(d.need_memkb, 1280 * MIB);
}

/* With next to nothing left; of one with plenty it says nothing. */
static void who_cannot_tell_of_stalls_is_taken_to_stall(void **state)
{
    struct host_report r = says(1000, 4);
    struct demand d = {0};

    report(&d, &r, 1024, 600, 0);
    assert_true(d.use_memkb <= 1024 * MIB);
    r.has_pressure = false;
    report(&d, &r, 1024, 600, 1000);
    assert_true(d.use_memkb > 1024 * MIB + 128 * MIB);
    r.available_memkb = 100 * MIB;
    report(&d, &r, 1024, 600, 20000);
    assert_true(d.use_memkb <= 924 * MIB);
    /* Of free memory alone: what is not free may be cache. */
    d = (struct demand){0};
    r.has_available = false;
    r.free_memkb = 0;
    report(&d, &r, 1024, 600, 40000);
    assert_true(d.use_memkb <= 1024 * MIB);
}

/* What has been swapped out since it stalls is missing; what lay there before may stay there. */
static void what_is_on_its_way_is_not_called_back_before_it_has_come(void **state)
{
    struct host_report short_of = says(176, 4), eased = says(176, 40);
    struct demand d = {0};
    uint64_t needed;

    short_of.pressure = 100;
    report(&d, &short_of, 200, 200, 1000);
    needed = d.need_memkb;
    assert_true(needed > 250 * MIB);
    report(&d, &eased, 200, 250, 1500);
    assert_int_equal(d.need_memkb, 250 * MIB);
    eased = says(226, 90);
    report(&d, &eased, 250, 250, 2000);
    assert_true(d.need_memkb < 250 * MIB);
}

static void what_is_swapped_out_under_pressure_is_missing(void **state)
{
    struct host_report r = says(1000, 0);
    struct demand d = {0};

    r.swap_used_memkb = 2000 * MIB;
    report(&d, &r, 1000, 600, 0);
    assert_int_equal(d.need_memkb, 1200 * MIB);
    r.swap_used_memkb += 700 * MIB;
    r.pressure = 500;
    report(&d, &r, 1000, 600, 1000);
    assert_int_equal(d.use_memkb, 1025 * MIB + 700 * MIB + 132 * MIB);
}

static struct host_report says_stalled(uint64_t available, uint64_t pressure, uint64_t stalled_ms)
{
    struct host_report r = says(1000, available);

    r.has_stalled = true;
    r.pressure = pressure;
    r.stalled_us = stalled_ms * 1000;
    return r;
}

/* The guest's own average of ten seconds tells long of stalls that are over: each report would ask for more again. */
static void stalls_that_are_over_ask_for_nothing(void **state)
{
    struct host_report stalls = says_stalled(100, 4000, 5000), over = says_stalled(400, 4000, 5000);
    struct demand d = {0};

    report(&d, &stalls, 1024, 1024, 1000);
    assert_true(d.use_memkb > 1024 * MIB + 128 * MIB);
    report(&d, &over, 1024, 1024, 2000);
    assert_int_equal(d.use_memkb, 624 * MIB);
    /* Too soon to say: what was known stands. */
    over.stalled_us += 100000;
    report(&d, &over, 1024, 1024, 2100);
    assert_int_equal(d.use_memkb, 624 * MIB);
}

static void stalls_that_have_just_begun_count_before_the_average_shows_them(void **state)
{
    struct host_report calm = says_stalled(100, 0, 5000), stalls = says_stalled(50, 0, 5250);
    struct demand d = {0};

    report(&d, &calm, 1024, 1024, 1000);
    assert_int_equal(d.use_memkb, 924 * MIB);
    report(&d, &stalls, 1024, 1024, 1500);
    assert_int_equal(d.use_memkb, 1280 * MIB + d.ahead_memkb);
}

/* As after a kexec; and of a time longer than that of the guest's average the average says as much. */
static void a_count_of_stalls_that_says_nothing_leaves_it_to_the_average(void **state)
{
    struct host_report r = says_stalled(400, 2000, 5000);
    const uint64_t by_average = 1024 * MIB + 256 * MIB * 2 / 5;
    struct demand d = {0};

    report(&d, &r, 1024, 1024, 1000);
    r.stalled_us = 0;
    report(&d, &r, 1024, 1024, 2000);
    assert_int_equal(d.use_memkb, by_average);
    report(&d, &r, 1024, 1024, 2500);
    assert_int_equal(d.use_memkb, 624 * MIB);
    report(&d, &r, 1024, 1024, 12501);
    assert_int_equal(d.use_memkb, by_average);
    r.has_stalled = false;
    report(&d, &r, 1024, 1024, 13001);
    assert_int_equal(d.use_memkb, by_average);
}

/* Whatever it counts. */
static void no_count_of_stalls_asks_for_more_than_stalling_all_the_time(void **state)
{
    struct host_report r = says_stalled(400, 0, 0);
    struct demand d = {0};

    report(&d, &r, 1024, 1024, 1000);
    r.stalled_us = UINT64_MAX / 10 + 1;
    report(&d, &r, 1024, 1024, 1500);
    assert_int_equal(d.use_memkb, 1280 * MIB);
    r.stalled_us = UINT64_MAX;
    report(&d, &r, 1024, 1024, 2000);
    assert_int_equal(d.use_memkb, 1280 * MIB);
}

static void an_old_report_is_taken_less_and_less_for_true(void **state)
{
    struct host_report r = says(1000, 700);
    struct demand d = {0};

    r.period_ms = 120000;
    demand_report(&d, &r, 1000 * MIB, 1000 * MIB, 20, 500, 1000);
    /* Until it tells again a period passes: a third of three. */
    assert_int_equal(demand_doubted_memkb(&d, 1000 * MIB, 0) / MIB, 300 + 700 / 3);
    assert_int_equal(demand_doubted_memkb(&d, 1000 * MIB, 60000) / MIB, 300 + 700 / 2);
    assert_int_equal(demand_doubted_memkb(&d, 1000 * MIB, 240000), 1000 * MIB);
    assert_int_equal(demand_doubted_memkb(&d, 1000 * MIB, UINT64_MAX), 1000 * MIB);
    assert_int_equal(demand_doubted_memkb(&d, 300 * MIB, 240000), 0);
    r.period_ms = 0;
    demand_report(&d, &r, 1000 * MIB, 1000 * MIB, 20, 500, 2000);
    assert_int_equal(demand_doubted_memkb(&d, 1000 * MIB, 240000), 0);
}

static void who_tells_far_apart_and_uses_up_what_it_got_is_asked_for_more_ahead(void **state)
{
    struct host_report r = says(500, 400);
    struct demand d = {0};

    r.period_ms = 120000;
    demand_report(&d, &r, 500 * MIB, 500 * MIB, 20, 500, 1000);
    r.available_memkb = 10 * MIB;
    demand_report(&d, &r, 500 * MIB, 500 * MIB, 20, 500, 121000);
    assert_true(d.need_memkb > d.reported_memkb + 200 * MIB);
    /* It stands until the next report may come. */
    demand_settle(&d, 240000);
    assert_true(d.use_memkb > 700 * MIB);
    demand_settle(&d, 250000);
    assert_true(d.use_memkb < 500 * MIB);
}

static void a_total_that_is_not_told_is_all_that_the_guest_holds(void **state)
{
    struct host_report r = {.has_available = true, .total_memkb = UINT64_MAX, .available_memkb = 500 * MIB};
    struct demand d = {0};

    demand_report(&d, &r, 3500 * MIB, 3500 * MIB, 20, 500, 1000);
    assert_int_equal(d.used_memkb, 3000 * MIB);
    assert_int_equal(d.need_memkb, 3600 * MIB);
}

/* Between the guest's look at itself and ours it has given 134 MiB, which were available. */
static void a_guest_that_has_given_since_it_looked_uses_what_it_used(void **state)
{
    struct host_report r = says(366, 106);
    struct demand d = {0};

    demand_report(&d, &r, 300 * MIB, 300 * MIB, 20, 500, 1000);
    assert_int_equal(d.used_memkb, 260 * MIB);
    assert_int_equal(d.available_memkb, 40 * MIB);
    /* No guest uses more than it holds, whatever it says of its total. */
    demand_report(&d, &r, 232 * MIB, 232 * MIB, 20, 500, 1500);
    assert_int_equal(d.used_memkb, 232 * MIB);
    assert_int_equal(d.available_memkb, 0);
}

static void what_is_told_as_used_stands_whatever_the_guest_holds_meanwhile(void **state)
{
    struct host_report r = {.has_used = true, .used_memkb = 600 * MIB, .total_memkb = 1000 * MIB};
    struct demand d = {0};

    demand_report(&d, &r, 800 * MIB, 800 * MIB, 20, 500, 1000);
    assert_int_equal(d.used_memkb, 600 * MIB);
    assert_int_equal(d.available_memkb, 200 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_old_report_is_taken_less_and_less_for_true),
        cmocka_unit_test(who_tells_far_apart_and_uses_up_what_it_got_is_asked_for_more_ahead),
        cmocka_unit_test(a_total_that_is_not_told_is_all_that_the_guest_holds),
        cmocka_unit_test(a_guest_that_has_given_since_it_looked_uses_what_it_used),
        cmocka_unit_test(what_is_told_as_used_stands_whatever_the_guest_holds_meanwhile),
        cmocka_unit_test(use_and_headroom_make_the_need),
        cmocka_unit_test(one_low_report_leaves_warm_what_was_granted_before),
        cmocka_unit_test(what_is_warm_cools_after_the_hold_time),
        cmocka_unit_test(no_number_whatever_makes_a_need_beyond_any_machine),
        cmocka_unit_test(swap_beyond_any_machine_makes_no_small_need),
        cmocka_unit_test(what_will_be_used_on_the_way_is_asked_for_ahead),
        cmocka_unit_test(a_grant_that_is_used_up_at_once_is_doubled),
        cmocka_unit_test(one_that_has_grown_is_expected_to_go_on_for_a_second),
        cmocka_unit_test(one_that_is_starved_when_it_tells_first_counts_as_growing),
        cmocka_unit_test(what_is_asked_for_ahead_is_forgotten_when_nothing_more_is_heard),
        cmocka_unit_test(a_report_that_went_away_leaves_a_need_that_fades),
        cmocka_unit_test(pressure_and_kills_ask_for_more_than_is_held),
        cmocka_unit_test(who_cannot_tell_of_stalls_is_taken_to_stall),
        cmocka_unit_test(what_is_on_its_way_is_not_called_back_before_it_has_come),
        cmocka_unit_test(what_is_swapped_out_under_pressure_is_missing),
        cmocka_unit_test(stalls_that_are_over_ask_for_nothing),
        cmocka_unit_test(stalls_that_have_just_begun_count_before_the_average_shows_them),
        cmocka_unit_test(a_count_of_stalls_that_says_nothing_leaves_it_to_the_average),
        cmocka_unit_test(no_count_of_stalls_asks_for_more_than_stalling_all_the_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
