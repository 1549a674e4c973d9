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

#define READ_SIZE 4096
/* A larger output buffer is given back when it is empty. */
#define KEEP_OUTPUT 4096
/* An answer of so many bytes was made from a tree many times its size, and something small that stays stands behind it
 * on the heap. Given back at once, memd with a thousand domains is a third smaller after mem-top has asked. */
#define TRIM_AFTER (64u << 10)

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
        malloc_trim(0);
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

/* Looks at bytes until they are used up or something holds the client up; returns how many were used. */
static size_t handle_bytes(struct monitor_client *c, const char *bytes, size_t len)
{
    size_t used = 0;

    while (used < len && !held_up(c) && !c->doomed) {
        struct gc *gc = gc_new();
        struct stream_message message;

        used += stream_feed(&c->stream, gc, bytes + used, len - used, &message);
        if (message.value || message.error)
            handle_message(c, gc, &message);
        else
            gc_free(gc);
    }
    return used;
}

/* What was held up, when it no longer is. */
static void handle_rest(struct monitor_client *c)
{
    size_t used = handle_bytes(c, c->rest, c->rest_len);

    if (!c->rest_len)
        return;
    c->rest_len -= used;
    memmove(c->rest, c->rest + used, c->rest_len);
    if (!c->rest_len)
        free(TAKE_PTR(c->rest));
}

static void read_more(struct monitor_client *c)
{
    char bytes[READ_SIZE];
    ssize_t r = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    size_t used;

    if (r <= 0) {
        if (r == 0)
            c->said_all = true;
        else if (errno != EAGAIN && errno != EINTR)
            c->doomed = true;
        return;
    }
    used = handle_bytes(c, bytes, (size_t)r);
    if (used < (size_t)r) {
        c->rest_len = (size_t)r - used;
        c->rest = malloc(c->rest_len);
        if (!c->rest)
            abort();
        memcpy(c->rest, bytes + used, c->rest_len);
    }
}

static bool peer_is_gone(const struct monitor_client *c)
{
    struct pollfd p = {.fd = c->fd};

    return poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLERR);
}

static void work(struct monitor_client *c, bool readable)
{
    c->working = true;
    flush_output(c);
    if (!c->doomed)
        handle_rest(c);
    if (readable && !c->doomed) {
        if (!held_up(c) && !c->said_all)
            read_more(c);
        else if (peer_is_gone(c))
            c->doomed = true;
    }
    if (finished(c))
        c->doomed = true;
    c->working = false;
    if (!c->doomed)
        wait_for_more(c);
    monitor_client_reap(c);
}

static void client_ready(struct ev_fd *ev, int fd, short revents)
{
    work(CONTAINER_OF(ev, struct monitor_client, ev), revents & ~POLLOUT);
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
    answer(call);
    /* What it sent meanwhile comes now, unless the call was done from within its own run. */
    if (c && !c->working)
        work(c, false);
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
    c->next = monitor->clients;
    monitor->clients = c;
    monitor->client_count++;
    c->events = POLLIN;
    if (ev_fd_start(monitor->loop, &c->ev, fd, c->events, client_ready))
        c->doomed = true;
    dispatch_write_greeting(&greeting);
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
    struct monitor_client **p = &monitor->clients;
    bool negotiated = c->negotiated;

    while (*p != c)
        p = &(*p)->next;
    *p = c->next;
    ev_fd_stop(&c->ev);
    close(c->fd);
    stream_dispose(&c->stream);
    text_free(&c->out);
    free(c->rest);
    free(c);
    if (call) {
        call->client = NULL;
        if (call->gone)
            call->gone(call, call->gone_arg);
    }
    monitor_client_left(monitor, negotiated);
}
