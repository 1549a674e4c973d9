/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "balloon/guest-stats.h"
#include "agent/protocol.h"

static struct guest_stats parse(const char *text)
{
    struct guest_stats stats;

    guest_stats_parse(text, strlen(text), &stats);
    return stats;
}

static void figures_are_found_by_name_in_any_order(void **state)
{
    struct guest_stats s = parse("free-memory 4096\nswap-in 7\ntotal-memory 8192\npsi-some-avg10 10000\n");

    assert_true(guest_stats_has(&s, AGENT_STAT_FREE_MEMORY));
    assert_int_equal(s.values[AGENT_STAT_FREE_MEMORY], 4096);
    assert_int_equal(s.values[AGENT_STAT_SWAP_IN], 7);
    assert_int_equal(s.values[AGENT_STAT_TOTAL_MEMORY], 8192);
    assert_int_equal(s.values[AGENT_STAT_PSI_SOME_AVG10], 10000);
    assert_false(guest_stats_has(&s, AGENT_STAT_SWAP_OUT));
}

static void a_line_that_does_not_parse_is_absent_and_the_others_stand(void **state)
{
    struct guest_stats s = parse("swap-in -1\nswap-out 0x10\nmajor-faults 12 \nminor-faults\nhtlb-pgalloc "
                                 "18446744073709551615\nunknown 5\n\n oom-kills 3\nfree-memory 1\n");

    assert_int_equal(s.known, 1u << AGENT_STAT_FREE_MEMORY);
}

static void figures_that_cannot_be_are_absent(void **state)
{
    struct guest_stats s = parse("total-memory 1000\nfree-memory 1001\navailable-memory 1000\n");

    assert_false(guest_stats_has(&s, AGENT_STAT_FREE_MEMORY));
    assert_true(guest_stats_has(&s, AGENT_STAT_AVAILABLE_MEMORY));
    s = parse("total-memory 17592186044417\npsi-some-avg10 10001\nswap-total 4\nswap-free 5\n");
    assert_int_equal(s.known, 1u << AGENT_STAT_SWAP_TOTAL);
}

static void the_first_of_two_values_stands(void **state)
{
    struct guest_stats s = parse("swap-in 1\nswap-in 2\n");

    assert_int_equal(s.values[AGENT_STAT_SWAP_IN], 1);
}

static void a_report_that_is_too_long_is_none(void **state)
{
    char text[AGENT_STATS_MAX + 1];
    struct guest_stats s;

    memset(text, '\n', sizeof(text));
    memcpy(text, "swap-in 1\n", 10);
    guest_stats_parse(text, sizeof(text), &s);
    assert_int_equal(s.known, 0);
    /* Lines beyond the limit are not looked at. */
    guest_stats_parse(text, sizeof(text) - 1, &s);
    assert_int_equal(s.known, 1u << AGENT_STAT_SWAP_IN);
    memcpy(text + AGENT_LINES_MAX + 20, "swap-out 1\n", 11);
    guest_stats_parse(text, sizeof(text) - 1, &s);
    assert_int_equal(s.known, 1u << AGENT_STAT_SWAP_IN);
}

static void embedded_nul_bytes_spoil_their_line_only(void **state)
{
    static const char text[] = "swap-in 1\0002\nswap-out 3\n";
    struct guest_stats s;

    guest_stats_parse(text, sizeof(text) - 1, &s);
    assert_int_equal(s.known, 1u << AGENT_STAT_SWAP_OUT);
}

static void figures_of_xenserver_and_qubes_are_understood(void **state)
{
    struct guest_stats s;

    guest_stats_from_xenserver("200000", "50000", &s);
    assert_int_equal(s.values[AGENT_STAT_TOTAL_MEMORY], 200000 * 1024);
    assert_int_equal(s.values[AGENT_STAT_FREE_MEMORY], 50000 * 1024);
    guest_stats_from_xenserver(NULL, "-5", &s);
    assert_int_equal(s.known, 0);
    guest_stats_from_qubes("60000", 100000, &s);
    assert_int_equal(s.values[AGENT_STAT_AVAILABLE_MEMORY], 40000 * 1024);
    guest_stats_from_qubes("100001", 100000, &s);
    assert_int_equal(s.values[AGENT_STAT_AVAILABLE_MEMORY], 0);
    guest_stats_from_qubes("99999999999999999999", 100000, &s);
    assert_int_equal(s.known, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_found_by_name_in_any_order),
        cmocka_unit_test(a_line_that_does_not_parse_is_absent_and_the_others_stand),
        cmocka_unit_test(figures_that_cannot_be_are_absent),
        cmocka_unit_test(the_first_of_two_values_stands),
        cmocka_unit_test(a_report_that_is_too_long_is_none),
        cmocka_unit_test(embedded_nul_bytes_spoil_their_line_only),
        cmocka_unit_test(figures_of_xenserver_and_qubes_are_understood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
