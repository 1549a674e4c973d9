/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "qmp/actual.h"

#define MIB 1024

static uint64_t look(struct actual *a, uint64_t held_memkb, uint64_t now_ms)
{
    bool calibrated;

    return actual_look(a, held_memkb, now_ms, &calibrated);
}

static void a_settled_guest_reads_its_target(void **state)
{
    struct actual a;

    actual_init(&a, 256 * MIB + 64, 256 * MIB, 256 * MIB, 64, false, 0, 0);
    assert_int_equal(look(&a, 256 * MIB + 64, 0), 256 * MIB);
    /* Another kernel, another offset: at rest it is taken as it is. */
    actual_init(&a, 200 * MIB + 96, 200 * MIB, 256 * MIB, 64, false, 0, 0);
    assert_int_equal(look(&a, 200 * MIB + 96, 0), 200 * MIB);
    assert_true(actual_settled(&a));
}

static void a_guest_far_from_its_target_keeps_the_usual_offset(void **state)
{
    struct actual a;

    actual_init(&a, 256 * MIB + 64, 128 * MIB, 256 * MIB, 64, false, 0, 0);
    assert_int_equal(look(&a, 256 * MIB + 64, 0), 256 * MIB);
    assert_false(actual_settled(&a));
    assert_int_equal(look(&a, 128 * MIB + 64, 10), 128 * MIB);
    assert_true(actual_settled(&a));
}

static void a_guest_that_stops_near_its_target_is_calibrated_after_a_while(void **state)
{
    struct actual a;
    bool calibrated;

    actual_init(&a, 256 * MIB + 64, 128 * MIB, 256 * MIB, 64, false, 0, 0);
    assert_int_equal(actual_look(&a, 128 * MIB + 68, 1000, &calibrated), 128 * MIB + 4);
    assert_false(calibrated);
    assert_int_equal(actual_look(&a, 128 * MIB + 68, 1000 + ACTUAL_STILL_MS - 1, &calibrated), 128 * MIB + 4);
    assert_false(calibrated);
    assert_int_equal(actual_look(&a, 128 * MIB + 68, 1000 + ACTUAL_STILL_MS, &calibrated), 128 * MIB);
    assert_true(calibrated);
    assert_int_equal(a.offset_memkb, 68);
}

static void a_guest_that_stops_short_is_not_calibrated(void **state)
{
    struct actual a;

    actual_init(&a, 256 * MIB + 64, 128 * MIB, 256 * MIB, 64, false, 0, 0);
    look(&a, 140 * MIB + 64, 1000);
    assert_int_equal(look(&a, 140 * MIB + 64, 100000), 140 * MIB);
    assert_int_equal(a.offset_memkb, 64);
}

static void targets_between_pages_are_reached_at_the_page_below(void **state)
{
    struct actual a;

    actual_init(&a, 150000, 150001, 256 * MIB, 0, true, 0, 0);
    assert_true(actual_settled(&a));
    actual_set_target(&a, 150003);
    assert_true(actual_settled(&a));
    actual_set_target(&a, 150004);
    assert_false(actual_settled(&a));
}

/* Measured: a fresh HVM guest with 8 MiB of video memory holds 8236 KiB more than its target until its driver runs. */
static void video_memory_that_a_fresh_guest_gives_back_is_no_change(void **state)
{
    uint64_t target = 256 * MIB - 8192, held = target + 8236;
    struct actual a;

    actual_init(&a, held, target, 256 * MIB, 44, false, 8192, 0);
    assert_int_equal(look(&a, held, 0), target);
    for (; held > target + 44; held -= 2048 < held - target - 44 ? 2048 : held - target - 44)
        assert_int_equal(look(&a, held, 1000), target);
    assert_int_equal(look(&a, target + 44, 2000), target);
    /* From then on all of it counts, also what is above. */
    actual_set_target(&a, 256 * MIB);
    assert_int_equal(look(&a, 256 * MIB + 44, 3000), 256 * MIB);
}

static void a_request_before_the_driver_runs_shows_when_it_runs(void **state)
{
    uint64_t target = 256 * MIB - 8192;
    struct actual a;

    actual_init(&a, target + 8236, target, 256 * MIB, 44, false, 8192, 0);
    actual_set_target(&a, 128 * MIB);
    assert_int_equal(look(&a, target + 8236, 100000), target);
    assert_int_equal(look(&a, target + 4000, 100100), target);
    assert_int_equal(look(&a, target + 44 - 2048, 100200), target - 2048);
    assert_int_equal(look(&a, 128 * MIB + 44, 100300), 128 * MIB);
}

static void more_than_all_is_never_told(void **state)
{
    struct actual a;

    actual_init(&a, 300 * MIB, 256 * MIB, 256 * MIB, 0, true, 0, 0);
    assert_int_equal(look(&a, 300 * MIB, 0), 256 * MIB);
    actual_init(&a, 32, 64, 256 * MIB, 64, true, 0, 0);
    assert_int_equal(look(&a, 32, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_settled_guest_reads_its_target),
        cmocka_unit_test(a_guest_far_from_its_target_keeps_the_usual_offset),
        cmocka_unit_test(a_guest_that_stops_near_its_target_is_calibrated_after_a_while),
        cmocka_unit_test(a_guest_that_stops_short_is_not_calibrated),
        cmocka_unit_test(targets_between_pages_are_reached_at_the_page_below),
        cmocka_unit_test(video_memory_that_a_fresh_guest_gives_back_is_no_change),
        cmocka_unit_test(a_request_before_the_driver_runs_shows_when_it_runs),
        cmocka_unit_test(more_than_all_is_never_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
