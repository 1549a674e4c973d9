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
        cmocka_unit_test(the_populate_on_demand_target_is_never_above_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
