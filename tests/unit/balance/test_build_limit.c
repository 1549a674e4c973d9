/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "balance/commands/build-limit.h"
#include "base/cleanup.h"
#include "tests/fakes/clock.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/xenctrl.h"

#define MIB UINT64_C(1024)
#define UUID "05050505-0505-0505-0505-050505050505"
/* No whole number of pages. */
#define MORE (100 * MIB + 3)
#define MORE_IN_PAGES (100 * MIB + 4)

static struct xlx_ctx *ctx;
static struct build_limit limit;

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    return 0;
}

static int free_ctx(void **state)
{
    unsigned timers = fake_clock_timers();

    fake_ctx_free(ctx);
    return timers ? -1 : 0;
}

/* Its limit is what the hypervisor gives a new domain until libxl sets it. */
static struct fake_domain *being_built(uint64_t max_kb)
{
    struct fake_domain *d = fake_xen_domain(5, 8 * MIB, max_kb);

    d->flags = XEN_DOMINF_paused;
    return d;
}

static void pass(void)
{
    for (unsigned i = 0; i < 5; i++)
        uv_run(&ctx->loop, UV_RUN_ONCE);
}

static void a_restored_guest_may_hold_what_it_held_until_it_runs(void **state)
{
    struct fake_domain *d;

    build_limit_begin(&limit, ctx, UUID, MORE);
    pass();
    d = being_built(0);
    pass();
    assert_int_equal(d->max_kb, 0);
    d->max_kb = 201 * MIB;
    pass();
    assert_int_equal(d->max_kb, 201 * MIB + MORE_IN_PAGES);
    /* libxl sets it again. */
    d->max_kb = 211 * MIB;
    pass();
    assert_int_equal(d->max_kb, 211 * MIB + MORE_IN_PAGES);
    d->flags = XEN_DOMINF_running;
    pass();
    assert_int_equal(d->max_kb, 211 * MIB);
    assert_false(ev_timer_active(&limit.timer));
    build_limit_end(&limit);
}

static void a_limit_that_somebody_has_set_meanwhile_stays(void **state)
{
    struct fake_domain *d = being_built(201 * MIB);

    build_limit_begin(&limit, ctx, UUID, MORE);
    pass();
    d->flags = XEN_DOMINF_running;
    d->max_kb = 250 * MIB;
    pass();
    assert_int_equal(d->max_kb, 250 * MIB);
    build_limit_end(&limit);
}

static void one_that_is_left_paused_gets_its_limit_when_xl_has_ended(void **state)
{
    struct fake_domain *d = being_built(201 * MIB);

    build_limit_begin(&limit, ctx, UUID, MORE);
    pass();
    build_limit_end(&limit);
    assert_int_equal(d->max_kb, 201 * MIB);
}

static void a_guest_that_held_its_target_is_left_to_libxl(void **state)
{
    struct fake_domain *d = being_built(201 * MIB);

    build_limit_begin(&limit, ctx, UUID, 0);
    assert_false(ev_timer_active(&limit.timer));
    build_limit_end(&limit);
    assert_int_equal(d->max_kb, 201 * MIB);
}

static void a_restore_that_failed_leaves_nothing(void **state)
{
    being_built(201 * MIB);
    build_limit_begin(&limit, ctx, UUID, MORE);
    pass();
    fake_xen_remove(5);
    pass();
    build_limit_end(&limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_restored_guest_may_hold_what_it_held_until_it_runs, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(a_limit_that_somebody_has_set_meanwhile_stays, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(one_that_is_left_paused_gets_its_limit_when_xl_has_ended, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(a_guest_that_held_its_target_is_left_to_libxl, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(a_restore_that_failed_leaves_nothing, new_ctx, free_ctx),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
