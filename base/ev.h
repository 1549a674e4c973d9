/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_EV_H
#define XLX_BASE_EV_H

/*
 * Event sources on libuv, all with one contract.
 *
 *   Undefined  --init-->  Idle  --start-->  Active  --stop-->  Idle
 *
 * A struct filled with zeros is Idle. start on an Idle source makes it Active, or fails with an ERROR_* and leaves it
 * Idle; start on an Active source is a fault (abort). stop is allowed in Idle (no effect) and Active; after it returns
 * no callback comes any more and the struct's memory may be used for anything at once, although libuv closes its handle
 * only on a later turn of the loop. A callback may stop its own source or free the struct that holds it.
 * One-shot timers are Idle when their callback runs.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <uv.h>

/* Milliseconds of a clock that nobody sets, as it is now: a loop's own time (uv_now) stands still while a turn lasts.
 */
uint64_t ev_clock_ms(void);

struct ev_timer {
    void (*fired)(struct ev_timer *t);
    struct ev_timer_handle *handle;
};
/* After delay_ms, then every repeat_ms (0: once). Cannot fail. One that a callback starts again and again with 0 does not
 * keep the loop from its other sources. */
void ev_timer_start(uv_loop_t *loop, struct ev_timer *t, uint64_t delay_ms, uint64_t repeat_ms,
                    void (*fired)(struct ev_timer *t));
void ev_timer_stop(struct ev_timer *t);
static inline bool ev_timer_active(const struct ev_timer *t)
{
    return t->handle;
}

/* events (not 0) and revents are poll(2)'s POLLIN, POLLOUT, POLLPRI, and POLLERR/POLLHUP in revents. POLLHUP comes to
 * who asks for POLLIN; to others a connection that is closed on both sides shows as what they ask for. The fd stays the
 * caller's, blocking or not as it was: a duplicate is polled, since libuv refuses two handles on one fd and libxl
 * registers some twice. Regular files cannot be polled: ERROR_INVAL. */
struct ev_fd {
    void (*ready)(struct ev_fd *f, int fd, short revents);
    struct ev_fd_handle *handle;
};
int ev_fd_start(uv_loop_t *loop, struct ev_fd *f, int fd, short events, void (*ready)(struct ev_fd *, int, short));
/* Changes what an Active source waits for. */
int ev_fd_modify(struct ev_fd *f, short events);
void ev_fd_stop(struct ev_fd *f);
static inline bool ev_fd_active(const struct ev_fd *f)
{
    return f->handle;
}

struct ev_signal {
    void (*caught)(struct ev_signal *s, int signum);
    struct ev_signal_handle *handle;
};
int ev_signal_start(uv_loop_t *loop, struct ev_signal *s, int signum, void (*caught)(struct ev_signal *, int));
void ev_signal_stop(struct ev_signal *s);

/* SIGINT and SIGTERM together: what asks a program to end. Several may be Active; each is told. */
struct ev_interrupt {
    void (*interrupted)(struct ev_interrupt *i, int signum);
    struct ev_signal sigint, sigterm;
};
int ev_interrupt_start(uv_loop_t *loop, struct ev_interrupt *i, void (*interrupted)(struct ev_interrupt *, int));
void ev_interrupt_stop(struct ev_interrupt *i);

/* Once, when all that was ready in this turn of the loop has been told. A loop that sleeps does not wake for it: to be
 * started from another source's callback. Cannot fail. */
struct ev_turn {
    void (*ends)(struct ev_turn *t);
    struct ev_turn_handle *handle;
};
void ev_turn_start(uv_loop_t *loop, struct ev_turn *t, void (*ends)(struct ev_turn *t));
void ev_turn_stop(struct ev_turn *t);
static inline bool ev_turn_active(const struct ev_turn *t)
{
    return t->handle;
}

/* Lets a source run without keeping the loop alive (signals, watches of a tool that waits for something else). */
void ev_fd_unref(struct ev_fd *f);
void ev_signal_unref(struct ev_signal *s);
void ev_timer_unref(struct ev_timer *t);

/* Closes what is left on a loop and the loop itself. All sources must be stopped before. */
void ev_loop_close(uv_loop_t *loop);

#endif
