/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/shell.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "qmp/edit.h"
#include "qmp/request.h"

/* Longer lines of a script are refused. */
#define LINE_MAX_BYTES (64u << 10)

/* libedit's callbacks carry no argument, so there is one shell. */
static struct shell {
    struct connection *connection;
    uint64_t timeout_ms;
    struct ev_fd input;
    struct ev_interrupt interrupt;
    /* Lines that were read and not yet carried out. Callbacks only collect them: carrying one out runs the loop, which
     * a callback must not do. */
    struct text lines;
    bool terminal, edited;
    bool input_ended, ended;
    int status;
} shell;

/* ---- showing ---- */

static void print_value(FILE *to, const struct json *value)
{
    struct text text = {0};

    json_write(&text, value, JSON_QMP);
    fprintf(to, "%.*s\n", (int)text.len, text.bytes);
    fflush(to);
    text_free(&text);
}

int shell_show_reply(struct connection *c, const struct json *reply)
{
    const struct json *error = json_member(reply, "error");
    const char *class = "error", *text = "";

    if (!error) {
        print_value(stdout, json_member(reply, "return"));
        return XLX_EXIT_DONE;
    }
    json_member_string(error, "class", &class);
    json_member_string(error, "desc", &text);
    LOG(c->ctx, ERROR, "%s: %s", class, text);
    return XLX_EXIT_FAILED;
}

void shell_show_event(struct connection *c, const struct json *event)
{
    if (shell.edited)
        edit_hide();
    print_value(stdout, event);
    if (shell.edited)
        edit_show();
}

/* ---- carrying out ---- */

static void execute(const char *line)
{
    const struct json *reply;
    const char *cause = NULL;
    struct json *request;
    GC_SCOPE(gc);
    int rc;

    if (!line[strspn(line, " \t\r")])
        return;
    request = request_parse_line(gc, line, &cause);
    if (!request || request->type != JSON_OBJECT) {
        LOG(shell.connection->ctx, ERROR, "%s", cause ? cause : "a request is an object");
        shell.status = XLX_EXIT_USAGE;
        return;
    }
    rc = connection_request(shell.connection, gc, request, shell.timeout_ms, &reply);
    shell.status = rc ? xlx_exit_of(rc) : shell_show_reply(shell.connection, reply);
    if (rc == ERROR_ABORTED)
        shell.ended = true;
}

/* The next whole line, or what is left of the input at its end; NULL: none. */
static char *next_line(struct gc *gc)
{
    char *newline = shell.lines.len ? memchr(shell.lines.bytes, '\n', shell.lines.len) : NULL;
    size_t len = newline ? (size_t)(newline - shell.lines.bytes) : shell.lines.len;
    char *line;

    if (!newline && (!shell.input_ended || !len))
        return NULL;
    line = gc_strndup(gc, shell.lines.bytes, len);
    len += newline != NULL;
    shell.lines.len -= len;
    memmove(shell.lines.bytes, shell.lines.bytes + len, shell.lines.len);
    return line;
}

static void execute_lines(void)
{
    GC_SCOPE(gc);
    char *line;

    while (!shell.ended && (line = next_line(gc)))
        execute(line);
    if (shell.lines.len > LINE_MAX_BYTES) {
        LOG(shell.connection->ctx, ERROR, "a line of more than %u bytes", LINE_MAX_BYTES);
        shell.status = XLX_EXIT_USAGE;
        shell.ended = true;
    }
    if (shell.input_ended)
        shell.ended = true;
}

/* ---- what happens ---- */

static void input_is_over(void)
{
    shell.input_ended = true;
    ev_fd_stop(&shell.input);
}

static void line_edited(char *text)
{
    if (!text) {
        input_is_over();
        return;
    }
    text_add(&shell.lines, text, strlen(text));
    text_add(&shell.lines, "\n", 1);
    free(text);
}

static void input_ready(struct ev_fd *f, int fd, short revents)
{
    char bytes[4096];
    ssize_t r;

    if (shell.edited) {
        edit_readable();
        return;
    }
    r = read(fd, bytes, sizeof(bytes));
    if (r > 0)
        text_add(&shell.lines, bytes, (size_t)r);
    else if (r == 0 || (errno != EAGAIN && errno != EINTR))
        input_is_over();
    /* More is read when this has been carried out. */
    if (shell.lines.len > LINE_MAX_BYTES && ev_fd_active(&shell.input))
        ev_fd_modify(&shell.input, POLLPRI);
}

static void interrupted(struct ev_interrupt *i, int signum)
{
    shell.status = XLX_EXIT_INTERRUPTED;
    shell.ended = true;
}

static void server_left(struct connection *c)
{
    if (!c->is_garbled)
        LOG(c->ctx, ERROR, "%s: the server has closed the connection", c->path);
    shell.status = XLX_EXIT_FAILED;
    shell.ended = true;
}

/* ---- the shell ---- */

static const char *history_path(struct gc *gc)
{
    const char *home = getenv("HOME");

    return home && *home ? gc_printf(gc, "%s/.xl-ext_qmp_history", home) : NULL;
}

static void wait_for_input(uv_loop_t *loop)
{
    if (shell.edited)
        edit_resume();
    if (ev_fd_active(&shell.input)) {
        ev_fd_modify(&shell.input, POLLIN);
        uv_run(loop, UV_RUN_ONCE);
    } else {
        /* A regular file cannot be polled. */
        input_ready(&shell.input, STDIN_FILENO, POLLIN);
        uv_run(loop, UV_RUN_NOWAIT);
    }
}

int shell_run(struct connection *connection, const char *prompt, uint64_t timeout_ms)
{
    uv_loop_t *loop = &connection->ctx->loop;
    GC_SCOPE(gc);

    shell = (struct shell){.connection = connection, .timeout_ms = timeout_ms};
    shell.terminal = isatty(STDIN_FILENO);
    connection->event = shell_show_event;
    connection->lost = server_left;
    shell.edited = shell.terminal && isatty(STDOUT_FILENO) && edit_start(prompt, history_path(gc), line_edited);
    ev_interrupt_start(loop, &shell.interrupt, interrupted);
    /* Fails for a regular file, see wait_for_input. */
    ev_fd_start(loop, &shell.input, STDIN_FILENO, POLLIN, input_ready);
    while (!shell.ended) {
        wait_for_input(loop);
        execute_lines();
    }
    if (shell.edited)
        edit_stop();
    if (shell.terminal)
        putchar('\n');
    ev_fd_stop(&shell.input);
    ev_interrupt_stop(&shell.interrupt);
    text_free(&shell.lines);
    connection->event = NULL;
    connection->lost = NULL;
    /* What a person mistyped is no failure of the session. */
    return shell.terminal && shell.status != XLX_EXIT_INTERRUPTED && !connection->is_lost ? XLX_EXIT_DONE
                                                                                          : shell.status;
}
