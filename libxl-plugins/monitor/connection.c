/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/connection.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

#define ID_FORMAT "xl-ext-%" PRIu64

/* ---- waiting ---- */

struct waiter {
    struct ev_timer timer;
    struct ev_interrupt interrupt;
    int rc;
};

static void time_is_up(struct ev_timer *t)
{
    CONTAINER_OF(t, struct waiter, timer)->rc = ERROR_TIMEDOUT;
}

static void interrupted(struct ev_interrupt *i, int signum)
{
    CONTAINER_OF(i, struct waiter, interrupt)->rc = ERROR_ABORTED;
}

static int wait_for_reply(struct connection *c, uint64_t timeout_ms)
{
    uv_loop_t *loop = &c->ctx->loop;
    struct waiter w = {.rc = 0};

    c->waiting = true;
    ev_timer_start(loop, &w.timer, timeout_ms, 0, time_is_up);
    if (ev_interrupt_start(loop, &w.interrupt, interrupted)) {
        LOG(c->ctx, ERROR, "cannot catch signals");
        w.rc = ERROR_FAIL;
    }
    while (c->waiting && !c->is_lost && !w.rc)
        uv_run(loop, UV_RUN_ONCE);
    if (c->waiting && c->is_lost) {
        if (!c->is_garbled)
            LOG(c->ctx, ERROR, "%s: the connection is lost", c->path);
        w.rc = ERROR_FAIL;
    } else if (w.rc == ERROR_TIMEDOUT) {
        LOG(c->ctx, ERROR, "%s: no answer within %" PRIu64 ".%03" PRIu64 " s", c->path, timeout_ms / 1000,
            timeout_ms % 1000);
    }
    ev_timer_stop(&w.timer);
    ev_interrupt_stop(&w.interrupt);
    c->waiting = false;
    return w.rc;
}

/* ---- input and output ---- */

static bool is_our_reply(const struct connection *c, const struct json *message)
{
    const char *id;
    GC_SCOPE(gc);

    if (!json_member(message, "return") && !json_member(message, "error"))
        return false;
    /* An error reply to what could not be parsed has no id. */
    if (!json_member_string(message, "id", &id))
        return json_member(message, "error");
    return !strcmp(id, gc_printf(gc, ID_FORMAT, c->last_id));
}

/* Takes the pool. */
static void message_came(struct connection *c, struct gc *gc, const struct json *message)
{
    if (json_member(message, "QMP")) {
        gc_free(c->greeting_gc);
        c->greeting_gc = gc;
        c->greeting = message;
        c->waiting = false;
    } else if (json_member(message, "event")) {
        if (c->event)
            c->event(c, message);
        gc_free(gc);
    } else if (is_our_reply(c, message)) {
        gc_free(c->reply_gc);
        c->reply_gc = gc;
        c->reply = message;
        c->waiting = false;
    } else {
        gc_free(gc);
    }
}

static void server_left(struct connection *c)
{
    ev_fd_stop(&c->ev);
    c->is_lost = true;
    if (c->lost)
        c->lost(c);
}

