/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/subprocess.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/visible.h"

/* What libuv holds on to until its close callbacks have come; it may outlive the operation. */
struct subprocess_child {
    uv_process_t process;
    struct subprocess_pipe {
        uv_pipe_t uv;
        struct subprocess_child *child;
        struct subprocess_text *text;
        size_t max, capacity;
        bool may_overflow; /* what is too much is dropped */
        bool open;         /* for libuv to close */
        bool reading;      /* its end has not come yet */
    } pipes[2];
    struct subprocess *owner; /* NULL when the operation is over */
    unsigned open_handles;
    bool exited;
    char buffer[4096];
};

static void handle_closed(uv_handle_t *handle)
{
    struct subprocess_child *child = handle->data;

    if (!--child->open_handles)
        free(child);
}

static void pipe_closed(uv_handle_t *handle)
{
    struct subprocess_pipe *pipe = CONTAINER_OF((uv_pipe_t *)handle, struct subprocess_pipe, uv);

    handle->data = pipe->child;
    handle_closed(handle);
}

static void close_child(struct subprocess_child *child)
{
    child->owner = NULL;
    for (size_t i = 0; i < ARRAY_LEN(child->pipes); i++) {
        if (child->pipes[i].open)
            uv_close((uv_handle_t *)&child->pipes[i].uv, pipe_closed);
    }
    uv_close((uv_handle_t *)&child->process, handle_closed);
}

static void done(struct subprocess *p)
{
    ev_timer_stop(&p->grace);
    close_child(TAKE_PTR(p->child));
    ao_complete(&p->ao, p->rc);
}

static void done_if_over(struct subprocess *p)
{
    if (p->child->exited && !p->child->pipes[0].reading && !p->child->pipes[1].reading)
        done(p);
}

/* ---- while it runs ---- */

static void buffer_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct subprocess_pipe *pipe = handle->data;

    *buf = uv_buf_init(pipe->child->buffer, sizeof(pipe->child->buffer));
}

static void grace_over(struct ev_timer *timer)
{
    struct subprocess *p = CONTAINER_OF(timer, struct subprocess, grace);

    uv_process_kill(&p->child->process, SIGKILL);
}

static void end_child(struct subprocess *p, int rc)
{
    struct subprocess_child *child = p->child;

    if (!p->rc)
        p->rc = rc;
    /* What the program has started may keep a pipe open: nothing more is read. */
    for (size_t i = 0; i < ARRAY_LEN(child->pipes); i++) {
        if (child->pipes[i].reading)
            uv_read_stop((uv_stream_t *)&child->pipes[i].uv);
        child->pipes[i].reading = false;
    }
    if (child->exited)
        return;
    uv_process_kill(&child->process, SIGTERM);
    if (!ev_timer_active(&p->grace))
        ev_timer_start(&p->ao.ctx->loop, &p->grace, SUBPROCESS_GRACE_MS, 0, grace_over);
}

static void keep(struct subprocess *p, struct subprocess_pipe *pipe, const char *bytes, size_t len)
{
    struct subprocess_text *text = pipe->text;

    if (pipe->capacity - text->len < len + 1) {
        pipe->capacity = pipe->capacity * 2 + len + 1;
        text->text = gc_realloc(p->gc, text->text, pipe->capacity);
    }
    memcpy(text->text + text->len, bytes, len);
    text->len += len;
    text->text[text->len] = '\0';
}

static void output_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct subprocess_pipe *pipe = stream->data;
    struct subprocess *p = pipe->child->owner;
    size_t room;

    if (!p || !n)
        return;
    if (n < 0) {
        uv_read_stop(stream);
        pipe->reading = false;
        done_if_over(p);
        return;
    }
    room = pipe->max - pipe->text->len;
    if ((size_t)n > room && !pipe->may_overflow) {
        end_child(p, ERROR_BUFFERFULL);
        done_if_over(p);
        return;
    }
    keep(p, pipe, buf->base, (size_t)n < room ? (size_t)n : room);
}

static void child_exited(uv_process_t *process, int64_t status, int signum)
{
    struct subprocess_child *child = process->data;

    child->exited = true;
    if (!child->owner)
        return;
    child->owner->exit_status = signum ? 128 + signum : (int)status;
    done_if_over(child->owner);
}

static void stopped(struct ao *ao, int rc)
{
    struct subprocess *p = CONTAINER_OF(ao, struct subprocess, ao);

    end_child(p, rc);
    done_if_over(p);
}

/* ---- the start ---- */

