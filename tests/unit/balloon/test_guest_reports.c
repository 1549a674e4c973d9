/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The agents that guests have: each one's writes as it makes them, in its order and its period. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "balance/xen/report.h"
#include "balloon/guest-reports.h"
#include "base/cleanup.h"
#include "tests/fakes/clock.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/xenstore.h"

#define MIB UINT64_C(1024)
#define DOM "/local/domain/7/"

static struct xlx_ctx *ctx;
static struct ev_signal alive; /* watches alone do not keep a loop running */
static struct guest_follow follow;
static struct guest_stats last;
static int64_t last_age_s;
static unsigned told;

static void reported(struct guest_follow *f, const struct guest_stats *stats, int64_t when_s)
{
    last = *stats;
    last_age_s = time(NULL) - when_s;
    told++;
}

static void caught(struct ev_signal *s, int signum)
{
}

static void turn(void)
{
    for (int i = 0; i < 8; i++)
        uv_run(&ctx->loop, UV_RUN_NOWAIT);
}

static void clock_goes(struct ev_timer *t)
{
}

static void pass(uint64_t ms)
{
    uint64_t end = fake_clock_ms() + ms;
    struct ev_timer until = {0};

    ev_timer_start(&ctx->loop, &until, ms, 0, clock_goes);
    while (fake_clock_ms() < end) {
        uv_run(&ctx->loop, UV_RUN_ONCE);
        turn();
    }
    ev_timer_stop(&until);
}

static int make(void **state)
{
    ctx = fake_ctx_new();
    follow = (struct guest_follow){0};
    last = (struct guest_stats){0};
    told = 0;
    fake_store_set(DOM "memory/target", "1048576");
    return ev_signal_start(&ctx->loop, &alive, SIGUSR2, caught);
}

static int unmake(void **state)
{
    guest_follow_stop(&follow);
    ev_signal_stop(&alive);
    turn();
    fake_ctx_free(ctx);
    return 0;
}

static void follow_it(void)
{
    assert_int_equal(guest_follow_start(ctx, &follow, 7, 5, reported), 0);
    turn();
}

struct written {
    uint64_t after_ms;
    const char *node, *value;
};

static void replay(const struct written *w)
{
    for (; w->node; w++) {
        char path[128];

        if (w->after_ms)
            pass(w->after_ms);
        snprintf(path, sizeof(path), DOM "%s", w->node);
        fake_store_set(path, w->value);
        turn();
    }
    pass(100);
}

static const char *agent(void)
{
    return guest_agent_kinds[last.agent].name;
}

static uint64_t available_mib(void)
{
    return guest_stats_has(&last, AGENT_STAT_AVAILABLE_MEMORY) ? last.values[AGENT_STAT_AVAILABLE_MEMORY] >> 20
                                                               : UINT64_MAX;
}

static uint64_t total_mib(void)
{
    return guest_stats_has(&last, AGENT_STAT_TOTAL_MEMORY) ? last.values[AGENT_STAT_TOTAL_MEMORY] >> 20 : UINT64_MAX;
}

static struct host_report report(void)
{
    struct host_report r;

    assert_true(report_from_stats(&last, &r));
    return r;
}

/* Every minute all but the memory, every second minute that too; whatever has not changed is not written; last of each
 * round the date. The order within a round is that of a hash table. */