static bool flush_output(struct connection *c)
{
    while (c->out.len) {
        ssize_t r = send(c->fd, c->out.bytes, c->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (r < 0)
            return errno == EAGAIN || errno == EINTR;
        c->out.len -= (size_t)r;
        memmove(c->out.bytes, c->out.bytes + r, c->out.len);
    }
    return true;
}

static void socket_ready(struct ev_fd *ev, int fd, short revents)
{
    struct connection *c = CONTAINER_OF(ev, struct connection, ev);
    char bytes[16384];
    ssize_t r = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    size_t used = 0;

    if (!flush_output(c) || r == 0 || (r < 0 && errno != EAGAIN && errno != EINTR)) {
        server_left(c);
        return;
    }
    while (r > 0 && used < (size_t)r) {
        struct gc *gc = gc_new();
        struct stream_message message;

        used += stream_feed(&c->stream, gc, bytes + used, (size_t)r - used, &message);
        if (message.value) {
            message_came(c, gc, message.value);
            continue;
        }
        if (message.error) {
            LOG(c->ctx, ERROR, "%s: the server sends no proper QMP: %s", c->path, message.error);
            gc_free(gc);
            c->is_garbled = true;
            server_left(c);
            return;
        }
        gc_free(gc);
    }
    ev_fd_modify(&c->ev, (short)(POLLIN | (c->out.len ? POLLOUT : 0)));
}

/* ---- requests ---- */

int connection_request(struct connection *c, struct gc *gc, struct json *request, uint64_t timeout_ms,
                       const struct json **reply)
{
    struct json *sent = json_new_object(gc);
    int rc;

    if (c->is_lost) {
        LOG(c->ctx, ERROR, "%s: the connection is lost", c->path);
        return ERROR_FAIL;
    }
    for (size_t i = 0; i < request->list.count; i++) {
        if (strcmp(request->list.items[i]->key, "id"))
            json_append(gc, sent, request->list.items[i]);
    }
    json_set_string(gc, sent, "id", gc_printf(gc, ID_FORMAT, ++c->last_id));
    json_write(&c->out, sent, JSON_QMP);
    text_add(&c->out, "\r\n", 2);
    if (!flush_output(c))
        server_left(c);
    else if (c->out.len)
        ev_fd_modify(&c->ev, POLLIN | POLLOUT);
    rc = wait_for_reply(c, timeout_ms);
    if (!rc)
        *reply = c->reply;
    return rc;
}

int connection_call(struct connection *c, const char *command, const struct json *arguments, uint64_t timeout_ms,
                    const struct json **reply)
{
    GC_SCOPE(gc);
    struct json *request = json_new_object(gc);

    json_set_string(gc, request, "execute", command);
    if (arguments)
        json_set(gc, request, "arguments", json_copy(gc, arguments));
    return connection_request(c, gc, request, timeout_ms, reply);
}

/* ---- open and close ---- */

static int connect_to(struct connection *c)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(c->path) >= sizeof(address.sun_path)) {
        LOG(c->ctx, ERROR, "%s: a socket's path has at most %zu bytes", c->path, sizeof(address.sun_path) - 1);
        return ERROR_INVAL;
    }
    strcpy(address.sun_path, c->path);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof(address))) {
        bool nobody = errno == ENOENT || errno == ECONNREFUSED;

        LOG(c->ctx, ERROR, "cannot connect to %s: %s%s%s", c->path, strerror(errno), nobody && c->advice ? ": " : "",
            nobody && c->advice ? c->advice : "");
        return ERROR_FAIL;
    }
    return ev_fd_start(&c->ctx->loop, &c->ev, c->fd, POLLIN, socket_ready);
}

int connection_open(struct connection *c, struct xlx_ctx *ctx, const char *path, uint64_t timeout_ms)
{
    const struct json *reply;
    int rc;

    c->ctx = ctx;
    c->path = path;
    c->fd = -1;
    c->stream.limits = &stream_client_limits;
    rc = connect_to(c);
    if (!rc)
        rc = wait_for_reply(c, timeout_ms);
    if (!rc)
        rc = connection_call(c, "qmp_capabilities", NULL, timeout_ms, &reply);
    if (!rc && json_member(reply, "error")) {
        LOG(ctx, ERROR, "%s: the server refuses the negotiation", path);
        rc = ERROR_FAIL;
    }
    if (rc)
        connection_close(c);
    return rc;
}

#define LEAVE_TIMEOUT_MS 1000

static void read_to_the_end(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    char bytes[4096];

    if (shutdown(fd, SHUT_WR))
        return;
    while (poll(&poll_fd, 1, LEAVE_TIMEOUT_MS) > 0 && recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        ;
}

void connection_close(struct connection *c)
{
    ev_fd_stop(&c->ev);
    if (c->fd >= 0 && c->behind_proxy && (!c->is_lost || c->is_garbled))
        read_to_the_end(c->fd);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    stream_dispose(&c->stream);
    text_free(&c->out);
    gc_free(TAKE_PTR(c->reply_gc));
    gc_free(TAKE_PTR(c->greeting_gc));
}
