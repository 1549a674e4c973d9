/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "monitor/monitor-private.h"

/* A larger output buffer is given back when it is empty. */
#define KEEP_OUTPUT 4096
/* An answer of so many bytes was made from a tree many times its size, and something small that stays stands behind it
 * on the heap. Given back at once, memd with a thousand domains is a third smaller after mem-top has asked. */
#define TRIM_AFTER (64u << 10)
#ifdef __GLIBC__
#define TRIM() malloc_trim(0)
#else
#define TRIM() ((void)0) /* no other C library has such a call */
#endif

/* ---- what is waited for ---- */

static size_t waiting_output(const struct monitor_client *c)
{
    return c->out.len - c->sent;
}

/* A deferred call, a client that does not read its answers, and a monitor that ends hold up what it sends. */
static bool held_up(const struct monitor_client *c)
{
    return c->pending || waiting_output(c) > MONITOR_OUTPUT_HIGH || c->monitor->deaf;
}

static bool finished(const struct monitor_client *c)
{
    return c->said_all && !c->pending && !waiting_output(c);
}

static void wait_for_more(struct monitor_client *c)
{
    /* Nothing ever comes with POLLPRI on a unix socket, but a client that is gone shows through it. */
    short events = held_up(c) || c->said_all ? POLLPRI : POLLIN;

    if (waiting_output(c))
        events |= POLLOUT;
    /* Nearly always the same as before: a call of the kernel is saved for each request. */
    if (events == c->events || !ev_fd_active(&c->ev))
        return;
    c->events = events;
    if (ev_fd_modify(&c->ev, events))
        c->doomed = true;
}

static void time_is_over(struct ev_timer *timer)
{
    monitor_client_free(CONTAINER_OF(timer, struct monitor_client, time));
}

/* To negotiate, and to take the last answers after its end: not for ever. */
static void give_time(struct monitor_client *c)
{
    bool bounded = !c->negotiated || (c->said_all && !c->pending);

    if (!bounded)
        ev_timer_stop(&c->time);
    else if (!ev_timer_active(&c->time))
        ev_timer_start(c->monitor->loop, &c->time, MONITOR_PATIENCE_MS, 0, time_is_over);
}

/* ---- output ---- */

static void flush_output(struct monitor_client *c)
{
    while (waiting_output(c)) {
        ssize_t r = send(c->fd, c->out.bytes + c->sent, waiting_output(c), MSG_NOSIGNAL | MSG_DONTWAIT);

        if (r < 0) {
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN)
                c->doomed = true;
            return;
        }
        c->sent += (size_t)r;
    }
    c->sent = c->out.len = c->largest = 0;
    if (c->out.capacity > KEEP_OUTPUT)
        text_free(&c->out);
}

void monitor_client_send(struct monitor_client *c, const char *line, size_t len)
{
    if (c->doomed)
        return;
    if (c->sent) {
        memmove(c->out.bytes, c->out.bytes + c->sent, waiting_output(c));
        c->out.len -= c->sent;
        c->sent = 0;
    }
    text_add(&c->out, line, len);
    if (len > c->largest)
        c->largest = len;
    flush_output(c);
    /* One answer may be larger than the bound; what comes while it is read may not add up to more than that. */
    if (waiting_output(c) > MONITOR_OUTPUT_MAX + c->largest || finished(c))
        c->doomed = true;
    if (!c->doomed && !c->working)
        wait_for_more(c);
}

/* ---- requests ---- */

static void answer(struct monitor_call *call)
{
    struct text line = {0};
    size_t len;

    if (call->client) {
        dispatch_write_reply(&line, call);
        monitor_client_send(call->client, line.bytes, line.len);
    }
    len = line.len;
    text_free(&line);
    gc_free(call->gc);
    if (len > TRIM_AFTER)
        TRIM();
}

/* Takes the pool. */
static void handle_message(struct monitor_client *c, struct gc *gc, const struct stream_message *message)
{
    struct monitor_call *call = GC_NEW(gc, struct monitor_call);

    *call = (struct monitor_call){.gc = gc, .monitor = c->monitor, .target = c->monitor->target, .client = c};
    if (message->error)
        monitor_call_fail(call, MONITOR_GENERIC, "%s", message->error);
    else
        dispatch_request(call, message->value);
    if (!call->deferred)
        answer(call);
}