static void xenservers_is_read_after_both_of_its_nodes_and_lives_six_minutes(void **state)
{
    static const struct written start[] = {
        {0, "attr/PVAddons/Installed", "1"},
        {0, "attr/PVAddons/MajorVersion", "8"},
        {0, "attr/PVAddons/MinorVersion", "4"},
        {0, "attr/PVAddons/BuildVersion", "173"},
        {0, "data/os_uname", "6.1.0-18-amd64"},
        {2, "data/meminfo_free", "409600"},
        {5, "data/meminfo_total", "614400"},
        {3, "data/updated", "Thu Nov 26 10:00:00 2026"},
        {60000, "data/updated", "Thu Nov 26 10:01:00 2026"},
        {0, NULL, NULL},
    };
    static const struct written grown[] = {
        /* It has grown by 400 MiB, and uses 300 more; free comes first. */
        {60000, "data/meminfo_free", "512000"},
        {4, "data/meminfo_total", "1024000"},
        {0, "data/updated", "Thu Nov 26 10:02:00 2026"},
        {0, NULL, NULL},
    };
    static const struct written less[] = {
        {120000, "data/meminfo_total", "819200"},
        {4, "data/meminfo_free", "307200"},
        {0, "data/updated", "Thu Nov 26 10:04:00 2026"},
        {120000, "data/meminfo_free", "204800"},
        {0, NULL, NULL},
    };

    follow_it();
    replay(start);
    assert_int_equal(told, 1);
    assert_int_equal(total_mib(), 600);
    assert_int_equal(available_mib(), 400);
    replay(grown);
    assert_string_equal(agent(), "xenserver");
    assert_int_equal(told, 2);
    assert_int_equal(total_mib(), 1000);
    assert_int_equal(available_mib(), 500);
    replay(less);
    assert_int_equal(told, 4);
    assert_int_equal(total_mib(), 800);
    assert_int_equal(available_mib(), 200);
    assert_int_equal(report().period_ms, 120000);
    assert_false(report().answers);
}

/* It writes what has changed, and then the date: of a guest at rest the date alone. */
static void the_date_of_xenservers_says_that_what_it_told_stands(void **state)
{
    static const struct written figures[] = {
        {0, "attr/PVAddons/MajorVersion", "8"},
        {0, "attr/PVAddons/BuildVersion", "173"},
        {0, "data/meminfo_free", "122880"},
        {1, "data/meminfo_total", "204800"},
        {0, NULL, NULL},
    };
    char date[32];

    follow_it();
    replay(figures);
    assert_string_equal(agent(), "xcp-ng");
    pass(20000);
    fake_store_set(DOM "data/updated", "Fri Nov 27 2026");
    pass(1000);
    assert_string_equal(agent(), "xenserver");
    for (unsigned i = 0; i < 20; i++) {
        pass(60000);
        snprintf(date, sizeof(date), "Fri Nov 27 2026 %u", i);
        fake_store_set(DOM "data/updated", date);
        turn();
        pass(100);
        assert_string_equal(agent(), "xenserver");
        assert_true(fake_clock_ms() - last.at_ms < 121000);
        assert_int_equal(total_mib(), 200);
        assert_int_equal(available_mib(), 120);
    }
}

/* Its writes are too far apart to be taken for one round, and too near to be looked at each. */
static void one_that_writes_slowly_is_known_and_heard_in_time(void **state)
{
    static const struct written marks[] = {
        {0, "attr/PVAddons/MajorVersion", "8"}, {0, "attr/PVAddons/BuildVersion", "173"}, {0, NULL, NULL}};
    char free_kb[24], date[32];

    follow_it();
    replay(marks);
    for (unsigned i = 1; i < 20; i++) {
        snprintf(free_kb, sizeof(free_kb), "%u", i * 1024);
        snprintf(date, sizeof(date), "Fri Nov 27 2026 %u", i);
        fake_store_set(DOM "data/meminfo_free", free_kb);
        pass(100);
        fake_store_set(DOM "data/meminfo_total", i % 2 ? "204800" : "204804");
        pass(100);
        fake_store_set(DOM "data/updated", date);
        pass(1000);
        assert_string_equal(agent(), "xenserver");
        assert_int_equal(available_mib(), i);
        assert_int_equal(last.values[AGENT_STAT_TOTAL_MEMORY] / 1024, i % 2 ? 204800 : 204804);
        pass(60000);
    }
}

