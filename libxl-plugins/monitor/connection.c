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

struct connection_kept {
    STAILQ_ENTRY(connection_kept) next;
    struct gc *gc;
    const struct json *message;
};

static const char *name_of(const struct connection *c)
{
    return c->name ? c->name : c->path;
}

static int lost(struct connection *c)
{
    if (!c->is_garbled)
        LOG(c->ctx, ERROR, "%s: the connection is lost", name_of(c));
    return ERROR_FAIL;
}

/* ---- waiting ---- */

struct connection_waiter {
    struct ev_timer timer;
    struct ev_interrupt interrupt;
    int rc;
};

static void time_is_up(struct ev_timer *t)
{
    CONTAINER_OF(t, struct connection_waiter, timer)->rc = ERROR_TIMEDOUT;
}

static void interrupted(struct ev_interrupt *i, int signum)
{
    CONTAINER_OF(i, struct connection_waiter, interrupt)->rc = ERROR_ABORTED;
}

void connection_give_up(struct connection *c)
{
    if (c->waiter)
        c->waiter->rc = ERROR_ABORTED;
}

/* Until what c->awaits has come; UINT64_MAX: for ever. */
static int wait_for_it(struct connection *c, uint64_t timeout_ms)
{
    uv_loop_t *loop = &c->ctx->loop;
    struct connection_waiter w = {.rc = 0};

    c->waiter = &w;
    if (timeout_ms != UINT64_MAX)
        ev_timer_start(loop, &w.timer, timeout_ms, 0, time_is_up);
    if (ev_interrupt_start(loop, &w.interrupt, interrupted)) {
        LOG(c->ctx, ERROR, "cannot catch signals");
        w.rc = ERROR_FAIL;
    }
    while (c->awaits && !c->is_lost && !w.rc)
        uv_run(loop, UV_RUN_ONCE);
    if (c->awaits && c->is_lost)
        w.rc = lost(c);
    ev_timer_stop(&w.timer);
    ev_interrupt_stop(&w.interrupt);
    c->waiter = NULL;
    /* What came in the same turn counts. */
    if (!c->awaits && w.rc == ERROR_TIMEDOUT)
        w.rc = 0;
    c->awaits = CONNECTION_IDLE;
    return w.rc;
}

static int wait_for_answer(struct connection *c, uint64_t timeout_ms)
{
    int rc;

    rc = wait_for_it(c, timeout_ms);
    if (rc == ERROR_TIMEDOUT)
        LOG(c->ctx, ERROR, "%s: no answer within %" PRIu64 ".%03" PRIu64 " s", name_of(c), timeout_ms / 1000,
            timeout_ms % 1000);
    return rc;
}

/* ---- input and output ---- */

static bool is_reply(const struct json *message)
{
    return json_member(message, "return") || json_member(message, "error");
}

static bool is_awaited(const struct connection *c, const struct json *message)
{
    const char *id;
    GC_SCOPE(gc);

    if (c->awaits == CONNECTION_GREETING)
        return json_member(message, "QMP");
    if (c->awaits != CONNECTION_REPLY || !is_reply(message))
        return false;
    /* An error reply to what could not be parsed has no id. */
    if (!json_member_string(message, "id", &id))
        return json_member(message, "error");
    return !strcmp(id, gc_printf(gc, ID_FORMAT, c->last_id));
}

/* Takes the pool. */
static void keep(struct connection *c, struct gc *gc, const struct json *message)
{
    struct connection_kept *k = GC_NEW(gc, struct connection_kept);

    *k = (struct connection_kept){.gc = gc, .message = message};
    STAILQ_INSERT_TAIL(&c->kept, k, next);
    if (c->awaits == CONNECTION_MESSAGE)
        c->awaits = CONNECTION_IDLE;
}

