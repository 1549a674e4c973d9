/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "balloon/follow.h"

#define MIB UINT64_C(1024)

static const struct follow_rules rules = {
    .passing_ms = 50, .rest_ms = 400, .stuck_ms = 3000, .rearm_wait_ms = 3000, .rearm_most_ms = 20000};

/* A guest of 512 MiB that is to have 256. */
static struct follow guest(struct offset offset)
{
    struct follow f;

    follow_start(&f, &rules, 256 * MIB, offset, 0);
    follow_look(&f, 512 * MIB, 0);
    return f;
}

static void a_guest_at_its_target_and_offset_has_settled(void **state)
{
    struct follow f = guest((struct offset){64, true});

    assert_int_equal(f.state, FOLLOW_MOVING);
    assert_int_equal(follow_look(&f, 256 * MIB + 68, 1000), FOLLOW_MOVING);
    assert_int_equal(follow_look(&f, 256 * MIB + 64, 1100), FOLLOW_SETTLED);
    assert_int_equal(f.left_ms, 0);
    assert_int_equal(follow_actual_memkb(&f), 256 * MIB);
    assert_false(follow_take_offset(&f));
}

static void rate_and_time_left_are_those_of_the_last_seconds(void **state)
{
    struct follow f = guest((struct offset){0, true});

    for (uint64_t ms = 100; ms <= 1000; ms += 100)
        follow_look(&f, 512 * MIB - ms / 100 * 10 * MIB, ms);
    assert_int_equal(f.rate_kb_per_s, 100 * MIB);
    assert_int_equal(f.left_ms, 1560);
}

static void a_guest_that_rests_near_its_target_has_an_offset(void **state)
{
    struct follow f = guest((struct offset){64, false});

    assert_int_equal(follow_look(&f, 256 * MIB + 128, 1000), FOLLOW_MOVING);
    assert_int_equal(follow_look(&f, 256 * MIB + 128, 1399), FOLLOW_MOVING);
    assert_int_equal(follow_look(&f, 256 * MIB + 128, 1400), FOLLOW_SETTLED);
    assert_true(follow_take_offset(&f));
    assert_int_equal(f.offset.kb, 128);
    assert_true(f.offset.calibrated);
    /* A known offset changes with the guest's kernel: when it has moved, and rests elsewhere. */
    follow_target(&f, 200 * MIB, 2000);
    assert_int_equal(f.state, FOLLOW_MOVING);
    follow_look(&f, 200 * MIB + 64, 3000);
    assert_int_equal(follow_look(&f, 200 * MIB + 64, 3400), FOLLOW_SETTLED);
    assert_true(follow_take_offset(&f));
    assert_int_equal(f.offset.kb, 64);
}

/* It is paused, or has no driver: however small the change, it has not happened. */
static void a_guest_that_has_not_moved_has_not_settled_elsewhere(void **state)
{
    struct follow f;

    follow_start(&f, &rules, 256 * MIB - 128, (struct offset){0, true}, 0);
    for (uint64_t ms = 0; ms <= 10000; ms += 100)
        assert_int_not_equal(follow_look(&f, 256 * MIB, ms), FOLLOW_SETTLED);
    assert_int_equal(f.state, FOLLOW_STUCK);
}

static void a_guest_that_stopped_short_is_stuck_until_it_moves(void **state)
{
    struct follow f = guest((struct offset){0, true});

    follow_look(&f, 400 * MIB, 1000);
    assert_int_equal(follow_look(&f, 400 * MIB, 3999), FOLLOW_MOVING);
    assert_int_equal(follow_look(&f, 400 * MIB, 4000), FOLLOW_STUCK);
    assert_int_equal(follow_look(&f, 399 * MIB, 4100), FOLLOW_MOVING);
    assert_int_equal(follow_look(&f, 399 * MIB, 7100), FOLLOW_STUCK);
    /* A reason to move gives it time anew. */
    follow_expect(&f, 7200);
    assert_int_equal(follow_look(&f, 399 * MIB, 7200), FOLLOW_MOVING);
    assert_int_equal(follow_look(&f, 399 * MIB, 10200), FOLLOW_STUCK);
}

static void a_stuck_guest_is_rearmed_at_once_and_then_less_and_less(void **state)
{
    static const uint64_t due_ms[] = {3000, 9000, 21000, 41000, 61000};
    struct follow f = guest((struct offset){0, true});
    unsigned n = 0;

    for (uint64_t ms = 100; ms <= 62000; ms += 100) {
        follow_look(&f, 512 * MIB, ms);
        if (follow_rearm_due(&f, ms))
            assert_int_equal(ms, due_ms[n++]);
    }
    assert_int_equal(n, 5);
    /* The next time that it stops it is no old acquaintance. */
    follow_look(&f, 300 * MIB, 63000);
    assert_false(follow_rearm_due(&f, 63000));
    follow_look(&f, 300 * MIB, 66000);
    assert_true(follow_rearm_due(&f, 66000));
}

/* It gives the page that a re-arm asks of it, and takes the page again: so would any guest that has all that it can have. */
static void what_a_rearm_itself_moves_does_not_hasten_the_next_one(void **state)
{
    static const uint64_t due_ms[] = {3000, 9000, 21000, 41000, 61000};
    struct follow f = guest((struct offset){0, true});
    unsigned n = 0;

    for (uint64_t ms = 100; ms <= 62000; ms += 100) {
        bool page_off = n && ms - due_ms[n - 1] <= 1000;

        follow_look(&f, page_off ? 512 * MIB - 4 : 512 * MIB, ms);
        if (follow_rearm_due(&f, ms))
            assert_int_equal(ms, due_ms[n++]);
    }
    assert_int_equal(n, 5);
    follow_look(&f, 512 * MIB - 8, 63000);
    follow_look(&f, 512 * MIB - 8, 66000);
    assert_true(follow_rearm_due(&f, 66000));
}

static void a_page_off_is_towards_where_the_guest_is(void **state)
{
    struct follow f = guest((struct offset){0, true});

    assert_int_equal(follow_page_off_memkb(&f), 256 * MIB + 4);
    follow_look(&f, 100 * MIB, 1000);
    assert_int_equal(follow_page_off_memkb(&f), 256 * MIB - 4);
    follow_target(&f, 4, 1000);
    follow_look(&f, 0, 1100);
    assert_int_equal(follow_page_off_memkb(&f), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guest_at_its_target_and_offset_has_settled),
        cmocka_unit_test(rate_and_time_left_are_those_of_the_last_seconds),
        cmocka_unit_test(a_guest_that_rests_near_its_target_has_an_offset),
        cmocka_unit_test(a_guest_that_has_not_moved_has_not_settled_elsewhere),
        cmocka_unit_test(a_guest_that_stopped_short_is_stuck_until_it_moves),
        cmocka_unit_test(a_stuck_guest_is_rearmed_at_once_and_then_less_and_less),
        cmocka_unit_test(what_a_rearm_itself_moves_does_not_hasten_the_next_one),
        cmocka_unit_test(a_page_off_is_towards_where_the_guest_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