static void an_old_one_of_xenservers_or_an_old_kernel_tells_what_is_unused_only(void **state)
{
    struct guest_agent_marks marks = {.major = "7", .minor = "20", .updated = "Mon Jan  2 15:04:05 2006"};

    assert_int_equal(guest_agent_recognise(&marks), GUEST_AGENT_XENSERVER);
    assert_true(guest_agent_says_unused(GUEST_AGENT_XENSERVER, &marks));
    marks.minor = "100";
    assert_false(guest_agent_says_unused(GUEST_AGENT_XENSERVER, &marks));
    marks.kernel = "3.2.0-4-amd64";
    assert_true(guest_agent_says_unused(GUEST_AGENT_XENSERVER, &marks));
    marks.kernel = "10.0-RELEASE";
    assert_false(guest_agent_says_unused(GUEST_AGENT_XENSERVER, &marks));
    guest_stats_from_meminfo(GUEST_AGENT_XENSERVER, true, "2000", "1000", &last);
    assert_false(report().has_available);
    assert_int_equal(report().free_memkb, 1000);
}

/* To 0.4: the total once, when it starts; what is available each minute. */
static void the_total_of_xcpngs_is_not_believed_when_the_guest_has_grown(void **state)
{
    static const struct written start[] = {
        {0, "attr/PVAddons/MajorVersion", "1"},
        {0, "attr/PVAddons/BuildVersion", "proto-0.4.0"},
        {0, "data/os_name", "Debian 12"},
        {0, "data/meminfo_total", "524288"},
        {60000, "data/meminfo_free", "204800"},
        {60000, "data/meminfo_free", "512000"},
        {0, NULL, NULL},
    };

    follow_it();
    replay(start);
    assert_string_equal(agent(), "xcp-ng");
    /* With the total of 512 MiB of its start these 500 could not be, at 3500 MiB that it holds. */
    assert_int_equal(available_mib(), 500);
    assert_int_equal(total_mib(), UINT64_MAX);
    assert_true(report().total_memkb >= 3500 * MIB);
    assert_int_equal(report().period_ms, 60000);
}

/* Later ones write both, every 5 s, whether they have changed or not. */
static void later_ones_of_xcpngs_cost_one_look_for_two_nodes(void **state)
{
    static const struct written round[] = {
        {5000, "data/meminfo_free", "204800"}, {1, "data/meminfo_total", "1048576"}, {0, NULL, NULL}};

    fake_store_set(DOM "attr/PVAddons/MajorVersion", "1");
    fake_store_set(DOM "attr/PVAddons/BuildVersion", "0");
    follow_it();
    for (unsigned i = 1; i <= 10; i++) {
        replay(round);
        assert_int_equal(told, i);
    }
    assert_string_equal(agent(), "xcp-ng");
    assert_int_equal(available_mib(), 200);
}

/* ullTotalPhys is what Windows was started with, also when the balloon has taken a part of it. */
static void those_for_windows_are_told_apart_and_the_balloon_is_no_use(void **state)
{
    static const struct written xcpng[] = {
        {0, "attr/os/class", "Windows NT"},       {0, "attr/os/major", "10"},
        {0, "attr/PVAddons/MajorVersion", "9"},   {0, "data/updated", "1764150000000"},
        {59000, "data/meminfo_total", "4194304"}, {0, "data/meminfo_free", "1048576"},
        {0, "data/updated", "1764150059000"},     {0, NULL, NULL},
    };
    static const struct written xenserver[] = {
        {0, "attr/os/class", "windows NT"},
        {0, "attr/os/type", "1"},
        {0, "data/updated", "1"},
        {120000, "data/meminfo_free", "1048576"},
        {0, "data/meminfo_total", "4194304"},
        {0, NULL, NULL},
    };

    follow_it();
    replay(xcpng);
    assert_string_equal(agent(), "xcp-ng-windows");
    assert_int_equal(total_mib(), UINT64_MAX);
    assert_int_equal(available_mib(), 1024);
    fake_store_set(DOM "attr", NULL);
    replay(xenserver);
    assert_string_equal(agent(), "xenserver-windows");
    assert_int_equal(total_mib(), UINT64_MAX);
    assert_int_equal(available_mib(), 1024);
}

