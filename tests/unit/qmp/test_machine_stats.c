/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* guest-stats of a domain behind its monitor. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "balloon/guest-reports.h"
#include "tests/fakes/fault.h"
#include "tests/unit/qmp/machine.h"

#define SET_INTERVAL(s)                                                                                                \
    "{'execute':'qom-set','arguments':{'path':'balloon0','property':'guest-stats-polling-interval','value':" s "}}"
#define GET_STATS "{'execute':'qom-get','arguments':{'path':'balloon0','property':'guest-stats'}}"

static void a_report_is_told_and_what_it_leaves_out_is_unset(void **state)
{
    begin("pv", 256 * MIB, 256 * MIB, 0);
    client_comes();
    assert_string_equal(ask(SET_INTERVAL("5")), "{\"return\": {}}");
    assert_string_equal(fake_store_get(DOM "memory/stats-interval"), "5");
    turn();
    fake_store_set(DOM "data/memory-stats", "free-memory 4096\ntotal-memory 8192\n");
    turn();
    assert_non_null(strstr(ask(GET_STATS), "\"stat-free-memory\": 4096, \"stat-minor-faults\": 18446744073709551615"));
    assert_null(strstr(ask(GET_STATS), "\"last-update\": 0"));
    pass(1000);
    fake_store_set(DOM "data/memory-stats", "minor-faults 3\n");
    turn();
    assert_non_null(strstr(ask(GET_STATS), "\"stat-free-memory\": 18446744073709551615, \"stat-minor-faults\": 3"));
    assert_string_equal(ask(SET_INTERVAL("0")), "{\"return\": {}}");
    assert_null(fake_store_get(DOM "memory/stats-interval"));
    assert_non_null(strstr(ask(GET_STATS), "\"stat-minor-faults\": 3"));
    end();
}

static void the_agent_is_asked_for_no_interval_beyond_the_protocol(void **state)
{
    begin("pv", 256 * MIB, 256 * MIB, 0);
    client_comes();
    assert_string_equal(ask(SET_INTERVAL("2000000")), "{\"return\": {}}");
    assert_string_equal(fake_store_get(DOM "memory/stats-interval"), "86400");
    end();
}

static void the_agent_is_asked_again_at_each_interval_while_a_client_listens(void **state)
{
    begin("pv", 256 * MIB, 256 * MIB, 0);
    client_comes();
    ask(SET_INTERVAL("2"));
    fake_store_set(DOM "memory/stats-interval", "seen");
    pass(2500);
    assert_string_equal(fake_store_get(DOM "memory/stats-interval"), "2");
    client_goes();
    fake_store_set(DOM "memory/stats-interval", "seen");
    pass(10000);
    assert_string_equal(fake_store_get(DOM "memory/stats-interval"), "seen");
    end();
}

static unsigned told;

static void count_reports(struct guest_follow *follow, const struct guest_stats *stats, int64_t when_s)
{
    told++;
}

static void nothing(struct ev_timer *timer)
{
}

static void a_guest_that_writes_without_end_is_looked_at_now_and_then(void **state)
{
    struct guest_follow follow = {0};
    struct ev_timer clock_goes = {0};
    char text[64];

    begin("pv", 256 * MIB, 256 * MIB, 0);
    told = 0;
    assert_int_equal(guest_follow_start(ctx, &follow, 7, 1, count_reports), 0);
    /* So that time passes evenly rather than from one gap's end to the next. */
    ev_timer_start(&ctx->loop, &clock_goes, 50, 50, nothing);
    turn();
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), "minor-faults %u\n", i);
        fake_store_set(DOM "data/memory-stats", text);
        turn();
        /* A hundred writes a second. */
        if (i % 10 == 9)
            pass(100);
    }
    /* Ten seconds in a hurry: a few looks close to each other, then ever rarer ones. */
    assert_in_range(told, 4, 1000 / 10 * 100 / GUEST_STATS_GAP_MS / 2 + 2);
    /* The last one is not lost. */
    pass(GUEST_STATS_GAP_MAX_MS + GUEST_STATS_GAP_MS);
    told = 0;
    fake_store_set(DOM "data/memory-stats", "minor-faults 7777\n");
    turn();
    pass(2 * GUEST_STATS_GAP_MS);
    assert_int_equal(told, 1);
    /* Who keeps to one report a second is heard at once again. */
    pass(1000);
    for (unsigned i = 0; i < 8; i++) {
        snprintf(text, sizeof(text), "minor-faults 8%u\n", i);
        fake_store_set(DOM "data/memory-stats", text);
        turn();
        assert_int_equal(told, i + 2);
        pass(1000);
    }
    ev_timer_stop(&clock_goes);
    guest_follow_stop(&follow);
    assert_int_equal(fake_store_watches(), watches);
    end();
}

