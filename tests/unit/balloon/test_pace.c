/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "balloon/floor.h"
#include "balloon/sizes.h"
#include "xlx.h"
#include "balloon/pace.h"

#define MIB UINT64_C(1024)

/* ---- pace ---- */

static void nothing_seen_says_nothing(void **state)
{
    struct pace p = {0};

    assert_int_equal(pace_rate_kb_per_s(&p, 1000), 0);
    assert_int_equal(pace_rest_ms(&p, 1000), 0);
    assert_int_equal(pace_left_ms(&p, 1000, 5), UINT64_MAX);
    pace_note(&p, 1000, 100);
    assert_int_equal(pace_rate_kb_per_s(&p, 2000), 0);
    assert_int_equal(pace_left_ms(&p, 2000, 5), UINT64_MAX);
    assert_int_equal(pace_left_ms(&p, 2000, 100), 0);
}

static void steady_movement_gives_its_rate_and_the_time_left(void **state)
{
    struct pace p = {0};

    /* 10 MiB a second, looked at every 50 ms, for far longer than the window. */
    for (uint64_t ms = 0; ms <= 20000; ms += 50)
        pace_note(&p, ms, 1000 * MIB - 10 * MIB * ms / 1000);
    assert_in_range(pace_rate_kb_per_s(&p, 20000), 10 * MIB - 10, 10 * MIB + 10);
    assert_in_range(pace_left_ms(&p, 20000, 700 * MIB), 9900, 10100);
    /* It moves away from what lies above. */
    assert_int_equal(pace_left_ms(&p, 20000, 900 * MIB), UINT64_MAX);
}

static void a_guest_that_stops_slows_down_and_then_never_arrives(void **state)
{
    struct pace p = {0};
    uint64_t rate;

    for (uint64_t ms = 0; ms <= 5000; ms += 100)
        pace_note(&p, ms, 100 * ms);
    rate = pace_rate_kb_per_s(&p, 5000);
    for (uint64_t ms = 5100; ms <= 6500; ms += 100)
        pace_note(&p, ms, 500000);
    assert_in_range(pace_rate_kb_per_s(&p, 6500), 1, rate - 1);
    for (uint64_t ms = 6600; ms <= 12000; ms += 100)
        pace_note(&p, ms, 500000);
    assert_int_equal(pace_rate_kb_per_s(&p, 12000), 0);
    assert_int_equal(pace_left_ms(&p, 12000, 600000), UINT64_MAX);
    assert_int_equal(pace_rest_ms(&p, 12000), 7000);
}

static void rest_counts_from_the_last_change_also_between_points(void **state)
{
    struct pace p = {0};

    pace_note(&p, 1000, 5);
    pace_note(&p, 1010, 6);
    pace_note(&p, 1020, 7);
    pace_note(&p, 1150, 7);
    assert_int_equal(pace_rest_ms(&p, 1150), 130);
    pace_note(&p, 1160, 8);
    assert_int_equal(pace_rest_ms(&p, 1160), 0);
}

static void turning_back_is_seen_within_the_window(void **state)
{
    struct pace p = {0};

    for (uint64_t ms = 0; ms <= 4000; ms += 100)
        pace_note(&p, ms, 1000000 - 100 * ms);
    for (uint64_t ms = 4100; ms <= 9000; ms += 100)
        pace_note(&p, ms, 600000 + 100 * (ms - 4000));
    assert_int_equal(pace_left_ms(&p, 9000, 500000), UINT64_MAX);
    assert_in_range(pace_left_ms(&p, 9000, 1200000), 950, 1050);
}

static void numbers_without_end_do_not_overflow(void **state)
{
    struct pace p = {0};

    pace_note(&p, 0, MEM_LIMIT_MEMKB);
    pace_note(&p, 1, 0);
    assert_int_equal(pace_rate_kb_per_s(&p, 1), MEM_LIMIT_MEMKB * 1000);
    assert_int_equal(pace_left_ms(&p, 1, 0), 0);
    assert_int_equal(pace_left_ms(&p, 1, MEM_LIMIT_MEMKB), UINT64_MAX);
}

/* ---- the floor of targets ---- */

static void the_floor_is_the_curve_of_the_hyper_v_balloon(void **state)
{
    static const struct {
        uint64_t static_max_mib, floor_mib;
    } points[] = {{0, 8},      {64, 40},    {127, 71}, /* 8 + max/2 */
                  {128, 72},   {512, 168},             /* 40 + max/4 to 512, then 104 + max/8 */
                  {1024, 232}, {2048, 360}, {4096, 488}, {8192, 744}, {32768, 1512}, {1048576, 33256}};

    for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++)
        assert_int_equal(xlx_mem_floor_memkb(points[i].static_max_mib * MIB) / MIB, points[i].floor_mib);
}

static void the_floor_rises_without_steps_and_stays_below_static_max(void **state)
{
    uint64_t last = 0;

    for (uint64_t mib = 16; mib < 65536; mib++) {
        uint64_t floor_kb = xlx_mem_floor_memkb(mib * MIB);

        assert_true(floor_kb >= last);
        assert_true(mib == 16 || floor_kb - last <= MIB / 2);
        assert_true(floor_kb <= mib * MIB);
        last = floor_kb;
    }
    assert_true(xlx_mem_floor_memkb(MEM_LIMIT_MEMKB) < MEM_LIMIT_MEMKB);
}

static void a_guest_is_left_with_its_floor_unless_it_would_grow_or_has_nothing_to_give(void **state)
{
    uint64_t floor_memkb = xlx_mem_floor_memkb(1024 * MIB);

    assert_int_equal(floor_least_memkb(1024 * MIB, 512 * MIB, 512 * MIB), floor_memkb);
    assert_int_equal(floor_least_memkb(1024 * MIB, 100 * MIB, 512 * MIB), 100 * MIB);
    assert_int_equal(floor_least_memkb(1024 * MIB, 512 * MIB, 100 * MIB), 100 * MIB);
    assert_int_equal(floor_least_memkb(1024 * MIB, 512 * MIB, 100 * MIB + 3), 100 * MIB);
    assert_int_equal(floor_least_memkb(1024 * MIB, 100 * MIB + 3, 512 * MIB), 100 * MIB + 3);
    assert_int_equal(floor_least_memkb(1030, 512 * MIB, 512 * MIB), xlx_mem_floor_memkb(1030));
    assert_int_equal(floor_least_memkb(1024 * MIB, 0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_seen_says_nothing),
        cmocka_unit_test(steady_movement_gives_its_rate_and_the_time_left),
        cmocka_unit_test(a_guest_that_stops_slows_down_and_then_never_arrives),
        cmocka_unit_test(rest_counts_from_the_last_change_also_between_points),
        cmocka_unit_test(turning_back_is_seen_within_the_window),
        cmocka_unit_test(numbers_without_end_do_not_overflow),
        cmocka_unit_test(the_floor_is_the_curve_of_the_hyper_v_balloon),
        cmocka_unit_test(the_floor_rises_without_steps_and_stays_below_static_max),
        cmocka_unit_test(a_guest_is_left_with_its_floor_unless_it_would_grow_or_has_nothing_to_give),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