static uv_stdio_container_t output_for(struct subprocess_child *child, int fd, enum subprocess_stream stream)
{
    struct subprocess_pipe *pipe = &child->pipes[fd - 1];

    if (stream == SUBPROCESS_DROPPED)
        return (uv_stdio_container_t){.flags = UV_IGNORE};
    if (stream == SUBPROCESS_OURS)
        return (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = fd};
    uv_pipe_init(&child->owner->ao.ctx->loop, &pipe->uv, 0);
    pipe->uv.data = pipe;
    pipe->open = true;
    child->open_handles++;
    return (uv_stdio_container_t){
        .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
        .data.stream = (uv_stream_t *)&pipe->uv,
    };
}

static int spawn(struct subprocess_child *child, char *const *argv)
{
    struct subprocess *p = child->owner;
    uv_stdio_container_t stdio[] = {
        p->our_input ? (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = 0}
                     : (uv_stdio_container_t){.flags = UV_IGNORE},
        output_for(child, 1, p->out),
        output_for(child, 2, p->err),
    };
    uv_process_options_t options = {
        .exit_cb = child_exited,
        .file = argv[0],
        .args = (char **)argv,
        .stdio = stdio,
        .stdio_count = ARRAY_LEN(stdio),
    };
    int r;

    child->open_handles++;
    child->process.data = child;
    r = uv_spawn(&p->ao.ctx->loop, &child->process, &options);
    for (size_t i = 0; !r && i < ARRAY_LEN(child->pipes); i++) {
        if (child->pipes[i].open)
            child->pipes[i].reading = !uv_read_start((uv_stream_t *)&child->pipes[i].uv, buffer_wanted, output_read);
    }
    return r;
}

static int cannot_run(struct xlx_ctx *ctx, const char *program, int r)
{
    LOG(ctx, ERROR, "cannot run %s: %s", program, uv_strerror(r));
    return r == UV_ENOENT ? ERROR_NOTFOUND : ERROR_FAIL;
}

void subprocess_start(struct subprocess *p)
{
    struct subprocess_child *child = calloc(1, sizeof(*child));
    char shell[] = "/bin/sh", c[] = "-c";
    char *shell_argv[] = {shell, c, p->command ? gc_strdup(p->gc, p->command) : NULL, NULL};
    char *const *argv = p->command ? shell_argv : p->argv;
    struct subprocess_text *texts[] = {&p->output, &p->errors};
    int r;

    if (!child)
        abort();
    p->child = child;
    p->rc = 0;
    p->exit_status = 0;
    child->owner = p;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *texts[i] = (struct subprocess_text){.text = gc_strdup(p->gc, "")};
        child->pipes[i] = (struct subprocess_pipe){.child = child, .text = texts[i], .capacity = 1};
    }
    child->pipes[0].max = p->output_max ? p->output_max : SUBPROCESS_OUTPUT_MAX;
    child->pipes[1].max = SUBPROCESS_OUTPUT_MAX;
    child->pipes[1].may_overflow = true;
    ao_start(&p->ao, stopped);
    r = spawn(child, argv);
    if (r < 0) {
        close_child(TAKE_PTR(p->child));
        ao_complete_soon(&p->ao, cannot_run(p->ao.ctx, argv[0], r));
    }
}

/* ---- on its own ---- */

static void nobody_waits(uv_handle_t *handle)
{
    free(handle);
}

int subprocess_detach(struct xlx_ctx *ctx, const char *path, char *const *argv, int log_fd)
{
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = log_fd},
        {.flags = UV_INHERIT_FD, .data.fd = log_fd},
    };
    uv_process_options_t options = {
        .file = path,
        .args = (char **)argv,
        .cwd = "/",
        .flags = UV_PROCESS_DETACHED,
        .stdio = stdio,
        .stdio_count = ARRAY_LEN(stdio),
    };
    uv_process_t *process = calloc(1, sizeof(*process));
    int r;

    if (!process)
        abort();
    r = uv_spawn(&ctx->loop, process, &options);
    uv_close((uv_handle_t *)process, nobody_waits);
    return r < 0 ? cannot_run(ctx, path, r) : 0;
}

const char *subprocess_last_words(struct gc *gc, const struct subprocess *p)
{
    char *text = gc_strdup(gc, p->errors.text), *line;
    size_t len = strlen(text);

    while (len && text[len - 1] == '\n')
        text[--len] = '\0';
    line = strrchr(text, '\n');
    return len ? visible_copy(gc, line ? line + 1 : text) : NULL;
}
