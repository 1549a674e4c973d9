/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/protocol.h"
#include "agent/stats.h"

static const char vmstat[] = "nr_free_pages 45200\n"
                             "nr_file_pages 550\n"
                             "pswpin 3\n"
                             "pswpout 4\n"
                             "allocstall_dma 1\n"
                             "allocstall_dma32 2\n"
                             "allocstall_normal 4\n"
                             "allocstall_movable 8\n"
                             "pgfault 653\n"
                             "pgmajfault 7\n"
                             "pgsteal_kswapd 10\n"
                             "pgsteal_direct 11\n"
                             "pgscan_kswapd 12\n"
                             "pgscan_direct 13\n"
                             "pgscan_direct_throttle 99\n"
                             "oom_kill 2\n"
                             "htlb_buddy_alloc_success 5\n"
                             "htlb_buddy_alloc_fail 6\n";

static void assert_stat(const struct stats *stats, enum agent_stat id, uint64_t value)
{
    assert_true(stats->known >> id & 1);
    assert_int_equal(stats->value[id], value);
}

static void vmstat_gives_what_virtio_balloon_sends(void **state)
{
    struct stats stats = {0};

    stats_parse_vmstat(&stats, vmstat, 4096);
    assert_stat(&stats, AGENT_STAT_SWAP_IN, 3 * 4096);
    assert_stat(&stats, AGENT_STAT_SWAP_OUT, 4 * 4096);
    assert_stat(&stats, AGENT_STAT_MAJOR_FAULTS, 7);
    assert_stat(&stats, AGENT_STAT_MINOR_FAULTS, 653);
    assert_stat(&stats, AGENT_STAT_DISK_CACHES, 550 * 4096);
    assert_stat(&stats, AGENT_STAT_HTLB_PGALLOC, 5);
    assert_stat(&stats, AGENT_STAT_HTLB_PGFAIL, 6);
    assert_stat(&stats, AGENT_STAT_OOM_KILLS, 2);
    assert_stat(&stats, AGENT_STAT_ASYNC_SCANS, 12 * 4096);
    assert_stat(&stats, AGENT_STAT_DIRECT_SCANS, 13 * 4096);
    assert_stat(&stats, AGENT_STAT_ASYNC_RECLAIMS, 10 * 4096);
    assert_stat(&stats, AGENT_STAT_DIRECT_RECLAIMS, 11 * 4096);
}

static void allocation_stalls_are_summed_over_zones(void **state)
{
    struct stats stats = {0};

    stats_parse_vmstat(&stats, vmstat, 4096);
    assert_stat(&stats, AGENT_STAT_ALLOC_STALLS, 15);
}

static void pages_are_counted_in_the_size_of_the_kernel(void **state)
{
    struct stats stats = {0};

    stats_parse_vmstat(&stats, "pswpin 3\n", 65536);
    assert_stat(&stats, AGENT_STAT_SWAP_IN, 3 * 65536);
}

static void meminfo_gives_bytes(void **state)
{
    struct stats stats = {0};

    stats_parse_meminfo(&stats, "MemTotal:         208732 kB\nMemFree:          179960 kB\n"
                                "MemAvailable:     183128 kB\nSwapCached:            9 kB\n"
                                "SwapTotal:            10 kB\nSwapFree:              4 kB\n");
    assert_stat(&stats, AGENT_STAT_TOTAL_MEMORY, 208732 * 1024);
    assert_stat(&stats, AGENT_STAT_FREE_MEMORY, 179960 * 1024);
    assert_stat(&stats, AGENT_STAT_AVAILABLE_MEMORY, 183128 * 1024);
    assert_stat(&stats, AGENT_STAT_SWAP_TOTAL, 10 * 1024);
    assert_stat(&stats, AGENT_STAT_SWAP_FREE, 4 * 1024);
}

static void pressure_is_that_of_some_not_of_full(void **state)
{
    struct stats stats = {0};

    stats_parse_pressure(&stats, "some avg10=12.34 avg60=5.00 avg300=1.00 total=4567\n"
                                 "full avg10=99.99 avg60=5.00 avg300=1.00 total=9999\n");
    assert_stat(&stats, AGENT_STAT_PSI_SOME_AVG10, 1234);
    assert_stat(&stats, AGENT_STAT_PSI_SOME_TOTAL, 4567);
}

