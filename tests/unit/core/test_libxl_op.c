/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libxl's long calls as operations: which of them an interrupt stops. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/ev.h"
#include "core/libxl-op.h"
#include "tests/fakes/ctx.h"

static struct xlx_ctx *ctx;

/* libxl: an interrupt comes while the call is under way, which ends some time later. */
static struct {
    const libxl_asyncop_how *how;
    struct ev_timer interrupt, end;
    unsigned aborts;
    bool quiet;     /* no interrupt */
    unsigned turns; /* of the loop, so that a signal is heard before it is over, however slow the machine */
} call;

static void call_ends(struct ev_timer *timer)
{
    if (call.turns--) {
        ev_timer_start(&ctx->loop, &call.end, 1, 0, call_ends);
        return;
    }
    call.how->callback(NULL, call.aborts ? ERROR_ABORTED : 0, call.how->u.for_callback);
}

static void interrupt(struct ev_timer *timer)
{
    raise(SIGINT);
    call_ends(timer);
}

static int begin_call(const libxl_asyncop_how *how)
{
    call.how = how;
    call.turns = 10;
    if (call.quiet)
        ev_timer_start(&ctx->loop, &call.end, 1, 0, call_ends);
    else
        ev_timer_start(&ctx->loop, &call.interrupt, 1, 0, interrupt);
    return 0;
}

int libxl_domain_destroy(libxl_ctx *libxl, uint32_t domid, const libxl_asyncop_how *how)
{
    return begin_call(how);
}

int libxl_domain_unpause(libxl_ctx *libxl, uint32_t domid, const libxl_asyncop_how *how)
{
    return begin_call(how);
}

int libxl_ao_abort(libxl_ctx *libxl, const libxl_asyncop_how *how)
{
    call.aborts++;
    return 0;
}

static int new_ctx(void **state)
{
    ctx = fake_ctx_new();
    ctx->libxl = (libxl_ctx *)&call; /* never looked into */
    call.aborts = 0;
    call.quiet = false;
    return 0;
}

static int free_ctx(void **state)
{
    fake_ctx_free(ctx);
    return 0;
}

static void an_interrupt_stops_what_can_be_stopped(void **state)
{
    assert_int_equal(libxl_op_unpause(ctx, 5), ERROR_ABORTED);
    assert_int_equal(call.aborts, 1);
}

static void a_destruction_goes_to_its_end(void **state)
{
    bool interrupted = false;

    assert_int_equal(libxl_op_destroy(ctx, 5, &interrupted), 0);
    assert_true(interrupted);
    assert_int_equal(call.aborts, 0);
    call.quiet = true;
    assert_int_equal(libxl_op_destroy(ctx, 5, &interrupted), 0);
    assert_false(interrupted);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_ctx, free_ctx)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_interrupt_stops_what_can_be_stopped),
        TEST(a_destruction_goes_to_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
