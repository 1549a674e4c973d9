/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/commands/memd-client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "balance/service/control.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/ev.h"
#include "core/run-folder.h"

/* An answer about some ten thousand domains. */
#define LINE_MAX_BYTES ((size_t)16 << 20)

struct memd_client {
    struct xlx_ctx *ctx;
    int fd;
    char *bytes; /* read, not yet taken */
    size_t len, size;
    struct line {
        struct line *next;
        char text[];
    } * kept; /* events that came while an answer was waited for, oldest first */
};

/* ---- lines ---- */

static int gone(struct memd_client *c)
{
    LOG(c->ctx, ERROR, "memd has ended the connection");
    return ERROR_FAIL;
}

/* Waits for more bytes. */
static int read_more(struct memd_client *c, uint64_t deadline_ms)
{
    uint64_t now = ev_clock_ms(), left = deadline_ms > now ? deadline_ms - now : 0;
    struct pollfd p = {c->fd, POLLIN, 0};
    ssize_t r;

    r = poll(&p, 1, deadline_ms == UINT64_MAX ? -1 : left > INT32_MAX ? INT32_MAX : (int)left);
    if (r < 0 && errno != EINTR)
        return gone(c);
    if (r <= 0)
        return ev_clock_ms() >= deadline_ms ? ERROR_TIMEDOUT : 0;
    if (c->len == c->size) {
        c->size = c->size ? c->size * 2 : 4096;
        c->bytes = c->size > LINE_MAX_BYTES ? NULL : realloc(c->bytes, c->size);
        if (!c->bytes)
            abort();
    }
    r = recv(c->fd, c->bytes + c->len, c->size - c->len, MSG_DONTWAIT);
    if (r < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (r <= 0)
        return gone(c);
    c->len += (size_t)r;
    return 0;
}

/* One line, terminated, in the pool. */
static int read_line(struct memd_client *c, struct gc *gc, uint64_t deadline_ms, char **line)
{
    char *end;
    int rc;

    while (!c->len || !(end = memchr(c->bytes, '\n', c->len))) {
        rc = read_more(c, deadline_ms);
        if (rc)
            return rc;
    }
    *line = gc_strndup(gc, c->bytes, (size_t)(end - c->bytes));
    c->len -= (size_t)(end - c->bytes) + 1;
    memmove(c->bytes, end + 1, c->len);
    return 0;
}

static int parse(struct memd_client *c, struct gc *gc, const char *line, const struct json **message)
{
    const char *cause;
    struct json *root;

    if (json_parse(gc, line, strlen(line), &root, &cause)) {
        LOG(c->ctx, ERROR, "memd says what is no JSON: %s", cause);
        return ERROR_FAIL;
    }
    *message = root;
    return 0;
}

static void keep(struct memd_client *c, const char *text)
{
    struct line *l = malloc(sizeof(*l) + strlen(text) + 1), **p = &c->kept;

    if (!l)
        abort();
    l->next = NULL;
    strcpy(l->text, text);
    while (*p)
        p = &(*p)->next;
    *p = l;
}

/* ---- calls ---- */

struct json_writer *memd_arguments(struct gc *gc)
{
    struct json_writer *w = json_writer_new(gc, false);

    json_object_begin(w);
    return w;
}

int memd_send(struct memd_client *c, const char *command, struct json_writer *arguments)
{
    GC_SCOPE(gc);
    const char *text;

    if (arguments)
        json_object_end(arguments);
    text = gc_printf(gc, "{\"execute\": \"%s\", \"arguments\": %s}\n", command,
                     arguments ? json_text(arguments, NULL) : "{}");
    if (send(c->fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
        return gone(c);
    return 0;
}

static int answer_of(struct memd_client *c, const struct json *message, const struct json **result)
{
    const struct json *error = json_member(message, "error");
    const char *text;

    if (result)
        *result = json_member(message, "return");
    if (!error)
        return 0;
    LOG(c->ctx, ERROR, "%s", json_member_string(error, "desc", &text) ? text : "memd refuses without a reason");
    return ERROR_FAIL;
}

int memd_call(struct memd_client *c, struct gc *gc, const char *command, struct json_writer *arguments,
              const struct json **result)
{
    uint64_t deadline = ev_clock_ms() + MEMD_TIMEOUT_MS;
    const struct json *message;
    char *line;
    int rc;

    rc = memd_send(c, command, arguments);
    while (!rc) {
        rc = read_line(c, gc, deadline, &line);
        if (rc == ERROR_TIMEDOUT)
            LOG(c->ctx, ERROR, "memd does not answer");
        if (!rc)
            rc = parse(c, gc, line, &message);
        if (rc)
            break;
        if (json_member(message, "return") || json_member(message, "error"))
            return answer_of(c, message, result);
        keep(c, line);
    }
    return rc;
}

int memd_event(struct memd_client *c, struct gc *gc, uint64_t timeout_ms, const struct json **message)
{
    uint64_t deadline = timeout_ms == UINT64_MAX ? UINT64_MAX : ev_clock_ms() + timeout_ms;
    struct line *l = c->kept;
    char *text;
    int rc;

    if (l) {
        c->kept = l->next;
        rc = parse(c, gc, l->text, message);
        free(l);
        return rc;
    }
    rc = read_line(c, gc, deadline, &text);
    return rc ? rc : parse(c, gc, text, message);
}

int memd_fd(const struct memd_client *c)
{
    return c->fd;
}

/* ---- coming and going ---- */

static int negotiate(struct memd_client *c)
{
    const struct json *greeting;
    GC_SCOPE(gc);
    int rc;

    rc = memd_event(c, gc, MEMD_TIMEOUT_MS, &greeting);
    if (rc == ERROR_TIMEDOUT)
        LOG(c->ctx, ERROR, "memd does not answer");
    return rc ? rc : memd_call(c, gc, "qmp_capabilities", NULL, NULL);
}

int memd_connect(struct xlx_ctx *ctx, struct memd_client **client)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct memd_client *c;
    GC_SCOPE(gc);
    const char *path = gc_printf(gc, "%s/" CONTROL_SOCKET, run_folder());
    CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc;

    if (fd < 0 || strlen(path) >= sizeof(address.sun_path)) {
        LOG(ctx, ERROR, "cannot connect to %s: %s", path, fd < 0 ? strerror(errno) : "the path is too long");
        return ERROR_FAIL;
    }
    strcpy(address.sun_path, path);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
        if (errno == ENOENT || errno == ECONNREFUSED)
            return ERROR_NOTFOUND;
        LOG(ctx, ERROR, "cannot connect to %s: %s", path, strerror(errno));
        return ERROR_FAIL;
    }
    c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->ctx = ctx;
    c->fd = TAKE_FD(fd);
    rc = negotiate(c);
    if (rc) {
        memd_disconnect(c);
        return ERROR_FAIL;
    }
    *client = c;
    return 0;
}

void memd_disconnect(struct memd_client *c)
{
    if (!c)
        return;
    while (c->kept) {
        struct line *l = c->kept;

        c->kept = l->next;
        free(l);
    }
    close(c->fd);
    free(c->bytes);
    free(c);
}

int memd_missing(struct xlx_ctx *ctx)
{
    LOG(ctx, ERROR, "memd does not run: start it with 'xl-ext memd' (or its systemd unit)");
    return XLX_EXIT_FAILED;
}
