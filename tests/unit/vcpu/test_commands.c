/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vcpu-info, vcpu-list and vcpu-pin on a host in memory; a pin that fails half-way is taken back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/tool.h"
#include "tests/fakes/vcpus.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"
#include "vcpu/vcpu.h"

static struct xlx_ctx *ctx;

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    fake_vcpus_reset();
    fake_xen_vcpus(FAKE_CPUS, FAKE_VCPUS);
    fake_xen_domain(0, 4096, 4096);
    fake_xen_domain(5, 4096, 4096);
    fake_store_set("/local/domain/0/name", "Domain-0");
    fake_store_set("/local/domain/5/name", "web");
    fake_store_set("/libxl/5/type", "pv");
    return 0;
}

static int free_ctx(void **state)
{
    fake_xen_vcpus(1, 1);
    fake_ctx_free(ctx);
    return 0;
}

static void affinities_are_shown_as_lists_and_as_pictures(void **state)
{
    tool_says(ctx, &cmd_vcpu_list, "", 0, "Domain-0");
    tool_says(ctx, &cmd_vcpu_list, "web", 0, "r--");
    tool_says(ctx, &cmd_vcpu_list, "--json web", 0, "\"vcpu\": 1");
    tool_says(ctx, &cmd_vcpu_list, "nobody", 1, "");
    tool_says(ctx, &cmd_vcpu_info, "web", 0, "CPU Affinity:   yyyy\n\nVCPU:           1\n");
    tool_says(ctx, &cmd_vcpu_info, "--json web", 0, NULL);
    tool_says(ctx, &cmd_vcpu_info, "nobody", 1, "");
}

static void vcpus_are_pinned(void **state)
{
    tool_says(ctx, &cmd_vcpu_pin, "-i web 0 1-2 -", 0, "");
    assert_int_equal(fake_vcpu_hard(5, 0), 0x6);
    assert_int_equal(fake_vcpu_hard(5, 1), 0xf);
    tool_says(ctx, &cmd_vcpu_pin, "-i web all 0 node:0", 0, "");
    assert_int_equal(fake_vcpu_hard(5, 1), 0x1);
    assert_int_equal(fake_vcpu_soft(5, 1), 0x3);
    tool_says(ctx, &cmd_vcpu_pin, "--json -i -n web all 1 -", 0, "\"changed\": 0");
    assert_int_equal(fake_vcpu_hard(5, 1), 0x1);
}

static void without_a_list_they_are_shown_as_virsh_does(void **state)
{
    tool_says(ctx, &cmd_vcpu_pin, "web", 0,
              " VCPU   CPU Affinity\n----------------------\n 0      0-3\n 1      0-3\n\n");
    tool_says(ctx, &cmd_vcpu_pin, "-i web 1 0,2-3 -", 0, "");
    tool_says(ctx, &cmd_vcpu_pin, "web 1", 0, " VCPU   CPU Affinity\n----------------------\n 1      0,2-3\n\n");
    tool_says(ctx, &cmd_vcpu_pin, "--json web 1", 0, "\"hard\": \"0,2-3\"");
    tool_says(ctx, &cmd_vcpu_pin, "web 7", 1, "");
    tool_says(ctx, &cmd_vcpu_pin, "nobody", 1, "");
}

static void what_cannot_be_is_refused_and_changes_nothing(void **state)
{
    static const struct {
        const char *words;
        int status;
    } cases[] = {{"-i web 0 9 -", 1}, {"-i web 7 1 -", 1},    {"-i web x 1 -", 2},    {"-i web 0 - -", 2},
                 {"-i web 0 3 -", 1}, {"-i web 0 1,^1 -", 1}, {"-i nobody 0 1 -", 1}, {"-i web 0 what -", 1}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int status = tool_run(ctx, &cmd_vcpu_pin, cases[i].words);

        if (!status)
            print_error("%s: taken\n", cases[i].words);
        assert_int_not_equal(status, 0);
        assert_int_equal(fake_vcpu_hard(5, 0), 0xf);
    }
}

/* At whatever call: all vCPUs are pinned, or none. */
static void no_failure_leaves_some_pinned(void **state)
{
    static const int errors[] = {EBUSY, EINVAL, EPERM, ENOMEM};

    for (size_t e = 0; e < sizeof(errors) / sizeof(*errors); e++) {
        for (unsigned at = 1;; at++) {
            bool struck;
            int status;

            fake_vcpus_reset();
            fault_arm(at, errors[e]);
            status = tool_run(ctx, &cmd_vcpu_pin, "-i web all 1 2");
            struck = fault_struck();
            fault_arm(0, 0);
            assert_int_equal(fake_vcpu_hard(5, 0), fake_vcpu_hard(5, 1));
            assert_int_equal(fake_vcpu_soft(5, 0), fake_vcpu_soft(5, 1));
            assert_int_equal(fake_vcpu_hard(5, 0), status ? 0xf : 0x2);
            if (!struck)
                break;
            assert_in_range(at, 1, 60);
        }
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, new_ctx, free_ctx)
    const struct CMUnitTest tests[] = {
        T(affinities_are_shown_as_lists_and_as_pictures),
        T(vcpus_are_pinned),
        T(without_a_list_they_are_shown_as_virsh_does),
        T(what_cannot_be_is_refused_and_changes_nothing),
        T(no_failure_leaves_some_pinned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
