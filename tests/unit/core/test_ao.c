/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/ao.h"
#include "tests/fakes/clock.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/xenstore.h"

static struct xlx_ctx *ctx;

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

/* An operation that takes a while, and longer to let go of it. */
struct nap {
    struct ao ao;
    uint64_t length_ms, abort_takes_ms;
    int rc;

    unsigned done, aborts;
    int done_rc, abort_rc;
    char *remark; /* in the operation's pool */
    uint64_t done_ms;

    struct ev_timer timer;
    int end_rc;
};

static void nap_done(struct nap *nap, int rc)
{
    ev_timer_stop(&nap->timer);
    ao_complete(&nap->ao, rc);
}

static void nap_slept(struct ev_timer *t)
{
    struct nap *nap = CONTAINER_OF(t, struct nap, timer);

    nap_done(nap, nap->end_rc);
}

static void nap_aborted(struct ao *ao, int rc)
{
    struct nap *nap = CONTAINER_OF(ao, struct nap, ao);

    nap->aborts++;
    nap->abort_rc = rc;
    if (!nap->abort_takes_ms) {
        nap_done(nap, rc);
        return;
    }
    ev_timer_stop(&nap->timer);
    nap->end_rc = rc;
    ev_timer_start(&ao->ctx->loop, &nap->timer, nap->abort_takes_ms, 0, nap_slept);
}

static void nap_start(struct nap *nap)
{
    ao_start(&nap->ao, nap_aborted);
    nap->remark = gc_strdup(nap->ao.gc, "slept well");
    if (nap->length_ms) {
        nap->end_rc = nap->rc;
        ev_timer_start(&nap->ao.ctx->loop, &nap->timer, nap->length_ms, 0, nap_slept);
    } else {
        ao_complete_soon(&nap->ao, nap->rc);
    }
}

static void woke(struct ao *ao, int rc)
{
    struct nap *nap = CONTAINER_OF(ao, struct nap, ao);

    nap->done++;
    nap->done_rc = rc;
    nap->done_ms = fake_clock_ms();
    /* The pool lives until this returns. */
    assert_string_equal(nap->remark, "slept well");
}

static void run_until_idle(void)
{
    while (uv_run(&ctx->loop, UV_RUN_ONCE))
        ;
}

static void it_completes_once_with_its_rc(void **state)
{
    struct nap nap = {.ao = {.ctx = ctx, .done = woke}, .length_ms = 100, .rc = ERROR_NI};

    nap_start(&nap);
    run_until_idle();
    assert_int_equal(nap.done, 1);
    assert_int_equal(nap.done_rc, ERROR_NI);
    assert_int_equal(nap.aborts, 0);
    /* It may be used again. */
    nap.rc = 0;
    nap_start(&nap);
    run_until_idle();
    assert_int_equal(nap.done, 2);
    assert_int_equal(nap.done_rc, 0);
}

static void what_is_over_at_once_completes_from_the_loop(void **state)
{
    struct nap nap = {.ao = {.ctx = ctx, .done = woke}, .rc = ERROR_INVAL};

    nap_start(&nap);
    assert_int_equal(nap.done, 0);
    /* There is nothing left to abort. */
    ao_abort(&nap.ao);
    assert_int_equal(nap.aborts, 0);
    run_until_idle();
    assert_int_equal(nap.done, 1);
    assert_int_equal(nap.done_rc, ERROR_INVAL);
}

static void a_timeout_aborts_it_with_its_own_error(void **state)
{
    struct nap nap = {.ao = {.ctx = ctx, .done = woke, .timeout_ms = 50}, .length_ms = 1000};
    uint64_t begun = fake_clock_ms();

    nap_start(&nap);
    run_until_idle();
    assert_int_equal(nap.aborts, 1);
    assert_int_equal(nap.abort_rc, ERROR_TIMEDOUT);
    assert_int_equal(nap.done, 1);
    assert_int_equal(nap.done_rc, ERROR_TIMEDOUT);
    assert_int_equal(nap.done_ms - begun, 50);
}

static void a_timeout_that_is_not_reached_does_nothing(void **state)
{
    struct nap nap = {.ao = {.ctx = ctx, .done = woke, .timeout_ms = 5000}, .length_ms = 1000};

    nap_start(&nap);
    run_until_idle();
    assert_int_equal(nap.aborts, 0);
    assert_int_equal(nap.done_rc, 0);
    assert_int_equal(fake_clock_timers(), 0);
}

static void it_is_aborted_once_however_often_it_is_asked(void **state)
{
    struct nap nap = {.ao = {.ctx = ctx, .done = woke, .timeout_ms = 60}, .length_ms = 1000, .abort_takes_ms = 500};

    nap_start(&nap);
    ao_abort(&nap.ao);
    ao_abort(&nap.ao);
    assert_int_equal(nap.done, 0);
    run_until_idle();
    assert_int_equal(nap.aborts, 1);
    assert_int_equal(nap.abort_rc, ERROR_ABORTED);
    assert_int_equal(nap.done, 1);
    ao_abort(&nap.ao);
    assert_int_equal(nap.aborts, 1);
}

/* ---- the synchronous form ---- */

