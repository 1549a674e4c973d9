/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/ev.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

/* The handle lives on the heap until libuv has closed it; "owner" is cut when the source is stopped. */
struct ev_timer_handle {
    uv_timer_t uv;
    struct ev_timer *owner;
};
struct ev_fd_handle {
    uv_poll_t uv;
    struct ev_fd *owner;
    int own_fd, callers_fd;
    short events;
};
struct ev_signal_handle {
    uv_signal_t uv;
    struct ev_signal *owner;
};
struct ev_turn_handle {
    uv_check_t uv;
    struct ev_turn *owner;
};

static void *new_handle(const void *active, size_t size)
{
    void *h;

    if (active) {
        fputs("xl-ext: an event source was started twice\n", stderr);
        abort();
    }
    h = calloc(1, size);
    if (!h)
        abort();
    return h;
}

static void free_closed(uv_handle_t *uv)
{
    free(uv->data);
}

/* ---- timers ---- */

static void timer_fired(uv_timer_t *uv)
{
    struct ev_timer_handle *h = uv->data;
    struct ev_timer *t = h->owner;

    if (!uv_timer_get_repeat(uv))
        ev_timer_stop(t);
    t->fired(t);
}

uint64_t ev_clock_ms(void)
{
    return uv_hrtime() / 1000000;
}

void ev_timer_start(uv_loop_t *loop, struct ev_timer *t, uint64_t delay_ms, uint64_t repeat_ms,
                    void (*fired)(struct ev_timer *t))
{
    struct ev_timer_handle *h = new_handle(t->handle, sizeof(*h));
    uint64_t now_ms;

    uv_timer_init(loop, &h->uv);
    h->uv.data = h;
    h->owner = t;
    t->handle = h;
    t->fired = fired;
    /* libuv counts from its cached time, which is old after a long computation. The cached time itself stays: libuv serves
     * timers for as long as one is due by that time, and one that is always due again at once must not be served alone.
     * (libuv keeps the longest delays from wrapping around; we leave them to it.) */
    now_ms = ev_clock_ms();
    if (now_ms > uv_now(loop) && delay_ms < UINT64_MAX / 2)
        delay_ms += now_ms - uv_now(loop);
    uv_timer_start(&h->uv, timer_fired, delay_ms, repeat_ms);
}

void ev_timer_stop(struct ev_timer *t)
{
    struct ev_timer_handle *h = TAKE_PTR(t->handle);

    if (!h)
        return;
    uv_timer_stop(&h->uv);
    uv_close((uv_handle_t *)&h->uv, free_closed);
}

void ev_timer_unref(struct ev_timer *t)
{
    uv_unref((uv_handle_t *)&t->handle->uv);
}

/* ---- file descriptors ---- */

static int uv_events_of(short events)
{
    /* A peer that has only ended its sending would be told of over and over to an owner that does not read. */
    return (events & POLLIN ? UV_READABLE | UV_DISCONNECT : 0) | (events & POLLOUT ? UV_WRITABLE : 0) |
           (events & POLLPRI ? UV_PRIORITIZED : 0);
}

static void fd_ready(uv_poll_t *uv, int status, int events)
{
    struct ev_fd_handle *h = uv->data;
    struct ev_fd *f = h->owner;
    short revents = 0;

    if (status < 0) {
        /* libuv has stopped polling; go on, so that the owner sees every error and decides itself. */
        revents = POLLERR;
        uv_poll_start(&h->uv, uv_events_of(h->events), fd_ready);
    }
    if (events & UV_READABLE)
        revents |= POLLIN;
    if (events & UV_WRITABLE)
        revents |= POLLOUT;
    if (events & UV_PRIORITIZED)
        revents |= POLLPRI;
    if (events & UV_DISCONNECT)
        revents |= POLLHUP;
    f->ready(f, h->callers_fd, revents);
}

/* libuv makes what it polls non-blocking, and with it every descriptor of the same file: standard input is often standard
 * output too, and the terminal of the program that called this one. */
static int poll_init_kept(uv_loop_t *loop, uv_poll_t *uv, int fd)
{
    int flags = fcntl(fd, F_GETFL), r = uv_poll_init(loop, uv, fd);

    if (flags >= 0 && !(flags & O_NONBLOCK))
        fcntl(fd, F_SETFL, flags);
    return r;
}

int ev_fd_start(uv_loop_t *loop, struct ev_fd *f, int fd, short events, void (*ready)(struct ev_fd *, int, short))
{
    struct ev_fd_handle *h = new_handle(f->handle, sizeof(*h));
    int r;

    h->own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (h->own_fd < 0) {
        int rc = error_of_errno(errno);
        free(h);
        return rc;
    }
    r = poll_init_kept(loop, &h->uv, h->own_fd);
    if (r < 0) {
        close(h->own_fd);
        free(h);
        return ERROR_INVAL;
    }
    h->uv.data = h;
    h->owner = f;
    h->callers_fd = fd;
    h->events = events;
    f->handle = h;
    f->ready = ready;
    r = uv_poll_start(&h->uv, uv_events_of(events), fd_ready);
    if (r < 0) {
        ev_fd_stop(f);
        return error_of_errno(-r);
    }
    return 0;
}

