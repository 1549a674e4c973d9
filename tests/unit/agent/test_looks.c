/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/looks.h"
#include "agent/protocol.h"

#define MIB (UINT64_C(1) << 20)

/* A guest that is looked at: its memory in MiB, its clock in milliseconds. */
struct guest {
    struct looks looks;
    uint64_t total, available, now_ms, next_ms;
    unsigned reports;
};

static struct look look_of(const struct guest *g)
{
    return (struct look){.total_bytes = g->total * MIB, .available_bytes = g->available * MIB, .now_ms = g->now_ms};
}

static struct look_verdict decide(struct guest *g)
{
    struct look look = look_of(g);
    struct look_verdict verdict = looks_decide(&g->looks, &look);

    if (verdict.report) {
        looks_told(&g->looks, &look);
        g->reports++;
    }
    g->next_ms = g->now_ms + verdict.again_ms;
    return verdict;
}

/* As the agent begins: the host has asked, so it reports. */
static struct guest guest_start(uint64_t total, uint64_t available)
{
    struct guest g = {.total = total, .available = available, .now_ms = 1000000};
    struct look look = look_of(&g);

    g.next_ms = g.now_ms + looks_decide(&g.looks, &look).again_ms;
    looks_told(&g.looks, &look);
    return g;
}

/* Looks as often as it decides, until so much time has passed. Returns how often. */
static unsigned live(struct guest *g, uint64_t ms)
{
    uint64_t end_ms = g->now_ms + ms;
    unsigned looks = 0;

    for (; g->next_ms <= end_ms; looks++) {
        g->now_ms = g->next_ms;
        decide(g);
    }
    g->now_ms = end_ms;
    return looks;
}

static void headroom_is_a_fifth_of_what_is_used_or_32_mib(void **state)
{
    assert_int_equal(looks_headroom(0), 32 * MIB);
    assert_int_equal(looks_headroom(160 * MIB), 32 * MIB);
    assert_int_equal(looks_headroom(1000 * MIB), 200 * MIB);
}

static void pauses_double_to_5_s_while_nothing_moves(void **state)
{
    static const uint64_t wanted[] = {200, 400, 800, 1600, 3200, 5000, 5000};
    struct guest g = guest_start(512, 20);

    assert_int_equal(g.looks.pause_ms, AGENT_LOOK_MIN_MS);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        g.now_ms += g.looks.pause_ms;
        assert_int_equal(decide(&g).again_ms, wanted[i]);
    }
}

static void idle_guest_is_looked_at_12_times_a_minute_and_writes_nothing(void **state)
{
    struct guest g = guest_start(1024, 300);

    live(&g, 20000);
    assert_int_equal(live(&g, 60000), 12);
    assert_int_equal(g.reports, 0);
}

static void short_guest_that_stands_still_is_looked_at_no_more_often(void **state)
{
    struct guest g = guest_start(512, 10);

    live(&g, 20000);
    assert_in_range(live(&g, 60000), 12, 12);
    assert_int_equal(g.reports, 0);
}

static void what_is_less_than_a_move_leaves_the_pause_long(void **state)
{
    struct guest g = guest_start(1024, 300);

    live(&g, 20000);
    g.available -= 1; /* the headroom of 724 MiB over 16 is 9 */
    g.now_ms += 5000;
    assert_int_equal(decide(&g).again_ms, AGENT_LOOK_MAX_MS);
    g.available -= 9;
    g.now_ms += 5000;
    assert_true(decide(&g).again_ms < AGENT_LOOK_MAX_MS);
}

static void next_look_comes_before_the_highest_rise_could_use_up_the_room(void **state)
{
    struct guest g = guest_start(2048, 1900);
    uint64_t pause_ms;

    g.now_ms += 1000;
    g.available -= 200; /* 200 MiB/s; 348 used, of headroom 69 */
    pause_ms = decide(&g).again_ms;
    /* It may use 1631 MiB more, of which a sixth is headroom of the rest: 1359 in 6.8 s. */
    assert_int_equal(pause_ms, AGENT_LOOK_MAX_MS);
    g.now_ms += 5000;
    g.available = 400; /* 1648 used, headroom 329 and more with each MiB, 260 MiB/s */
    pause_ms = decide(&g).again_ms;
    assert_in_range(pause_ms, 200, 240); /* 71 / 1.2 / 260 */
    /* What was seen once counts from then on, also when use rises slowly. */
    g.now_ms += 10000;
    g.available = 370;
    assert_in_range(decide(&g).again_ms, 105, 115); /* 34 / 1.2 / 260 */
}