/* Its clock is no better than ours: what it writes AGENT_RISE_GAP_MS apart comes a little sooner or later. */
static void an_agent_that_writes_as_often_as_it_may_is_heard_each_time(void **state)
{
    struct guest_follow follow = {0};
    struct ev_timer clock_goes = {0};
    char text[64];

    begin("pv", 256 * MIB, 256 * MIB, 0);
    assert_int_equal(guest_follow_start(ctx, &follow, 7, 1, count_reports), 0);
    ev_timer_start(&ctx->loop, &clock_goes, 10, 10, nothing);
    turn();
    told = 0;
    for (unsigned i = 0; i < 60; i++) {
        unsigned late = i * 7 % 60;

        snprintf(text, sizeof(text), "minor-faults %u\n", i);
        pass(late);
        fake_store_set(DOM "data/memory-stats", text);
        turn();
        assert_int_equal(told, i + 1);
        pass(AGENT_RISE_GAP_MS - 30 - late);
    }
    ev_timer_stop(&clock_goes);
    guest_follow_stop(&follow);
    end();
}

/* Where Qubes lets a guest write into its memory/ folder. */
static void what_a_guest_writes_beside_its_target_is_not_heard_of(void **state)
{
    unsigned events;

    begin("pv", 256 * MIB, 256 * MIB, 0);
    client_comes();
    turn();
    events = fake_store_events();
    for (unsigned i = 0; i < 100; i++)
        write_kb("meminfo", i);
    assert_int_equal(fake_store_events(), events);
    end();
}