int ev_fd_modify(struct ev_fd *f, short events)
{
    int r;

    f->handle->events = events;
    r = uv_poll_start(&f->handle->uv, uv_events_of(events), fd_ready);
    return r < 0 ? error_of_errno(-r) : 0;
}

void ev_fd_stop(struct ev_fd *f)
{
    struct ev_fd_handle *h = TAKE_PTR(f->handle);

    if (!h)
        return;
    uv_poll_stop(&h->uv);
    uv_close((uv_handle_t *)&h->uv, free_closed);
    /* The poll is off, so the duplicate may go now; libuv does not touch it when closing the handle. */
    close(h->own_fd);
}

void ev_fd_unref(struct ev_fd *f)
{
    uv_unref((uv_handle_t *)&f->handle->uv);
}

/* ---- signals ---- */

static void signal_caught(uv_signal_t *uv, int signum)
{
    struct ev_signal_handle *h = uv->data;

    h->owner->caught(h->owner, signum);
}

int ev_signal_start(uv_loop_t *loop, struct ev_signal *s, int signum, void (*caught)(struct ev_signal *, int))
{
    struct ev_signal_handle *h = new_handle(s->handle, sizeof(*h));
    int r;

    uv_signal_init(loop, &h->uv);
    h->uv.data = h;
    h->owner = s;
    s->handle = h;
    s->caught = caught;
    r = uv_signal_start(&h->uv, signal_caught, signum);
    if (r < 0) {
        ev_signal_stop(s);
        return error_of_errno(-r);
    }
    return 0;
}

void ev_signal_stop(struct ev_signal *s)
{
    struct ev_signal_handle *h = TAKE_PTR(s->handle);

    if (!h)
        return;
    uv_signal_stop(&h->uv);
    uv_close((uv_handle_t *)&h->uv, free_closed);
}

void ev_signal_unref(struct ev_signal *s)
{
    uv_unref((uv_handle_t *)&s->handle->uv);
}

static void sigint_caught(struct ev_signal *s, int signum)
{
    struct ev_interrupt *i = CONTAINER_OF(s, struct ev_interrupt, sigint);

    i->interrupted(i, signum);
}

static void sigterm_caught(struct ev_signal *s, int signum)
{
    struct ev_interrupt *i = CONTAINER_OF(s, struct ev_interrupt, sigterm);

    i->interrupted(i, signum);
}

int ev_interrupt_start(uv_loop_t *loop, struct ev_interrupt *i, void (*interrupted)(struct ev_interrupt *, int))
{
    int rc;

    i->interrupted = interrupted;
    rc = ev_signal_start(loop, &i->sigint, SIGINT, sigint_caught);
    if (rc)
        return rc;
    rc = ev_signal_start(loop, &i->sigterm, SIGTERM, sigterm_caught);
    if (rc)
        ev_signal_stop(&i->sigint);
    return rc;
}

void ev_interrupt_stop(struct ev_interrupt *i)
{
    ev_signal_stop(&i->sigint);
    ev_signal_stop(&i->sigterm);
}

/* ---- the end of a turn ---- */

static void turn_ends(uv_check_t *uv)
{
    struct ev_turn_handle *h = uv->data;
    struct ev_turn *t = h->owner;

    ev_turn_stop(t);
    t->ends(t);
}

void ev_turn_start(uv_loop_t *loop, struct ev_turn *t, void (*ends)(struct ev_turn *t))
{
    struct ev_turn_handle *h = new_handle(t->handle, sizeof(*h));

    uv_check_init(loop, &h->uv);
    h->uv.data = h;
    h->owner = t;
    t->handle = h;
    t->ends = ends;
    uv_check_start(&h->uv, turn_ends);
}

void ev_turn_stop(struct ev_turn *t)
{
    struct ev_turn_handle *h = TAKE_PTR(t->handle);

    if (!h)
        return;
    uv_check_stop(&h->uv);
    uv_close((uv_handle_t *)&h->uv, free_closed);
}

void ev_loop_close(uv_loop_t *loop)
{
    /* Handles that were stopped are freed by their close callbacks, which need a turn of the loop. */
    uv_run(loop, UV_RUN_NOWAIT);
    if (uv_loop_close(loop) == UV_EBUSY) {
        fputs("xl-ext: an event source is still active at the end of its loop\n", stderr);
        abort();
    }
}
