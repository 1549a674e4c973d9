/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "balloon/actual.h"

#define MIB 1024

static uint64_t look(struct actual *a, uint64_t held_memkb, uint64_t now_ms)
{
    bool calibrated;

    return actual_look(a, held_memkb, now_ms, &calibrated);
}

static void see(struct actual *a, struct actual_guest guest, uint64_t now_ms)
{
    actual_init(a, &guest, now_ms);
}

static void a_settled_guest_reads_its_target(void **state)
{
    struct actual a;

    see(&a, (struct actual_guest){256 * MIB + 64, 256 * MIB, 256 * MIB, .offset = {64}}, 0);
    assert_int_equal(look(&a, 256 * MIB + 64, 0), 256 * MIB);
    /* Another kernel, another offset: at rest it is taken as it is. */
    see(&a, (struct actual_guest){200 * MIB + 96, 200 * MIB, 256 * MIB, .offset = {64}}, 0);
    assert_int_equal(look(&a, 200 * MIB + 96, 0), 200 * MIB);
    assert_true(actual_settled(&a));
}

static void a_guest_far_from_its_target_keeps_the_usual_offset(void **state)
{
    struct actual a;

    see(&a, (struct actual_guest){256 * MIB + 64, 128 * MIB, 256 * MIB, .offset = {64}}, 0);
    assert_int_equal(look(&a, 256 * MIB + 64, 0), 256 * MIB);
    assert_false(actual_settled(&a));
    assert_int_equal(look(&a, 128 * MIB + 64, 10), 128 * MIB);
    assert_true(actual_settled(&a));
}

static void a_guest_that_stops_near_its_target_is_calibrated_after_a_while(void **state)
{
    struct actual a;
    bool calibrated;

    see(&a, (struct actual_guest){256 * MIB + 64, 128 * MIB, 256 * MIB, .offset = {64}}, 0);
    assert_int_equal(actual_look(&a, 128 * MIB + 68, 1000, &calibrated), 128 * MIB + 4);
    assert_false(calibrated);
    assert_int_equal(actual_look(&a, 128 * MIB + 68, 1000 + ACTUAL_STILL_MS - 1, &calibrated), 128 * MIB + 4);
    assert_false(calibrated);
    assert_int_equal(actual_look(&a, 128 * MIB + 68, 1000 + ACTUAL_STILL_MS, &calibrated), 128 * MIB);
    assert_true(calibrated);
    assert_int_equal(a.follow.offset.kb, 68);
}

static void a_guest_that_stops_short_is_not_calibrated(void **state)
{
    struct actual a;

    see(&a, (struct actual_guest){256 * MIB + 64, 128 * MIB, 256 * MIB, .offset = {64}}, 0);
    look(&a, 140 * MIB + 64, 1000);
    assert_int_equal(look(&a, 140 * MIB + 64, 100000), 140 * MIB);
    assert_int_equal(a.follow.offset.kb, 64);
}

static void targets_between_pages_are_reached_at_the_page_below(void **state)
{
    struct actual a;

    see(&a, (struct actual_guest){150000, 150001, 256 * MIB, .offset = {0, true}}, 0);
    assert_true(actual_settled(&a));
    actual_set_target(&a, 150003, 0);
    assert_true(actual_settled(&a));
    actual_set_target(&a, 150004, 0);
    assert_false(actual_settled(&a));
}

/* Measured: a fresh HVM guest with 8 MiB of video memory holds 8236 KiB more than its target until its driver runs. */
static void video_memory_that_a_fresh_guest_gives_back_is_no_change(void **state)
{
    uint64_t target = 256 * MIB - 8192, held = target + 8236;
    struct actual a;

    see(&a, (struct actual_guest){held, target, 256 * MIB, .offset = {44, .hvm = true}, .videoram_memkb = 8192}, 0);
    assert_int_equal(look(&a, held, 0), target);
    for (; held > target + 44; held -= 2048 < held - target - 44 ? 2048 : held - target - 44)
        assert_int_equal(look(&a, held, 1000), target);
    assert_int_equal(look(&a, target + 44, 2000), target);
    /* From then on all of it counts. */
    actual_set_target(&a, 128 * MIB, 0);
    assert_int_equal(look(&a, 128 * MIB + 44, 3000), 128 * MIB);
    /* Video memory is no part of the size, as in QEMU. */
    actual_set_target(&a, 256 * MIB, 0);
    assert_int_equal(look(&a, 256 * MIB + 44, 4000), target);
}