/* Takes the pool. */
static void message_came(struct connection *c, struct gc *gc, const struct json *message)
{
    if (is_awaited(c, message)) {
        gc_free(c->reply_gc);
        c->reply_gc = gc;
        c->reply = message;
        c->awaits = CONNECTION_IDLE;
        return;
    }
    if (json_member(message, "QMP") && c->greeted)
        c->greeted(c);
    if (json_member(message, "event") && c->event)
        c->event(c, message);
    if (c->keeps)
        keep(c, gc, message);
    else
        gc_free(gc);
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
            LOG(c->ctx, ERROR, "%s: the server sends no proper QMP: %s", name_of(c), message.error);
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

/* The request without its id, with one of ours. */
static int send_request(struct connection *c, struct gc *gc, const struct json *request)
{
    struct json *sent = json_new_object(gc);

    if (c->is_lost)
        return lost(c);
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
    return 0;
}

static struct json *request_of(struct gc *gc, const char *command, const struct json *arguments)
{
    struct json *request = json_new_object(gc);

    json_set_string(gc, request, "execute", command);
    if (arguments)
        json_set(gc, request, "arguments", json_copy(gc, arguments));
    return request;
}

int connection_request(struct connection *c, struct gc *gc, struct json *request, uint64_t timeout_ms,
                       const struct json **reply)
{
    int rc;

    rc = send_request(c, gc, request);
    if (rc)
        return rc;
    c->awaits = CONNECTION_REPLY;
    rc = wait_for_answer(c, timeout_ms);
    if (!rc)
        *reply = c->reply;
    return rc;
}

int connection_call(struct connection *c, const char *command, const struct json *arguments, uint64_t timeout_ms,
                    const struct json **reply)
{
    GC_SCOPE(gc);

    return connection_request(c, gc, request_of(gc, command, arguments), timeout_ms, reply);
}

int connection_send(struct connection *c, const char *command, const struct json *arguments)
{
    GC_SCOPE(gc);

    return send_request(c, gc, request_of(gc, command, arguments));
}

int connection_next(struct connection *c, uint64_t timeout_ms, const struct json **message)
{
    struct connection_kept *k;
    int rc;

    if (STAILQ_EMPTY(&c->kept)) {
        if (!timeout_ms)
            return c->is_lost ? lost(c) : ERROR_TIMEDOUT;
        c->awaits = CONNECTION_MESSAGE;
        rc = wait_for_it(c, timeout_ms);
        if (rc)
            return rc;
    }
    k = STAILQ_FIRST(&c->kept);
    STAILQ_REMOVE_HEAD(&c->kept, next);
    gc_free(c->reply_gc);
    c->reply_gc = k->gc;
    *message = k->message;
    return 0;
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

        if (nobody && c->may_be_absent)
            return ERROR_NOTFOUND;
        LOG(c->ctx, ERROR, "cannot connect to %s: %s%s%s", c->path, strerror(errno), nobody && c->advice ? ": " : "",
            nobody && c->advice ? c->advice : "");
        return ERROR_FAIL;
    }
    return ev_fd_start(&c->ctx->loop, &c->ev, c->fd, POLLIN, socket_ready);
}

int connection_start(struct connection *c, struct xlx_ctx *ctx, const char *path)
{
    c->ctx = ctx;
    c->path = path;
    c->fd = -1;
    c->stream.limits = &stream_client_limits;
    STAILQ_INIT(&c->kept);
    return connect_to(c);
}

int connection_open(struct connection *c, struct xlx_ctx *ctx, const char *path, uint64_t timeout_ms)
{
    const struct json *reply;
    int rc;

    rc = connection_start(c, ctx, path);
    if (!rc) {
        c->awaits = CONNECTION_GREETING;
        rc = wait_for_answer(c, timeout_ms);
    }
    if (!rc)
        rc = connection_call(c, "qmp_capabilities", NULL, timeout_ms, &reply);
    if (!rc && json_member(reply, "error")) {
        LOG(ctx, ERROR, "%s: the server refuses the negotiation", name_of(c));
        rc = ERROR_FAIL;
    }
    if (rc)
        connection_close(c);
    return rc;
}

void connection_finish(struct connection *c)
{
    shutdown(c->fd, SHUT_WR);
}

#define LEAVE_TIMEOUT_MS 1000

struct leaving {
    struct ev_fd socket;
    struct ev_timer timer;
    bool over;
};

static void more_came(struct ev_fd *ev, int fd, short revents)
{
    char bytes[4096];
    ssize_t r = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (r == 0 || (r < 0 && errno != EAGAIN && errno != EINTR))
        CONTAINER_OF(ev, struct leaving, socket)->over = true;
}

static void left_too_late(struct ev_timer *timer)
{
    CONTAINER_OF(timer, struct leaving, timer)->over = true;
}

/* Not to be interrupted: a server that is cut off is lost for everybody. */
static void read_to_the_end(struct connection *c)
{
    struct leaving l = {.over = false};

    if (shutdown(c->fd, SHUT_WR) || ev_fd_start(&c->ctx->loop, &l.socket, c->fd, POLLIN, more_came))
        return;
    ev_timer_start(&c->ctx->loop, &l.timer, LEAVE_TIMEOUT_MS, 0, left_too_late);
    while (!l.over)
        uv_run(&c->ctx->loop, UV_RUN_ONCE);
    ev_fd_stop(&l.socket);
    ev_timer_stop(&l.timer);
}

void connection_close(struct connection *c)
{
    struct connection_kept *k;

    ev_fd_stop(&c->ev);
    if (c->fd >= 0 && c->behind_proxy && (!c->is_lost || c->is_garbled))
        read_to_the_end(c);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    stream_dispose(&c->stream);
    text_free(&c->out);
    gc_free(TAKE_PTR(c->reply_gc));
    while ((k = STAILQ_FIRST(&c->kept))) {
        STAILQ_REMOVE_HEAD(&c->kept, next);
        gc_free(k->gc);
    }
}