static void waiting_returns_the_rc(void **state)
{
    struct nap nap = {.ao = {.ctx = ctx}, .length_ms = 100, .rc = ERROR_NI};

    nap_start(&nap);
    assert_int_equal(ao_wait(&nap.ao), ERROR_NI);
    nap = (struct nap){.ao = {.ctx = ctx}};
    nap_start(&nap);
    assert_int_equal(ao_wait(&nap.ao), 0);
}

static int signal_to_raise;

static void raise_it(struct ev_timer *t)
{
    raise(signal_to_raise);
}

static void sigint_and_sigterm_end_a_wait(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM};

    for (unsigned i = 0; i < 2; i++) {
        struct nap nap = {.ao = {.ctx = ctx}, .length_ms = 100000, .abort_takes_ms = 10};
        struct ev_timer later = {0};

        signal_to_raise = signals[i];
        nap_start(&nap);
        ev_timer_start(&ctx->loop, &later, 50, 0, raise_it);
        assert_int_equal(ao_wait(&nap.ao), ERROR_ABORTED);
        assert_int_equal(nap.aborts, 1);
        assert_int_equal(nap.abort_rc, ERROR_ABORTED);
    }
    /* Caught during waits only. */
    assert_int_equal(signal(SIGINT, SIG_DFL), SIG_DFL);
}

static void lose_xenstored(struct ev_timer *t)
{
    fake_store_lose();
}

static void a_lost_xenstored_ends_a_wait_with_a_failure(void **state)
{
    struct nap nap = {.ao = {.ctx = ctx}, .length_ms = 100000};
    struct store_watcher *watcher;
    struct ev_timer later = {0};

    assert_int_equal(ctx_watcher(ctx, &watcher), 0);
    nap_start(&nap);
    ev_timer_start(&ctx->loop, &later, 50, 0, lose_xenstored);
    assert_int_equal(ao_wait(&nap.ao), ERROR_FAIL);
    assert_int_equal(fake_message_count(), 1);
    assert_non_null(strstr(fake_messages(), "xenstored"));
}

/* ---- nested operations ---- */

struct outer {
    struct ao ao;
    struct nap first, second;
    unsigned steps;
};

static void second_done(struct ao *ao, int rc)
{
    struct nap *nap = CONTAINER_OF(ao, struct nap, ao);
    struct outer *outer = CONTAINER_OF(nap, struct outer, second);

    outer->steps++;
    ao_complete(&outer->ao, rc);
}

static void first_done(struct ao *ao, int rc)
{
    struct nap *nap = CONTAINER_OF(ao, struct nap, ao);
    struct outer *outer = CONTAINER_OF(nap, struct outer, first);

    outer->steps++;
    if (rc) {
        ao_complete(&outer->ao, rc);
        return;
    }
    nap_start(&outer->second);
}

static void outer_aborted(struct ao *ao, int rc)
{
    struct outer *outer = CONTAINER_OF(ao, struct outer, ao);

    ao_abort(&outer->first.ao);
    ao_abort(&outer->second.ao);
}

static void nested_operations_run_one_after_the_other_and_are_aborted_together(void **state)
{
    struct outer outer = {
        .ao = {.ctx = ctx},
        .first = {.ao = {.ctx = ctx, .done = first_done}, .length_ms = 10},
        .second = {.ao = {.ctx = ctx, .done = second_done}, .length_ms = 10},
    };
    struct outer again = outer;

    ao_start(&outer.ao, outer_aborted);
    nap_start(&outer.first);
    assert_int_equal(ao_wait(&outer.ao), 0);
    assert_int_equal(outer.steps, 2);

    again.ao.timeout_ms = 5;
    ao_start(&again.ao, outer_aborted);
    nap_start(&again.first);
    assert_int_equal(ao_wait(&again.ao), ERROR_ABORTED);
    assert_int_equal(again.steps, 1);
}

/* ---- faults of the program ---- */

static int status_of_child(void (*act)(void))
{
    pid_t pid = fork();
    int status;

    if (!pid) {
        dup2(open("/dev/null", O_WRONLY), 2);
        signal(SIGABRT, SIG_DFL);
        act();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void complete_twice(void)
{
    struct nap nap = {.ao = {.ctx = ctx}, .length_ms = 10};

    nap_start(&nap);
    ao_complete(&nap.ao, 0);
    ao_complete(&nap.ao, 0);
}

static void start_twice(void)
{
    struct nap nap = {.ao = {.ctx = ctx}, .length_ms = 10};

    nap_start(&nap);
    ao_start(&nap.ao, nap_aborted);
}

static void completing_or_starting_twice_aborts(void **state)
{
    int status = status_of_child(complete_twice);

    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    status = status_of_child(start_twice);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, new_ctx, free_ctx)
    const struct CMUnitTest tests[] = {
        T(it_completes_once_with_its_rc),
        T(what_is_over_at_once_completes_from_the_loop),
        T(a_timeout_aborts_it_with_its_own_error),
        T(a_timeout_that_is_not_reached_does_nothing),
        T(it_is_aborted_once_however_often_it_is_asked),
        T(waiting_returns_the_rc),
        T(sigint_and_sigterm_end_a_wait),
        T(a_lost_xenstored_ends_a_wait_with_a_failure),
        T(nested_operations_run_one_after_the_other_and_are_aborted_together),
        T(completing_or_starting_twice_aborts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
