/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/ao.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"

static void timed_out(struct ev_timer *t)
{
    struct ao *ao = CONTAINER_OF(t, struct ao, timeout);

    if (ao->aborting)
        return;
    ao->aborting = true;
    ao->abort(ao, ERROR_TIMEDOUT);
}

void ao_start(struct ao *ao, void (*abort_operation)(struct ao *ao, int rc))
{
    if (ao->running) {
        fputs("xl-ext: an operation was started twice\n", stderr);
        abort();
    }
    ao->running = true;
    ao->aborting = false;
    ao->abort = abort_operation;
    ao->gc = gc_new();
    if (ao->timeout_ms)
        ev_timer_start(&ao->ctx->loop, &ao->timeout, ao->timeout_ms, 0, timed_out);
}

void ao_complete(struct ao *ao, int rc)
{
    void (*done)(struct ao * ao, int rc) = ao->done;
    struct gc *gc = TAKE_PTR(ao->gc);

    if (!ao->running) {
        fputs("xl-ext: an operation was completed twice\n", stderr);
        abort();
    }
    ev_timer_stop(&ao->timeout);
    ev_timer_stop(&ao->soon);
    ao->running = false;
    ao->rc = rc;
    if (done)
        done(ao, rc);
    gc_free(gc);
}

static void soon_fired(struct ev_timer *t)
{
    struct ao *ao = CONTAINER_OF(t, struct ao, soon);

    ao_complete(ao, ao->rc);
}

void ao_complete_soon(struct ao *ao, int rc)
{
    ao->rc = rc;
    /* From now on there is nothing left to abort. */
    ao->aborting = true;
    ev_timer_start(&ao->ctx->loop, &ao->soon, 0, 0, soon_fired);
}

void ao_abort(struct ao *ao)
{
    if (!ao->running || ao->aborting)
        return;
    ao->aborting = true;
    ao->abort(ao, ERROR_ABORTED);
}

int ao_run(struct ao *ao)
{
    struct xlx_ctx *ctx = ao->ctx;

    while (ao->running) {
        uv_run(&ctx->loop, UV_RUN_ONCE);
        if (ctx->xenstore_lost && ao->running)
            ao_abort(ao);
    }
    return ctx->xenstore_lost && ao->rc == ERROR_ABORTED ? ERROR_FAIL : ao->rc;
}

struct waiter {
    struct ao *ao;
    struct ev_interrupt interrupt;
};

static void interrupted(struct ev_interrupt *i, int signum)
{
    ao_abort(CONTAINER_OF(i, struct waiter, interrupt)->ao);
}

int ao_wait(struct ao *ao)
{
    struct xlx_ctx *ctx = ao->ctx;
    struct waiter waiter = {.ao = ao};
    int rc;

    rc = ev_interrupt_start(&ctx->loop, &waiter.interrupt, interrupted);
    if (rc) {
        LOG(ctx, ERROR, "cannot catch signals: %s", error_text(rc));
        ao_abort(ao);
    }
    rc = ao_run(ao);
    ev_interrupt_stop(&waiter.interrupt);
    return rc;
}