/* What is not used now stays in the socket, so that the loop tells of it again in its next turn. */
static void read_some(struct monitor_client *c)
{
    char bytes[MONITOR_STEP_BYTES];
    ssize_t r = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_PEEK);
    struct stream_message message;
    struct gc *gc;
    size_t used;

    if (r <= 0) {
        if (r == 0)
            c->said_all = true;
        else if (errno != EAGAIN && errno != EINTR)
            c->doomed = true;
        return;
    }
    gc = gc_new();
    used = stream_feed(&c->stream, gc, bytes, (size_t)r, &message);
    recv(c->fd, bytes, used, MSG_DONTWAIT);
    if (message.value || message.error)
        handle_message(c, gc, &message);
    else
        gc_free(gc);
}

/* ---- whose turn it is ---- */

static bool peer_is_gone(const struct monitor_client *c)
{
    struct pollfd p = {.fd = c->fd};

    return poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLERR);
}

static void after_work(struct monitor_client *c)
{
    if (finished(c))
        c->doomed = true;
    c->working = false;
    if (!c->doomed) {
        give_time(c);
        wait_for_more(c);
    }
    monitor_client_reap(c);
}

/* Of all clients that have something to say, the one that had its last turn first. */
static void turn_ends(struct ev_turn *turn)
{
    struct monitor *m = CONTAINER_OF(turn, struct monitor, turn);
    struct monitor_client *c = TAKE_PTR(m->next_client);

    if (!c || held_up(c))
        return;
    c->served = ++m->served;
    c->heard_ms = uv_now(m->loop);
    c->working = true;
    read_some(c);
    after_work(c);
}

static void wants_to_speak(struct monitor_client *c)
{
    struct monitor *m = c->monitor;

    if (!m->next_client || c->served < m->next_client->served)
        m->next_client = c;
    if (!ev_turn_active(&m->turn))
        ev_turn_start(m->loop, &m->turn, turn_ends);
}

static void client_ready(struct ev_fd *ev, int fd, short revents)
{
    struct monitor_client *c = CONTAINER_OF(ev, struct monitor_client, ev);

    c->working = true;
    flush_output(c);
    if (revents & ~POLLOUT && !c->doomed) {
        if (!held_up(c) && !c->said_all)
            wants_to_speak(c);
        else if (peer_is_gone(c))
            c->doomed = true;
    }
    after_work(c);
}

/* ---- deferred calls ---- */

void monitor_call_defer(struct monitor_call *call)
{
    call->deferred = true;
    call->client->pending = call;
}

void monitor_call_on_gone(struct monitor_call *call, void (*gone)(struct monitor_call *call, void *arg), void *arg)
{
    call->gone = gone;
    call->gone_arg = arg;
}

void monitor_call_done(struct monitor_call *call)
{
    struct monitor_client *c = call->client;

    if (c)
        c->pending = NULL;
    /* From within its own run, behind which it is answered. */
    if (c && c->working) {
        call->deferred = false;
        return;
    }
    answer(call);
    if (c)
        after_work(c);
}

/* ---- coming and going ---- */

void monitor_client_new(struct monitor *monitor, int fd)
{
    struct monitor_client *c = calloc(1, sizeof(*c));
    struct text greeting = {0};

    if (!c)
        abort();
    c->monitor = monitor;
    c->fd = fd;
    LIST_INSERT_HEAD(&monitor->clients, c, entry);
    monitor->client_count++;
    c->served = ++monitor->served;
    c->heard_ms = uv_now(monitor->loop);
    c->events = POLLIN;
    give_time(c);
    if (ev_fd_start(monitor->loop, &c->ev, fd, c->events, client_ready))
        c->doomed = true;
    dispatch_write_greeting(&greeting, monitor);
    monitor_client_send(c, greeting.bytes, greeting.len);
    text_free(&greeting);
    monitor_client_reap(c);
}

void monitor_client_reap(struct monitor_client *c)
{
    if (c->doomed && !c->working)
        monitor_client_free(c);
}

void monitor_client_free(struct monitor_client *c)
{
    struct monitor_call *call = TAKE_PTR(c->pending);
    struct monitor *monitor = c->monitor;
    bool negotiated = c->negotiated;

    LIST_REMOVE(c, entry);
    if (monitor->next_client == c)
        monitor->next_client = NULL;
    ev_fd_stop(&c->ev);
    ev_timer_stop(&c->time);
    close(c->fd);
    stream_dispose(&c->stream);
    text_free(&c->out);
    free(c);
    if (call) {
        call->client = NULL;
        if (call->gone)
            call->gone(call, call->gone_arg);
    }
    monitor_client_left(monitor, negotiated);
}
