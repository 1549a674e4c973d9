/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/ev.h"

static uv_loop_t loop;

static int new_loop(void **state)
{
    return uv_loop_init(&loop);
}

static int close_loop(void **state)
{
    ev_loop_close(&loop);
    return 0;
}

struct caught {
    struct ev_signal ev;
    unsigned calls;
    int signum;
};

static void caught(struct ev_signal *s, int signum)
{
    struct caught *c = CONTAINER_OF(s, struct caught, ev);

    c->calls++;
    c->signum = signum;
    ev_signal_stop(s);
}

static void a_signal_reaches_all_who_wait_for_it(void **state)
{
    struct caught a = {0}, b = {0}, other = {0};

    ev_signal_start(&loop, &a.ev, SIGUSR1, caught);
    ev_signal_start(&loop, &b.ev, SIGUSR1, caught);
    ev_signal_start(&loop, &other.ev, SIGUSR2, caught);
    ev_signal_unref(&other.ev);
    raise(SIGUSR1);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(a.calls, 1);
    assert_int_equal(b.calls, 1);
    assert_int_equal(a.signum, SIGUSR1);
    assert_int_equal(other.calls, 0);
    ev_signal_stop(&other.ev);
}

static void a_signal_that_cannot_be_caught_is_refused(void **state)
{
    struct caught c = {0};

    assert_int_not_equal(ev_signal_start(&loop, &c.ev, SIGKILL, caught), 0);
    assert_null(c.ev.handle);
}

struct interrupted {
    struct ev_interrupt ev;
    int signum;
};

static void interrupted(struct ev_interrupt *i, int signum)
{
    CONTAINER_OF(i, struct interrupted, ev)->signum = signum;
    ev_interrupt_stop(i);
}

static void an_interrupt_is_either_signal_and_says_which(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM};

    for (size_t n = 0; n < ARRAY_LEN(signals); n++) {
        struct interrupted i = {.signum = 0};

        assert_int_equal(ev_interrupt_start(&loop, &i.ev, interrupted), 0);
        raise(signals[n]);
        uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(i.signum, signals[n]);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, new_loop, close_loop)
    const struct CMUnitTest tests[] = {
        T(a_signal_reaches_all_who_wait_for_it),
        T(a_signal_that_cannot_be_caught_is_refused),
        T(an_interrupt_is_either_signal_and_says_which),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
