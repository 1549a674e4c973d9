/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The CPUs that a guest's configuration binds it to, against those of another host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <libxl_utils.h>

#include "migrate/check.h"

static struct gc *pool_of_memory;
static struct policy_doc other;
static struct migrate_check mc;
static struct checking checking;
static uint8_t maps[2][2];
static libxl_bitmap affinity[2];

static int make(void **state)
{
    pool_of_memory = gc_new();
    memset(maps, 0, sizeof(maps));
    for (int i = 0; i < 2; i++)
        affinity[i] = (libxl_bitmap){.size = sizeof(maps[i]), .map = maps[i]};
    other = (struct policy_doc){.is_host = true};
    mc = (struct migrate_check){.other = &other, .may_move = true};
    checking = (struct checking){.gc = pool_of_memory, .mc = &mc, .has_config = true};
    return 0;
}

static int unmake(void **state)
{
    gc_free(pool_of_memory);
    return 0;
}

static void bind_vcpu(int vcpu, int cpu)
{
    libxl_bitmap_set(&affinity[vcpu], cpu);
    checking.config.b_info.vcpu_hard_affinity = affinity;
    checking.config.b_info.num_vcpu_hard_affinity = vcpu + 1;
}

static void there(uint32_t id, const char *name, const char *cpus)
{
    static struct policy_pool pools[4];

    pools[other.pool_count] = (struct policy_pool){.id = id, .name = name};
    assert_true(policy_cpus_parse(cpus, &pools[other.pool_count]));
    other.pools = pools;
    other.pool_count++;
}

/* "yes", "remark: ...", "no: ..."; "" without any. */
static const char *verdict(void)
{
    static const char *const words[] = {"yes", "remark", "no"};

    check_placement(&checking);
    assert_true(mc.check_count <= 1);
    if (!mc.check_count)
        return "";
    assert_string_equal(mc.checks[0].subject, "placement");
    assert_int_equal(mc.may_move, mc.checks[0].verdict != VERDICT_NO);
    return gc_printf(pool_of_memory, "%s: %s", words[mc.checks[0].verdict], mc.checks[0].text);
}

static void a_cpu_that_is_not_there_is_a_no(void **state)
{
    bind_vcpu(0, 1);
    there(0, "Pool-0", "0");
    assert_string_equal(verdict(), "no: vCPU 0 may run on CPU 1 only, and the CPUs of the pool Pool-0 there are 0");
}

static void each_vcpu_counts(void **state)
{
    bind_vcpu(0, 1);
    bind_vcpu(1, 5);
    bind_vcpu(1, 6);
    there(0, "Pool-0", "0-3");
    assert_string_equal(verdict(), "no: vCPU 1 may run on CPU 5-6 only, and the CPUs of the pool Pool-0 there are 0-3");
}

static void one_cpu_in_common_is_enough(void **state)
{
    bind_vcpu(0, 1);
    bind_vcpu(0, 9);
    there(0, "Pool-0", "9-12");
    assert_string_equal(verdict(), "yes: the CPU pool Pool-0 there has CPUs for all of its vCPUs");
}

static void a_cpu_in_another_pool_does_not_count(void **state)
{
    bind_vcpu(0, 1);
    there(0, "Pool-0", "0");
    there(1, "other", "1-3");
    assert_string_equal(verdict(), "no: vCPU 0 may run on CPU 1 only, and the CPUs of the pool Pool-0 there are 0");
}

static void a_pool_is_known_by_its_name(void **state)
{
    char name[] = "db";

    bind_vcpu(0, 1);
    checking.config.c_info.pool_name = name;
    there(0, "Pool-0", "0");
    there(7, "db", "1-3");
    assert_string_equal(verdict(), "yes: the CPU pool db there has CPUs for all of its vCPUs");
}

static void a_pool_that_is_not_there_is_a_no(void **state)
{
    char name[] = "db";

    checking.config.c_info.pool_name = name;
    there(0, "Pool-0", "0-3");
    assert_string_equal(verdict(), "no: its CPU pool db is not there");
}

static void what_is_not_known_is_a_remark(void **state)
{
    bind_vcpu(0, 1);
    assert_string_equal(verdict(),
                        "remark: its vCPUs are bound to CPUs of this host; which CPUs are there is not known");
}

static void a_guest_that_is_not_bound_has_nothing_to_be_unknown(void **state)
{
    memset(maps, 0xff, sizeof(maps));
    bind_vcpu(0, 1);
    assert_string_equal(verdict(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_cpu_that_is_not_there_is_a_no, make, unmake),
        cmocka_unit_test_setup_teardown(each_vcpu_counts, make, unmake),
        cmocka_unit_test_setup_teardown(one_cpu_in_common_is_enough, make, unmake),
        cmocka_unit_test_setup_teardown(a_cpu_in_another_pool_does_not_count, make, unmake),
        cmocka_unit_test_setup_teardown(a_pool_is_known_by_its_name, make, unmake),
        cmocka_unit_test_setup_teardown(a_pool_that_is_not_there_is_a_no, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_not_known_is_a_remark, make, unmake),
        cmocka_unit_test_setup_teardown(a_guest_that_is_not_bound_has_nothing_to_be_unknown, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
