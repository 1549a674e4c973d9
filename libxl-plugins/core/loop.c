/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libxl, joined to the libuv loop of a context: its file descriptors, time-outs and children are served there.
 */
#include "core/ctx.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <libxl_event.h>

#include "base/cleanup.h"
#include "base/error.h"

/* libxl asks for fds and time-outs through these hooks; "for_app" is ours and carries the source. */

struct hooked_fd {
    struct xlx_ctx *ctx;
    void *for_libxl;
    short events;
    struct ev_fd ev;
};

struct hooked_timeout {
    struct xlx_ctx *ctx;
    void *for_libxl;
    struct timeval at; /* CLOCK_REALTIME, as libxl counts */
    bool released;     /* libxl is done with it and waits to be told so */
    struct ev_timer ev;
};

static void hooked_fd_ready(struct ev_fd *ev, int fd, short revents)
{
    struct hooked_fd *h = CONTAINER_OF(ev, struct hooked_fd, ev);

    /* libxl polls the fd again itself, so an event too many does no harm; one that it did not ask for would trip it. */
    revents &= (short)(h->events | POLLERR | POLLHUP);
    if (revents)
        libxl_osevent_occurred_fd(h->ctx->libxl, h->for_libxl, fd, h->events, revents);
}

static int fd_register(void *user, int fd, void **for_app, short events, void *for_libxl)
{
    struct xlx_ctx *ctx = user;
    struct hooked_fd *h = calloc(1, sizeof(*h));

    if (!h)
        abort();
    *h = (struct hooked_fd){.ctx = ctx, .for_libxl = for_libxl, .events = events};
    if (ev_fd_start(&ctx->loop, &h->ev, fd, events, hooked_fd_ready)) {
        free(h);
        return ERROR_OSEVENT_REG_FAIL;
    }
    *for_app = h;
    return 0;
}

static int fd_modify(void *user, int fd, void **for_app, short events)
{
    struct hooked_fd *h = *for_app;

    h->events = events;
    return ev_fd_modify(&h->ev, events) ? ERROR_OSEVENT_REG_FAIL : 0;
}

static void fd_deregister(void *user, int fd, void *for_app)
{
    struct hooked_fd *h = for_app;

    ev_fd_stop(&h->ev);
    free(h);
}

static uint64_t ms_until(struct timeval at)
{
    struct timeval now, left;

    gettimeofday(&now, NULL);
    if (!timercmp(&at, &now, >))
        return 0;
    timersub(&at, &now, &left);
    return (uint64_t)left.tv_sec * 1000 + (uint64_t)(left.tv_usec + 999) / 1000;
}

/* A time-out that is due is served by libxl_osevent_afterpoll(), which takes it out of all of libxl's lists; it then
 * moves the time-out to "now" to have it released. Were libxl_osevent_occurred_timeout() to serve it, as libxl_event.h
 * says, it would stay in the list of what an abort ends (libxl_event.c of 4.17, where only time_deregister() calls
 * libxl__ao_abortable_deregister()), and aborting an operation after one of its time-outs would use it again. */
static void hooked_timeout_fired(struct ev_timer *ev)
{
    struct hooked_timeout *h = CONTAINER_OF(ev, struct hooked_timeout, ev);
    struct xlx_ctx *ctx = h->ctx;
    void *for_libxl = h->for_libxl;
    struct timeval now;

    if (h->released) {
        free(h);
        libxl_osevent_occurred_timeout(ctx->libxl, for_libxl);
        return;
    }
    gettimeofday(&now, NULL);
    if (timercmp(&now, &h->at, <)) {
        ev_timer_start(&ctx->loop, &h->ev, ms_until(h->at), 0, hooked_timeout_fired);
        return;
    }
    libxl_osevent_afterpoll(ctx->libxl, 0, NULL, now);
}

static int timeout_register(void *user, void **for_app, struct timeval at, void *for_libxl)
{
    struct xlx_ctx *ctx = user;
    struct hooked_timeout *h = calloc(1, sizeof(*h));

    if (!h)
        abort();
    *h = (struct hooked_timeout){.ctx = ctx, .for_libxl = for_libxl, .at = at};
    ev_timer_start(&ctx->loop, &h->ev, ms_until(at), 0, hooked_timeout_fired);
    *for_app = h;
    return 0;
}

/* libxl only ever moves a time-out to "now", to have it released; it never deregisters one. */
static int timeout_modify(void *user, void **for_app, struct timeval at)
{
    struct hooked_timeout *h = *for_app;

    h->released = true;
    ev_timer_stop(&h->ev);
    ev_timer_start(&h->ctx->loop, &h->ev, 0, 0, hooked_timeout_fired);
    return 0;
}

static void timeout_deregister(void *user, void *for_app)
{
    abort(); /* libxl_event.h: never called */
}

static const libxl_osevent_hooks hooks = {
    .fd_register = fd_register,
    .fd_modify = fd_modify,
    .fd_deregister = fd_deregister,
    .timeout_register = timeout_register,
    .timeout_modify = timeout_modify,
    .timeout_deregister = timeout_deregister,
};

static const libxl_childproc_hooks child_hooks = {.chldowner = libxl_sigchld_owner_mainloop};

static void children_exited(struct ev_signal *s, int signum)
{
    struct xlx_ctx *ctx = CONTAINER_OF(s, struct xlx_ctx, sigchld);

    libxl_childproc_sigchld_occurred(ctx->libxl);
}

static void close_libxl(struct xlx_ctx *ctx)
{
    /* Time-outs that libxl has just given up are released from the loop, and need libxl for that. */
    uv_run(&ctx->loop, UV_RUN_NOWAIT);
    libxl_ctx_free(ctx->libxl);
    ctx->libxl = NULL;
    ev_signal_stop(&ctx->sigchld);
}

int ctx_libxl(struct xlx_ctx *ctx, libxl_ctx **libxl)
{
    int rc;

    if (!ctx->libxl) {
        if (libxl_ctx_alloc(&ctx->libxl, LIBXL_VERSION, 0, ctx->logger)) {
            ctx->libxl = NULL;
            return ctx_refuse(ctx, "libxl", errno);
        }
        rc = ev_signal_start(&ctx->loop, &ctx->sigchld, SIGCHLD, children_exited);
        if (rc) {
            LOG(ctx, ERROR, "cannot catch SIGCHLD for libxl's children: %s", error_text(rc));
            libxl_ctx_free(ctx->libxl);
            ctx->libxl = NULL;
            return rc;
        }
        ctx_at_end(ctx, close_libxl);
        /* It must not keep the loop alive when nothing else is to be waited for. */
        ev_signal_unref(&ctx->sigchld);
        libxl_osevent_register_hooks(ctx->libxl, &hooks, ctx);
        libxl_childproc_setmode(ctx->libxl, &child_hooks, NULL);
    }
    *libxl = ctx->libxl;
    return 0;
}