static void what_the_kernel_lacks_is_left_out(void **state)
{
    struct stats stats = {0};
    char text[AGENT_STATS_MAX];
    size_t len;

    stats_parse_vmstat(&stats, "pgfault 1\n", 4096);
    stats_parse_pressure(&stats, "");
    len = stats_print(&stats, text, sizeof(text));
    assert_int_equal(len, strlen("minor-faults 1\n"));
    assert_memory_equal(text, "minor-faults 1\n", len);
}

static void text_that_does_not_parse_is_left_out(void **state)
{
    static const char *const bad[] = {
        "pgfault", "pgfault \n", "pgfault x\n", "pgfault -1", "\n\npgfaul 1", "pgfault 18446744073709551616\n",
    };
    struct stats stats = {0};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        stats_parse_vmstat(&stats, bad[i], 4096);
        assert_int_equal(stats.known, 0);
    }
    stats_parse_vmstat(&stats, "pswpin 18446744073709551615\n", 4096);
    stats_parse_meminfo(&stats, "MemFree:\n");
    stats_parse_pressure(&stats, "some avg10=1 total=\nfull avg10=1.00 total=5\n");
    stats_parse_pressure(&stats, "some avg10=101.00\n");
    assert_int_equal(stats.known, 0);
}

static void the_largest_number_is_kept(void **state)
{
    struct stats stats = {0};
    char text[64];
    size_t len;

    stats_parse_vmstat(&stats, "oom_kill 18446744073709551615\n", 4096);
    assert_stat(&stats, AGENT_STAT_OOM_KILLS, UINT64_MAX);
    len = stats_print(&stats, text, sizeof(text));
    assert_memory_equal(text, "oom-kills 18446744073709551615\n", len);
}

static void a_full_report_keeps_the_bounds_of_the_protocol(void **state)
{
    struct stats stats = {.known = (UINT32_C(1) << AGENT_STAT_NR) - 1};
    char text[AGENT_STATS_MAX];
    size_t len;

    for (int i = 0; i < AGENT_STAT_NR; i++)
        stats.value[i] = UINT64_MAX;
    len = stats_print(&stats, text, sizeof(text));
    assert_in_range(len, 1, AGENT_STATS_MAX);
    assert_true(AGENT_STAT_NR <= AGENT_LINES_MAX);
    assert_int_equal(stats_print(&stats, text, len), len);
    assert_int_equal(stats_print(&stats, text, len - 1), 0);
}

static void only_a_change_beyond_the_threshold_counts(void **state)
{
    struct stats old = {.known = 1u << AGENT_STAT_FREE_MEMORY | 1u << AGENT_STAT_OOM_KILLS}, new;

    old.value[AGENT_STAT_FREE_MEMORY] = UINT64_C(1) << 30;
    new = old;
    assert_false(stats_changed(&old, &new));
    new.value[AGENT_STAT_FREE_MEMORY] = old.value[AGENT_STAT_FREE_MEMORY] + AGENT_CHANGE_BYTES;
    assert_false(stats_changed(&old, &new));
    new.value[AGENT_STAT_FREE_MEMORY] += 1;
    assert_true(stats_changed(&old, &new));
    assert_true(stats_changed(&new, &old));
    new = old;
    new.value[AGENT_STAT_OOM_KILLS] = 1;
    assert_true(stats_changed(&old, &new));
    new = old;
    new.known |= 1u << AGENT_STAT_SWAP_IN;
    assert_true(stats_changed(&old, &new));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(vmstat_gives_what_virtio_balloon_sends),
        cmocka_unit_test(allocation_stalls_are_summed_over_zones),
        cmocka_unit_test(pages_are_counted_in_the_size_of_the_kernel),
        cmocka_unit_test(meminfo_gives_bytes),
        cmocka_unit_test(pressure_is_that_of_some_not_of_full),
        cmocka_unit_test(what_the_kernel_lacks_is_left_out),
        cmocka_unit_test(text_that_does_not_parse_is_left_out),
        cmocka_unit_test(the_largest_number_is_kept),
        cmocka_unit_test(a_full_report_keeps_the_bounds_of_the_protocol),
        cmocka_unit_test(only_a_change_beyond_the_threshold_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