/* A report that is none costs as much to look at as one that is. */
static void nonsense_without_end_is_looked_at_now_and_then_too(void **state)
{
    static const char *const nodes[] = {DOM "data/memory-stats", DOM "data/meminfo_free", DOM "memory/meminfo"};
    struct guest_follow follow = {0};
    struct ev_timer clock_goes = {0};
    char text[AGENT_STATS_MAX + 2];

    memset(text, '7', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    begin("pv", 256 * MIB, 256 * MIB, 0);
    told = 0;
    assert_int_equal(guest_follow_start(ctx, &follow, 7, 1, count_reports), 0);
    ev_timer_start(&ctx->loop, &clock_goes, 50, 50, nothing);
    turn();
    fault_only("xs_read");
    fault_arm(200, EIO);
    for (unsigned i = 0; i < 1000; i++) {
        fake_store_set(nodes[i / 300 % 3], i % 7 ? text : NULL);
        turn();
        if (i % 10 == 9)
            pass(100);
    }
    assert_false(fault_struck());
    fault_arm(0, 0);
    fault_only(NULL);
    assert_int_equal(told, 0);
    fake_store_set(DOM "data/memory-stats", "minor-faults 7777\n");
    turn();
    pass(GUEST_STATS_GAP_MAX_MS + GUEST_STATS_GAP_MS);
    assert_int_equal(told, 1);
    ev_timer_stop(&clock_goes);
    guest_follow_stop(&follow);
    end();
}

/* ---- reports that end, and reports that confirm ---- */

static struct guest_stats last;
static struct ev_timer clock_goes;

static void keep_report(struct guest_follow *follow, const struct guest_stats *stats, int64_t when_s)
{
    told++;
    last = *stats;
}

#define REPORT "free-memory 4096\ntotal-memory 8192\n"

static void begin_with_report(struct guest_follow *follow)
{
    uint64_t began;

    *follow = (struct guest_follow){0};
    begin("pv", 256 * MIB, 256 * MIB, 0);
    assert_int_equal(guest_follow_start(ctx, follow, 7, 1, keep_report), 0);
    turn();
    told = 0;
    began = ev_clock_ms();
    fake_store_set(DOM "data/memory-stats", REPORT);
    turn();
    assert_int_equal(told, 1);
    assert_true(guest_stats_has(&last, AGENT_STAT_TOTAL_MEMORY));
    assert_in_range(last.at_ms, began, ev_clock_ms());
    assert_int_equal(last.agent, GUEST_AGENT_OURS);
    ev_timer_start(&ctx->loop, &clock_goes, 50, 50, nothing);
}

static void end_with_report(struct guest_follow *follow)
{
    ev_timer_stop(&clock_goes);
    guest_follow_stop(follow);
    end();
}

static void a_report_that_is_there_no_more_is_unknown_at_once(void **state)
{
    char too_long[AGENT_STATS_MAX + 2];

    memset(too_long, 'x', sizeof(too_long) - 1);
    too_long[sizeof(too_long) - 1] = 0;
    for (unsigned i = 0; i < 4; i++) {
        struct guest_follow follow;

        begin_with_report(&follow);
        /* Also while the guest is in a hurry. */
        if (i < 3)
            pass(1000);
        if (i == 2) {
            fault_only("xs_read");
            fault_arm(1, EIO);
        }
        fake_store_set(DOM "data/memory-stats", i == 1 ? too_long : i == 2 ? REPORT : NULL);
        turn();
        if (i == 3)
            pass(2 * GUEST_STATS_GAP_MS);
        fault_arm(0, 0);
        fault_only(NULL);
        assert_int_equal(told, 2);
        assert_int_equal(last.known, 0);
        assert_int_equal(last.at_ms, 0);
        /* Told once. */
        pass(1000);
        fake_store_set(DOM "data/memory-stats", too_long);
        turn();
        assert_int_equal(told, 2);
        end_with_report(&follow);
    }
}

static void the_same_report_again_confirms_it(void **state)
{
    struct guest_follow follow;
    uint64_t began;

    begin_with_report(&follow);
    pass(1000);
    began = ev_clock_ms();
    fake_store_set(DOM "data/memory-stats", REPORT);
    turn();
    assert_int_equal(told, 2);
    assert_in_range(last.at_ms, began, ev_clock_ms());
    /* So soon that it is looked at later. */
    last.at_ms = 0;
    fake_store_set(DOM "data/memory-stats", REPORT);
    turn();
    assert_int_equal(told, 2);
    pass(2 * GUEST_STATS_GAP_MS);
    assert_int_equal(told, 3);
    assert_in_range(last.at_ms, began, ev_clock_ms());
    end_with_report(&follow);
}

/* As QEMU after its guest's driver was unloaded: balloon.md 1.5. */
static void a_monitor_keeps_the_last_report(void **state)
{
    begin("pv", 256 * MIB, 256 * MIB, 0);
    client_comes();
    ask(SET_INTERVAL("5"));
    turn();
    fake_store_set(DOM "data/memory-stats", REPORT);
    turn();
    pass(1000);
    fake_store_set(DOM "data/memory-stats", NULL);
    turn();
    assert_non_null(strstr(ask(GET_STATS), "\"stat-free-memory\": 4096"));
    assert_null(strstr(ask(GET_STATS), "\"last-update\": 0"));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_is_told_and_what_it_leaves_out_is_unset),
        cmocka_unit_test(the_agent_is_asked_for_no_interval_beyond_the_protocol),
        cmocka_unit_test(the_agent_is_asked_again_at_each_interval_while_a_client_listens),
        cmocka_unit_test(a_guest_that_writes_without_end_is_looked_at_now_and_then),
        cmocka_unit_test(an_agent_that_writes_as_often_as_it_may_is_heard_each_time),
        cmocka_unit_test(what_a_guest_writes_beside_its_target_is_not_heard_of),
        cmocka_unit_test(a_report_that_is_there_no_more_is_unknown_at_once),
        cmocka_unit_test(the_same_report_again_confirms_it),
        cmocka_unit_test(a_monitor_keeps_the_last_report),
        cmocka_unit_test(nonsense_without_end_is_looked_at_now_and_then_too),
    };

    return cmocka_run_group_tests(tests, make_path, NULL);
}
