/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "balloon/sizes.h"
#include "xlx.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

#define MIB UINT64_C(1024)
#define STATIC_MAX "/local/domain/5/memory/static-max"
#define BOOT_MAX "/local/domain/5/memory/boot-max"

static struct xlx_ctx *ctx;
static struct fake_domain *domain;

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    fake_store_set("/libxl/5/type", "pvh");
    fake_store_set("/local/domain/5/memory/target", "524288");
    fake_store_set(STATIC_MAX, "1048576");
    domain = fake_xen_domain(5, 512 * MIB, 513 * MIB);
    return 0;
}

static int free_ctx(void **state)
{
    fake_ctx_free(ctx);
    return 0;
}

static void static_max_and_the_limit_are_set(void **state)
{
    assert_int_equal(xlx_mem_max_set(ctx, 5, 768 * MIB), 0);
    assert_string_equal(fake_store_get(STATIC_MAX), "786432");
    assert_int_equal(domain->max_kb, 769 * MIB);
    assert_int_equal(xlx_mem_max_set(ctx, 5, 512 * MIB), 0);
    assert_string_equal(fake_store_get(STATIC_MAX), "524288");
}

static void a_maximum_below_the_target_or_beyond_all_is_refused(void **state)
{
    assert_int_equal(xlx_mem_max_set(ctx, 5, 512 * MIB - 1), ERROR_INVAL);
    assert_int_equal(xlx_mem_max_set(ctx, 5, UINT64_MAX), ERROR_INVAL);
    assert_int_equal(xlx_mem_max_set(ctx, 6, 512 * MIB), ERROR_DOMAIN_NOTFOUND);
    assert_int_equal(fake_message_count(), 3);
    assert_string_equal(fake_store_get(STATIC_MAX), "1048576");
    assert_int_equal(domain->max_kb, 513 * MIB);
}

static void what_a_guest_was_booted_with_is_noted_once(void **state)
{
    assert_int_equal(xlx_mem_max_set(ctx, 5, 768 * MIB), 0);
    assert_null(fake_store_get(BOOT_MAX));
    assert_int_equal(xlx_mem_max_set(ctx, 5, 900 * MIB), 0);
    assert_string_equal(fake_store_get(BOOT_MAX), "786432");
    assert_int_equal(xlx_mem_max_set(ctx, 5, 1000 * MIB), 0);
    assert_string_equal(fake_store_get(BOOT_MAX), "786432");
}

static void every_failure_leaves_all_as_it_was(void **state)
{
    char *before = fake_store_dump();
    unsigned refused = 0;

    for (unsigned n = 1;; n++) {
        bool struck;
        char *after;
        int rc;

        fake_messages_forget();
        fault_arm(n, EIO);
        rc = xlx_mem_max_set(ctx, 5, 2048 * MIB);
        struck = fault_struck();
        fault_arm(0, 0);
        if (!struck) {
            assert_int_equal(rc, 0);
            break;
        }
        if (rc) {
            after = fake_store_dump();
            assert_string_equal(after, before);
            assert_int_equal(domain->max_kb, 513 * MIB);
            assert_int_equal(fake_message_count(), 1);
            free(after);
            refused++;
        } else {
            assert_string_equal(fake_store_get(STATIC_MAX), "2097152");
            assert_int_equal(domain->max_kb, 2049 * MIB);
            fake_store_set(STATIC_MAX, "1048576");
            fake_store_set(BOOT_MAX, NULL);
            domain->max_kb = 513 * MIB;
        }
        assert_in_range(n, 1, 100);
    }
    assert_in_range(refused, 6, 100);
    free(before);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, new_ctx, free_ctx)
    const struct CMUnitTest tests[] = {
        T(static_max_and_the_limit_are_set),
        T(a_maximum_below_the_target_or_beyond_all_is_refused),
        T(what_a_guest_was_booted_with_is_noted_once),
        T(every_failure_leaves_all_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