/* Measured: the device model takes the video memory when the domain has been known for a while. */
static void what_is_taken_before_a_guest_runs_is_no_change(void **state)
{
    uint64_t target = 256 * MIB - 8192;
    struct actual a;

    see(&a, (struct actual_guest){target, target, 256 * MIB, 8192, {44, .hvm = true}, .fresh = true}, 0);
    assert_int_equal(look(&a, target, 0), target);
    assert_int_equal(look(&a, target + 44, 100), target);
    assert_int_equal(look(&a, target + 4000, 200), target);
    assert_int_equal(look(&a, target + 8236, 10000), target);
    actual_runs(&a);
    assert_int_equal(look(&a, target + 8236, 11000), target);
    assert_int_equal(look(&a, target + 44, 12000), target);
    actual_set_target(&a, 128 * MIB, 0);
    assert_int_equal(look(&a, 128 * MIB + 44, 13000), 128 * MIB);

    see(&a, (struct actual_guest){target, target, target, .offset = {44, .hvm = true}, .fresh = true}, 0);
    assert_int_equal(look(&a, target, 0), target);
    assert_int_equal(look(&a, target + 48, 100), target);
    actual_runs(&a);
    assert_int_equal(look(&a, target + 48, 100), target);
    assert_true(actual_settled(&a));
}

static void a_request_before_a_guest_runs_shows_when_it_runs(void **state)
{
    struct actual a;

    see(&a, (struct actual_guest){256 * MIB + 64, 256 * MIB, 256 * MIB, .offset = {64}, .fresh = true}, 0);
    actual_set_target(&a, 128 * MIB, 0);
    assert_int_equal(look(&a, 256 * MIB + 64, 100000), 256 * MIB);
    actual_runs(&a);
    assert_int_equal(look(&a, 256 * MIB + 64, 100100), 256 * MIB);
    assert_int_equal(look(&a, 128 * MIB + 64, 100200), 128 * MIB);
    /* Asked before it was looked at: it holds what it was built with all the same. */
    see(&a, (struct actual_guest){256 * MIB + 64, 128 * MIB, 256 * MIB, .offset = {64}, .fresh = true}, 0);
    assert_int_equal(look(&a, 256 * MIB + 64, 0), 256 * MIB);
}

static void a_guest_that_is_given_more_before_its_driver_runs_shows_it(void **state)
{
    uint64_t target = 200 * MIB;
    struct actual a;

    see(&a, (struct actual_guest){target + 8236, target, 256 * MIB, 8192, {44}}, 0);
    actual_set_target(&a, 220 * MIB, 0);
    assert_int_equal(look(&a, 220 * MIB + 44, 1000), 220 * MIB);
    assert_int_equal(look(&a, 200 * MIB + 44, 2000), 200 * MIB);
    assert_int_equal(look(&a, 230 * MIB + 44, 3000), 230 * MIB);
}

static void a_request_before_the_driver_runs_shows_when_it_runs(void **state)
{
    uint64_t target = 256 * MIB - 8192;
    struct actual a;

    see(&a,
        (struct actual_guest){target + 8236, target, 256 * MIB, .offset = {44, .hvm = true}, .videoram_memkb = 8192},
        0);
    actual_set_target(&a, 128 * MIB, 0);
    assert_int_equal(look(&a, target + 8236, 100000), target);
    assert_int_equal(look(&a, target + 4000, 100100), target);
    assert_int_equal(look(&a, target + 44 - 2048, 100200), target - 2048);
    assert_int_equal(look(&a, 128 * MIB + 44, 100300), 128 * MIB);
}

/* Measured: an HVM guest without video memory is built with 64 KiB less than its target, gets 48 of them before its kernel runs, and gives
 * a page when its balloon driver starts. */
