/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libxl's time-outs on the loop: the functions of libxl that core/loop.c calls are played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>

#include <cmocka.h>

#include <libxl_event.h>

#include "base/cleanup.h"
#include "core/ctx.h"

static struct xlx_ctx *ctx;
static const libxl_osevent_hooks *hooks;
static int libxl_itself; /* only its address is used */
static bool freed;

/* One time-out as libxl keeps it. */
static struct {
    void *for_app;
    bool registered;
    unsigned served, released;
} timeout;

/* ---- libxl ---- */

int libxl_ctx_alloc(libxl_ctx **libxl, int version, unsigned flags, xentoollog_logger *logger)
{
    *libxl = (libxl_ctx *)&libxl_itself;
    freed = false;
    return 0;
}

int libxl_ctx_free(libxl_ctx *libxl)
{
    freed = true;
    return 0;
}

void libxl_osevent_register_hooks(libxl_ctx *libxl, const libxl_osevent_hooks *given, void *user)
{
    hooks = given;
    assert_ptr_equal(user, ctx);
}

void libxl_childproc_setmode(libxl_ctx *libxl, const libxl_childproc_hooks *given, void *user)
{
}

void libxl_childproc_sigchld_occurred(libxl_ctx *libxl)
{
}

void libxl_osevent_occurred_fd(libxl_ctx *libxl, void *for_libxl, int fd, short events, short revents)
{
}

static void deregister(void)
{
    timeout.registered = false;
    assert_int_equal(hooks->timeout_modify(ctx, &timeout.for_app, (struct timeval){0, 0}), 0);
}

void libxl_osevent_afterpoll(libxl_ctx *libxl, int nfds, const struct pollfd *fds, struct timeval now)
{
    assert_int_equal(nfds, 0);
    if (!timeout.registered)
        return;
    timeout.served++;
    deregister();
}

/* As libxl 4.17 does it, this must only ever release: a time-out served here stays in the list of what an abort ends.
 */
void libxl_osevent_occurred_timeout(libxl_ctx *libxl, void *for_libxl)
{
    assert_ptr_equal(libxl, &libxl_itself);
    assert_false(freed);
    assert_ptr_equal(for_libxl, &timeout);
    assert_false(timeout.registered);
    timeout.released++;
}

/* ---- tests ---- */

static void begin(long delay_ms)
{
    struct timeval at, delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
    libxl_ctx *libxl;

    assert_int_equal(ctx_libxl(ctx, &libxl), 0);
    gettimeofday(&at, NULL);
    timeradd(&at, &delay, &at);
    timeout.registered = true;
    timeout.served = timeout.released = 0;
    assert_int_equal(hooks->timeout_register(ctx, &timeout.for_app, at, &timeout), 0);
}

static void a_timeout_that_is_due_is_served_and_then_released_once(void **state)
{
    begin(5);
    uv_run(&ctx->loop, UV_RUN_DEFAULT);
    assert_int_equal(timeout.served, 1);
    assert_int_equal(timeout.released, 1);
}

static void a_timeout_that_libxl_gives_up_is_released_and_not_served(void **state)
{
    begin(3600000);
    deregister();
    uv_run(&ctx->loop, UV_RUN_DEFAULT);
    assert_int_equal(timeout.served, 0);
    assert_int_equal(timeout.released, 1);
}

static void a_timeout_that_is_not_due_waits(void **state)
{
    begin(3600000);
    uv_run(&ctx->loop, UV_RUN_NOWAIT);
    assert_int_equal(timeout.served + timeout.released, 0);
    deregister();
    uv_run(&ctx->loop, UV_RUN_DEFAULT);
}

/* As when an operation is aborted because the program ends. */
static void a_timeout_given_up_at_the_very_end_is_released_while_libxl_is_there(void **state)
{
    begin(3600000);
    deregister();
    xlx_ctx_free(ctx);
    assert_true(freed);
    assert_int_equal(timeout.released, 1);
    assert_int_equal(xlx_ctx_new(&ctx, NULL), 0);
}

static int new_ctx(void **state)
{
    return xlx_ctx_new(&ctx, NULL);
}

static int free_ctx(void **state)
{
    xlx_ctx_free(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_timeout_that_is_due_is_served_and_then_released_once, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(a_timeout_that_libxl_gives_up_is_released_and_not_served, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(a_timeout_that_is_not_due_waits, new_ctx, free_ctx),
        cmocka_unit_test_setup_teardown(a_timeout_given_up_at_the_very_end_is_released_while_libxl_is_there, new_ctx,
                                        free_ctx),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