static void rise_of_an_instant_is_no_rate(void **state)
{
    struct guest g = guest_start(2048, 1900);

    g.now_ms += 1;
    g.available -= 50;
    decide(&g);
    assert_int_equal(g.looks.rise_bytes_per_s, 0);
    g.now_ms += 999;
    decide(&g);
    assert_int_equal(g.looks.rise_bytes_per_s, 50 * MIB);
}

static void fall_below_the_headroom_is_reported_once(void **state)
{
    struct guest g = guest_start(256, 60);

    live(&g, 20000);
    g.now_ms += 1000;
    g.total -= 29, g.available -= 29; /* it gave; used stays 196, of headroom 39 */
    assert_true(decide(&g).report);
    live(&g, 60000);
    assert_int_equal(g.reports, 1);
}

static void rise_by_a_quarter_of_the_headroom_is_reported(void **state)
{
    struct guest g = guest_start(1024, 900); /* headroom 32 */

    g.now_ms += 1000;
    g.available -= 7;
    assert_false(decide(&g).report);
    g.now_ms += 1000;
    g.available -= 1;
    assert_true(decide(&g).report);
    g.now_ms += 1000;
    g.available -= 7;
    assert_false(decide(&g).report);
}

static void fall_of_use_waits_for_the_interval(void **state)
{
    struct guest g = guest_start(1024, 100);

    g.available = 900;
    live(&g, 60000);
    assert_int_equal(g.reports, 0);
    assert_int_equal(g.looks.rise_bytes_per_s, 0);
}

static void what_the_balloon_takes_from_a_guest_with_room_is_no_news(void **state)
{
    struct guest g = guest_start(1024, 900);

    g.total -= 400, g.available -= 400;
    live(&g, 60000);
    assert_int_equal(g.reports, 0);
}

static void little_more_in_a_moment_is_no_rate(void **state)
{
    struct guest g = guest_start(1024, 900);

    g.now_ms += AGENT_LOOK_MIN_MS;
    g.available -= 1;
    decide(&g);
    assert_int_equal(g.looks.rise_bytes_per_s, 0);
}

static void before_any_report_only_need_is_news(void **state)
{
    struct look plenty = {.total_bytes = 512 * MIB, .available_bytes = 400 * MIB, .now_ms = 1};
    struct look little = {.total_bytes = 512 * MIB, .available_bytes = 20 * MIB, .now_ms = 1};
    struct looks looks = {0};

    assert_false(looks_decide(&looks, &plenty).report);
    looks = (struct looks){0};
    assert_true(looks_decide(&looks, &little).report);
}

static void more_available_than_total_is_nothing_used(void **state)
{
    struct look look = {.total_bytes = 100 * MIB, .available_bytes = 200 * MIB, .now_ms = 1};
    struct looks looks = {0};

    looks_decide(&looks, &look);
    looks_told(&looks, &look);
    assert_int_equal(looks.told_used_bytes, 0);
    assert_int_equal(looks.told_available_bytes, 100 * MIB);
}

static void short_guest_that_loses_more_says_so_again(void **state)
{
    struct guest g = guest_start(256, 30); /* of headroom 45 */

    g.now_ms += 1000;
    g.total -= 8, g.available -= 8;
    assert_false(decide(&g).report);
    g.now_ms += 1000;
    g.total -= 4, g.available -= 4;
    assert_true(decide(&g).report);
}

static void what_comes_and_is_used_at_once_is_reported_at_the_gap(void **state)
{
    struct guest g = guest_start(256, 10);

    for (int i = 0; i < 100; i++) {
        g.total += 10; /* 100 MiB/s */
        live(&g, 100);
    }
    assert_in_range(g.reports, 10000 / AGENT_RISE_GAP_MS * 3 / 4, 10000 / AGENT_RISE_GAP_MS + 1);
}