static void what_a_settled_guest_does_for_itself_is_no_change(void **state)
{
    struct actual a;
    bool calibrated;

    see(&a, (struct actual_guest){256 * MIB - 64, 256 * MIB, 256 * MIB, .offset = {44, .hvm = true}, .fresh = true}, 0);
    assert_int_equal(look(&a, 256 * MIB - 64, 0), 256 * MIB);
    actual_runs(&a);
    assert_int_equal(look(&a, 256 * MIB - 64, 5000), 256 * MIB);
    assert_int_equal(look(&a, 256 * MIB - 16, 10000), 256 * MIB);
    assert_int_equal(look(&a, 256 * MIB - 16, 20000), 256 * MIB);
    assert_int_equal(look(&a, 256 * MIB - 20, 30000), 256 * MIB);
    assert_int_equal(actual_look(&a, 256 * MIB - 20, 30000 + ACTUAL_STILL_MS, &calibrated), 256 * MIB);
    assert_true(calibrated);
    assert_int_equal(a.follow.offset.kb, -20);
    /* More than an offset is a change of size, and told whole. */
    assert_int_equal(look(&a, 255 * MIB - 20, 40000), 255 * MIB);
    assert_int_equal(look(&a, 256 * MIB - 40, 41000), 256 * MIB - 20);
}

/* On its way to another target every size is told. */
static void a_settled_guest_with_another_target_is_told_as_it_moves(void **state)
{
    struct actual a;

    see(&a, (struct actual_guest){256 * MIB, 256 * MIB, 256 * MIB, .offset = {0, true}}, 0);
    assert_int_equal(look(&a, 256 * MIB, 1000), 256 * MIB);
    actual_set_target(&a, 256 * MIB - 100, 1000);
    assert_int_equal(look(&a, 256 * MIB, 1000), 256 * MIB);
    assert_int_equal(look(&a, 256 * MIB - 40, 1100), 256 * MIB - 40);
    assert_int_equal(look(&a, 256 * MIB - 100, 1200), 256 * MIB - 100);
    assert_int_equal(look(&a, 256 * MIB - 104, 1300), 256 * MIB - 100);
}

/* Measured: hvmloader takes pages of the guest's own where a lowered limit refuses it others. */
static void a_guest_that_rests_below_its_target_by_what_its_firmware_took_reads_it(void **state)
{
    uint64_t target = 224 * MIB;
    struct actual a;

    see(&a, (struct actual_guest){256 * MIB - 64, 256 * MIB, 256 * MIB, .offset = {44, .hvm = true}, .fresh = true}, 0);
    actual_set_target(&a, target, 1000);
    actual_runs(&a);
    look(&a, 256 * MIB - 64, 2000);
    look(&a, target + 4096 - 68, 100000);
    look(&a, target - 68, 101000);
    assert_int_equal(look(&a, target - 68, 101000 + ACTUAL_STILL_MS), target);
    assert_true(actual_settled(&a));
}

static void a_guest_without_a_driver_is_not_told_to_be_where_it_was_asked_to_go(void **state)
{
    struct actual a;

    see(&a, (struct actual_guest){256 * MIB + 44, 256 * MIB, 256 * MIB, .offset = {44, .hvm = true}}, 0);
    assert_int_equal(look(&a, 256 * MIB + 44, 1000), 256 * MIB);
    actual_set_target(&a, 256 * MIB - 100, 1000);
    for (uint64_t ms = 1000; ms <= 20000; ms += 100)
        assert_int_equal(look(&a, 256 * MIB + 44, ms), 256 * MIB);
}

static void more_than_all_is_never_told(void **state)
{
    struct actual a;

    see(&a, (struct actual_guest){300 * MIB, 256 * MIB, 256 * MIB, .offset = {0, true}}, 0);
    assert_int_equal(look(&a, 300 * MIB, 0), 256 * MIB);
    see(&a, (struct actual_guest){32, 64, 256 * MIB, .offset = {64, true}}, 0);
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
        cmocka_unit_test(what_is_taken_before_a_guest_runs_is_no_change),
        cmocka_unit_test(a_request_before_a_guest_runs_shows_when_it_runs),
        cmocka_unit_test(a_guest_that_is_given_more_before_its_driver_runs_shows_it),
        cmocka_unit_test(what_a_settled_guest_does_for_itself_is_no_change),
        cmocka_unit_test(a_settled_guest_with_another_target_is_told_as_it_moves),
        cmocka_unit_test(a_guest_that_rests_below_its_target_by_what_its_firmware_took_reads_it),
        cmocka_unit_test(a_guest_without_a_driver_is_not_told_to_be_where_it_was_asked_to_go),
        cmocka_unit_test(more_than_all_is_never_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
