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
    return (struct host_report){.has_available = true, .total_memkb = total * MIB, .available_memkb = available * MIB};
}

static void use_and_headroom_make_the_demand(void **state)
{
    struct host_report r = says(1000, 500);
    struct demand d = {0};

    demand_report(&d, &r, 1024 * MIB, 600 * MIB, 20, 0);
    /* 500 used, 24 that the kernel does not count, 20 % */
    assert_int_equal(d.raw_memkb, 524 * MIB + 524 * MIB / 5);
}

static void one_low_report_takes_nothing_away(void **state)
{
    struct host_report r = says(1000, 900);
    struct demand d = {0};

    demand_report(&d, &r, 1024 * MIB, 900 * MIB, 20, 1000);
    assert_int_equal(d.seen_memkb, 900 * MIB);
    demand_settle(&d, 1024 * MIB, 1000 + DEMAND_HOLD_MS / 2 - 1);
    assert_int_equal(d.seen_memkb, 900 * MIB);
}

static void a_demand_that_stays_low_falls_after_the_hold_time(void **state)
{
    struct host_report r = says(1000, 900);
    struct demand d = {0};
    uint64_t now = 1000, next;

    demand_report(&d, &r, 1024 * MIB, 900 * MIB, 20, now);
    for (int i = 0; i < 10 && (next = demand_settle(&d, 1024 * MIB, now)) != UINT64_MAX; i++)
        now = next;
    assert_int_equal(d.seen_memkb, d.raw_memkb);
    assert_true(now >= 1000 + DEMAND_HOLD_MS / 2 && now <= 1000 + DEMAND_HOLD_MS);
    assert_int_equal(demand_settle(&d, 1024 * MIB, now), UINT64_MAX);
}

static void no_number_whatever_makes_a_demand_beyond_its_bound(void **state)
{
    static const uint64_t numbers[] = {0, 1, 4096, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX};
    uint64_t actual = 512 * MIB;

    for (size_t i = 0; i < 6 * 6 * 6; i++) {
        struct host_report r = {.has_available = i % 2,
                                .total_memkb = numbers[i % 6],
                                .available_memkb = numbers[i / 6 % 6],
                                .free_memkb = numbers[i / 36],
                                .swap_used_memkb = numbers[i / 36],
                                .oom_kills = numbers[i % 6],
                                .pressure = numbers[i / 6 % 6]};
        struct demand d = {0};

        demand_report(&d, &r, actual, actual, 20, 1);
        demand_report(&d, &r, actual, actual, 20, 2);
        assert_true(d.raw_memkb <= actual + actual / 4 + 64 * MIB);
        assert_true(d.seen_memkb <= actual + actual / 4 + 64 * MIB);
    }
}

static void growth_is_bounded_in_time(void **state)
{
    struct host_report r = says(4096, 0);
    struct demand d = {0};
    uint64_t actual = 4096 * MIB;

    demand_report(&d, &r, actual, 100 * MIB, 20, 0);
    assert_true(d.seen_memkb <= 100 * MIB + 64 * MIB + actual / 4);
    assert_true(d.seen_memkb < d.raw_memkb);
    demand_settle(&d, actual, 60000);
    demand_settle(&d, actual, 120000);
    demand_settle(&d, actual, 180000);
    demand_settle(&d, actual, 240000);
    assert_int_equal(d.seen_memkb, d.raw_memkb);
}

static void pressure_and_kills_ask_for_more_than_is_held(void **state)
{
    struct host_report r = says(1000, 600);
    struct demand d = {0};

    r.pressure = 5000;
    demand_report(&d, &r, 1024 * MIB, 600 * MIB, 20, 0);
    assert_int_equal(d.raw_memkb, 1280 * MIB);
    r.pressure = 0;
    demand_report(&d, &r, 1024 * MIB, 600 * MIB, 20, 1000);
    assert_true(d.raw_memkb < 1024 * MIB);
    r.oom_kills = 1;
    demand_report(&d, &r, 1024 * MIB, 600 * MIB, 20, 2000);
    assert_int_equal(d.raw_memkb, 1280 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(use_and_headroom_make_the_demand),
        cmocka_unit_test(one_low_report_takes_nothing_away),
        cmocka_unit_test(a_demand_that_stays_low_falls_after_the_hold_time),
        cmocka_unit_test(no_number_whatever_makes_a_demand_beyond_its_bound),
        cmocka_unit_test(growth_is_bounded_in_time),
        cmocka_unit_test(pressure_and_kills_ask_for_more_than_is_held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
