/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a failed start has left behind, told from what others have made meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "stubdom-launch/leftovers.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

static struct xlx_ctx *ctx;

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    fake_xen_domain(0, 1 << 20, 1 << 20);
    return 0;
}

static int free_ctx(void **state)
{
    fake_ctx_free(ctx);
    return 0;
}

static struct fake_domain *make(uint32_t domid, const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
    fake_store_set(path, name);
    return fake_xen_domain(domid, 4096, 4096);
}

/* What is left of the start of "g", whose domain was 5. */
static uint32_t rest(const struct leftovers_before *before)
{
    xen_domain_handle_t uuid = {0};

    memset(uuid, 5, sizeof(uuid)); /* as fake_xen_domain has it */
    return leftovers_find(ctx, before, "g", uuid);
}

static void a_left_over_stub_domain_is_found(void **state)
{
    struct leftovers_before before;
    GC_SCOPE(gc);

    make(1, "other-dm");
    assert_int_equal(leftovers_note(ctx, gc, &before), 0);
    assert_int_equal(rest(&before), 0);
    make(6, "g-dm");
    assert_int_equal(rest(&before), 6);
}

static void the_guest_comes_first_and_takes_its_stub_domain_along(void **state)
{
    struct leftovers_before before;
    GC_SCOPE(gc);

    assert_int_equal(leftovers_note(ctx, gc, &before), 0);
    make(5, "g");
    make(6, "g-dm");
    assert_int_equal(rest(&before), 5);
}

static void what_was_there_before_is_left_alone(void **state)
{
    struct leftovers_before before;
    GC_SCOPE(gc);

    make(5, "g");
    make(6, "g-dm");
    assert_int_equal(leftovers_note(ctx, gc, &before), 0);
    assert_int_equal(rest(&before), 0);
}

static void a_guest_that_somebody_else_starts_meanwhile_is_left_alone(void **state)
{
    struct leftovers_before before;
    GC_SCOPE(gc);

    assert_int_equal(leftovers_note(ctx, gc, &before), 0);
    make(7, "g"); /* another uuid: libxl has refused to start this one, for the name was taken */
    make(8, "g-dm");
    assert_int_equal(rest(&before), 0);
}

static void a_stub_domain_of_a_guest_that_was_there_is_left_alone(void **state)
{
    struct leftovers_before before;
    GC_SCOPE(gc);

    make(4, "g"); /* another start of it was under way */
    assert_int_equal(leftovers_note(ctx, gc, &before), 0);
    make(8, "g-dm");
    assert_int_equal(rest(&before), 0);
}

static void what_is_dying_needs_nobody(void **state)
{
    struct leftovers_before before;
    GC_SCOPE(gc);

    assert_int_equal(leftovers_note(ctx, gc, &before), 0);
    make(5, "g")->flags = XEN_DOMINF_dying;
    make(6, "g-dm")->flags = XEN_DOMINF_dying;
    assert_int_equal(rest(&before), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_ctx, free_ctx)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_left_over_stub_domain_is_found),
        TEST(the_guest_comes_first_and_takes_its_stub_domain_along),
        TEST(what_was_there_before_is_left_alone),
        TEST(a_guest_that_somebody_else_starts_meanwhile_is_left_alone),
        TEST(a_stub_domain_of_a_guest_that_was_there_is_left_alone),
        TEST(what_is_dying_needs_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