static void report_that_waits_for_its_gap_is_not_forgotten(void **state)
{
    struct guest g = guest_start(1024, 900);
    struct look_verdict verdict;

    g.now_ms += AGENT_RISE_GAP_MS - 20;
    g.available -= 8;
    verdict = decide(&g);
    assert_false(verdict.report);
    assert_int_equal(verdict.again_ms, 20);
    g.now_ms += 20;
    assert_true(decide(&g).report);
}

static void memory_that_comes_makes_it_look_soon(void **state)
{
    struct guest g = guest_start(256, 10);

    live(&g, 60000);
    assert_int_equal(g.looks.pause_ms, AGENT_LOOK_MAX_MS);
    g.total += 20, g.available += 20; /* still below its headroom of 49 */
    g.now_ms += 1;
    assert_int_equal(decide(&g).again_ms, AGENT_LOOK_MIN_MS);
}

static void wake_makes_the_pauses_short_though_nothing_has_moved_yet(void **state)
{
    struct guest g = guest_start(1024, 300);

    live(&g, 60000);
    looks_wake(&g.looks);
    assert_int_equal(decide(&g).again_ms, AGENT_LOOK_MIN_MS);
    g.now_ms += AGENT_LOOK_MIN_MS;
    assert_int_equal(decide(&g).again_ms, 2 * AGENT_LOOK_MIN_MS);
}

/* Any kernel, any lie: the pauses stay within their bounds. */
static void nonsense_is_looked_at_within_the_bounds(void **state)
{
    static const uint64_t values[] = {0, 1, 4096, 100 * MIB, UINT64_MAX / 2, UINT64_MAX};
    enum { NR = sizeof(values) / sizeof(values[0]) };
    struct looks looks = {0};
    uint64_t now_ms = 0;

    for (unsigned i = 0; i < NR * NR * NR; i++) {
        struct look look = {.total_bytes = values[i % NR], .available_bytes = values[i / NR % NR]};
        struct look_verdict verdict;

        look.now_ms = now_ms += i / NR / NR * 50;
        verdict = looks_decide(&looks, &look);
        assert_in_range(verdict.again_ms, looks.told ? 1 : AGENT_LOOK_MIN_MS, AGENT_LOOK_MAX_MS);
        if (verdict.report)
            looks_told(&looks, &look);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headroom_is_a_fifth_of_what_is_used_or_32_mib),
        cmocka_unit_test(pauses_double_to_5_s_while_nothing_moves),
        cmocka_unit_test(idle_guest_is_looked_at_12_times_a_minute_and_writes_nothing),
        cmocka_unit_test(short_guest_that_stands_still_is_looked_at_no_more_often),
        cmocka_unit_test(what_is_less_than_a_move_leaves_the_pause_long),
        cmocka_unit_test(next_look_comes_before_the_highest_rise_could_use_up_the_room),
        cmocka_unit_test(rise_of_an_instant_is_no_rate),
        cmocka_unit_test(fall_below_the_headroom_is_reported_once),
        cmocka_unit_test(rise_by_a_quarter_of_the_headroom_is_reported),
        cmocka_unit_test(fall_of_use_waits_for_the_interval),
        cmocka_unit_test(what_the_balloon_takes_from_a_guest_with_room_is_no_news),
        cmocka_unit_test(little_more_in_a_moment_is_no_rate),
        cmocka_unit_test(before_any_report_only_need_is_news),
        cmocka_unit_test(more_available_than_total_is_nothing_used),
        cmocka_unit_test(short_guest_that_loses_more_says_so_again),
        cmocka_unit_test(what_comes_and_is_used_at_once_is_reported_at_the_gap),
        cmocka_unit_test(report_that_waits_for_its_gap_is_not_forgotten),
        cmocka_unit_test(memory_that_comes_makes_it_look_soon),
        cmocka_unit_test(wake_makes_the_pauses_short_though_nothing_has_moved_yet),
        cmocka_unit_test(nonsense_is_looked_at_within_the_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
