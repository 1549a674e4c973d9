/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "balloon/limit.h"

#define MIB UINT64_C(1024)

static void libxl_gives_a_mebibyte_and_the_video_memory(void **state)
{
    assert_int_equal(limit_of_libxl_memkb(512 * MIB, 0), 513 * MIB);
    assert_int_equal(limit_of_libxl_memkb(512 * MIB, 16 * MIB), 529 * MIB);
}

static void a_guest_at_rest_may_hold_its_target_and_offset_or_what_it_holds(void **state)
{
    assert_int_equal(limit_at_rest_memkb(512 * MIB, 0, 64, 512 * MIB + 64), 512 * MIB + 64);
    assert_int_equal(limit_at_rest_memkb(512 * MIB, 0, 64, 400 * MIB), 512 * MIB + 64);
    assert_int_equal(limit_at_rest_memkb(512 * MIB, 0, 64, 512 * MIB + 100), 512 * MIB + 100);
    assert_int_equal(limit_at_rest_memkb(512 * MIB, 0, -4, 0), 512 * MIB - 4);
}

static void a_guest_that_is_to_give_may_hold_less_than_it_does(void **state)
{
    assert_int_equal(limit_owing_memkb(256 * MIB, 0, 64), 256 * MIB + 64);
    assert_int_equal(limit_owing_memkb(32, 0, -64), 0);
}

static void no_rule_gives_more_than_libxl(void **state)
{
    assert_int_equal(limit_at_rest_memkb(512 * MIB, 8192, 64, 600 * MIB), 513 * MIB + 8192);
    assert_int_equal(limit_at_rest_memkb(512 * MIB, 0, 2 * MIB, 0), 513 * MIB);
    assert_int_equal(limit_owing_memkb(512 * MIB, 0, 2 * MIB), 513 * MIB);
}

static void the_populate_on_demand_target_is_never_above_the_limit(void **state)
{
    assert_int_equal(limit_pod_memkb(512 * MIB, 513 * MIB), 513 * MIB);
    assert_int_equal(limit_pod_memkb(512 * MIB, 512 * MIB + 64), 512 * MIB + 64);
    assert_int_equal(limit_pod_memkb(512 * MIB, 600 * MIB), 513 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libxl_gives_a_mebibyte_and_the_video_memory),
        cmocka_unit_test(a_guest_at_rest_may_hold_its_target_and_offset_or_what_it_holds),
        cmocka_unit_test(a_guest_that_is_to_give_may_hold_less_than_it_does),
        cmocka_unit_test(no_rule_gives_more_than_libxl),
        cmocka_unit_test(the_populate_on_demand_target_is_never_above_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