/* One number, when it has changed by 30 MB: what is used, swap included, of the target. */
static void qubes_number_is_relative_to_the_target(void **state)
{
    static const struct written writes[] = {{0, "memory/meminfo", "500000"},
                                            {100, "memory/target", "9184487"},
                                            {600, "memory/meminfo", "7164948"},
                                            {0, NULL, NULL}};

    follow_it();
    replay(writes);
    assert_string_equal(agent(), "qubes");
    assert_int_equal(last.values[AGENT_STAT_TOTAL_MEMORY], UINT64_C(9184487) * 1024);
    assert_int_equal(last.values[AGENT_STAT_AVAILABLE_MEMORY], (UINT64_C(9184487) - 7164948) * 1024);
    assert_true(report().has_used);
    assert_int_equal(report().used_memkb, 7164948);
    assert_int_equal(report().period_ms, 0);
}

static void a_report_of_others_that_is_found_is_told_with_the_age_that_it_may_have(void **state)
{
    fake_store_set(DOM "attr/PVAddons/BuildVersion", "proto-0.4.0");
    fake_store_set(DOM "data/meminfo_free", "204800");
    follow_it();
    assert_int_equal(told, 1);
    assert_in_range(last_age_s, 59, 61);
    assert_in_range(ev_clock_ms() - last.at_ms, 59000, 70000);
}

static void our_agents_is_not_told_before_it_was_asked(void **state)
{
    fake_store_set(DOM "data/memory-stats", "total-memory 8192\navailable-memory 4096\n");
    follow_it();
    assert_int_equal(told, 0);
    fake_store_set(DOM "data/memory-stats", "total-memory 8192\navailable-memory 4096\n");
    turn();
    assert_int_equal(told, 1);
    assert_string_equal(agent(), "xl-ext");
}

/* Whatever stands there says something and breaks nothing. */
static void marks_without_sense_are_those_of_an_unknown_agent(void **state)
{
    static const struct guest_agent_marks marks[] = {
        {.build = ""},
        {.build = "pro", .updated = "17"},
        {.updated = ""},
        {.major = "x", .minor = "", .updated = "5", .kernel = "."},
        {.os_class = "Linux", .updated = "0"},
    };

    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        assert_int_equal(guest_agent_recognise(&marks[i]), GUEST_AGENT_MEMINFO);
        assert_false(guest_agent_says_unused(GUEST_AGENT_MEMINFO, &marks[i]));
    }
}

/* A guest that writes both nodes as fast as it can is looked at no more often than with one. */
static void two_nodes_without_end_are_looked_at_now_and_then(void **state)
{
    unsigned before = 0;

    follow_it();
    for (unsigned i = 0; i < 1200; i++) {
        char text[16];

        snprintf(text, sizeof(text), "%u", 100000 + i);
        fake_store_set(i % 2 ? DOM "data/meminfo_free" : DOM "data/meminfo_total", text);
        pass(50);
        if (i == 200)
            before = told;
    }
    assert_in_range(told - before, 8, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(xenservers_is_read_after_both_of_its_nodes_and_lives_six_minutes, make, unmake),
        cmocka_unit_test_setup_teardown(the_date_of_xenservers_says_that_what_it_told_stands, make, unmake),
        cmocka_unit_test_setup_teardown(one_that_writes_slowly_is_known_and_heard_in_time, make, unmake),
        cmocka_unit_test_setup_teardown(an_old_one_of_xenservers_or_an_old_kernel_tells_what_is_unused_only, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(the_total_of_xcpngs_is_not_believed_when_the_guest_has_grown, make, unmake),
        cmocka_unit_test_setup_teardown(later_ones_of_xcpngs_cost_one_look_for_two_nodes, make, unmake),
        cmocka_unit_test_setup_teardown(those_for_windows_are_told_apart_and_the_balloon_is_no_use, make, unmake),
        cmocka_unit_test_setup_teardown(qubes_number_is_relative_to_the_target, make, unmake),
        cmocka_unit_test_setup_teardown(a_report_of_others_that_is_found_is_told_with_the_age_that_it_may_have, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(our_agents_is_not_told_before_it_was_asked, make, unmake),
        cmocka_unit_test(marks_without_sense_are_those_of_an_unknown_agent),
        cmocka_unit_test_setup_teardown(two_nodes_without_end_are_looked_at_now_and_then, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
