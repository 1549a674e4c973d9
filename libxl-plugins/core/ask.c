/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/ask.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

/* What libuv holds on to until its close callbacks have come; it may outlive the operation. */
struct ask_child {
    uv_process_t process;
    uv_pipe_t out;
    struct ask *ask; /* NULL when the operation is over */
    unsigned open_handles;
    bool exited, ended; /* ended: end of file */
    char buffer[4096];
};

static void done(struct ask *ask);

static void handle_closed(uv_handle_t *h)
{
    struct ask_child *child = h->data;

    if (!--child->open_handles)
        free(child);
}

static void step_over(struct ask_child *child)
{
    if (child->exited && child->ended && child->ask)
        done(child->ask);
}

/* ---- while it runs ---- */

static void buffer_wanted(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    struct ask_child *child = h->data;

    *buf = uv_buf_init(child->buffer, sizeof(child->buffer));
}

static void kill_child(struct ask *ask, int rc)
{
    if (!ask->rc)
        ask->rc = rc;
    if (!ask->child->exited)
        uv_process_kill(&ask->child->process, SIGTERM);
    /* A grandchild may keep the pipe open: nothing more is read from it. */
    uv_read_stop((uv_stream_t *)&ask->child->out);
    ask->child->ended = true;
}

static void output_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct ask_child *child = stream->data;
    struct ask *ask = child->ask;

    if (!ask || !n)
        return;
    if (n < 0) {
        uv_read_stop(stream);
        child->ended = true;
        step_over(child);
        return;
    }
    if (ask->answer_len + (size_t)n > ASK_ANSWER_MAX) {
        kill_child(ask, ERROR_BUFFERFULL);
        step_over(child);
        return;
    }
    if (ask->capacity - ask->answer_len < (size_t)n + 1) {
        ask->capacity = ask->capacity * 2 + (size_t)n + 1;
        ask->answer = gc_realloc(ask->gc, ask->answer, ask->capacity);
    }
    memcpy(ask->answer + ask->answer_len, buf->base, (size_t)n);
    ask->answer_len += (size_t)n;
    ask->answer[ask->answer_len] = '\0';
}

static void child_exited(uv_process_t *process, int64_t status, int signum)
{
    struct ask_child *child = process->data;

    child->exited = true;
    if (child->ask)
        child->ask->exit_status = signum ? -1 : (int)status;
    step_over(child);
}

static void stopped(struct ao *ao, int rc)
{
    struct ask *ask = CONTAINER_OF(ao, struct ask, ao);

    kill_child(ask, rc);
    step_over(ask->child);
}

/* ---- beginning and end ---- */

static int spawn(struct ask *ask, struct ask_child *child)
{
    uv_loop_t *loop = &ask->ao.ctx->loop;
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&child->out},
        {.flags = ask->quiet ? UV_IGNORE : UV_INHERIT_FD, .data.fd = 2},
    };
    char sh[] = "sh", c[] = "-c";
    char *argv[] = {sh, c, gc_strdup(ask->gc, ask->command), NULL};
    uv_process_options_t options = {
        .exit_cb = child_exited,
        .file = "/bin/sh",
        .args = argv,
        .stdio = stdio,
        .stdio_count = ARRAY_LEN(stdio),
    };
    int r;

    child->process.data = child->out.data = child;
    r = uv_pipe_init(loop, &child->out, 0);
    if (r < 0)
        return r;
    child->open_handles = 2;
    r = uv_spawn(loop, &child->process, &options);
    if (!r)
        r = uv_read_start((uv_stream_t *)&child->out, buffer_wanted, output_read);
    return r;
}

void ask_start(struct ask *ask)
{
    struct ask_child *child = calloc(1, sizeof(*child));
    int r;

    if (!child)
        abort();
    ask->child = child;
    ask->rc = 0;
    ask->answer = gc_strdup(ask->gc, "");
    ask->answer_len = 0;
    ask->capacity = 1;
    child->ask = ask;
    ao_start(&ask->ao, stopped);
    r = spawn(ask, child);
    if (r < 0) {
        LOG(ask->ao.ctx, ERROR, "cannot run a shell: %s", uv_strerror(r));
        child->exited = child->ended = true;
        child->ask = NULL;
        if (child->open_handles) {
            uv_close((uv_handle_t *)&child->process, handle_closed);
            uv_close((uv_handle_t *)&child->out, handle_closed);
        } else {
            free(child);
        }
        ask->child = NULL;
        ao_complete_soon(&ask->ao, ERROR_FAIL);
    }
}

static void done(struct ask *ask)
{
    struct ask_child *child = TAKE_PTR(ask->child);

    child->ask = NULL;
    uv_close((uv_handle_t *)&child->process, handle_closed);
    uv_close((uv_handle_t *)&child->out, handle_closed);
    ao_complete(&ask->ao, ask->rc);
}
