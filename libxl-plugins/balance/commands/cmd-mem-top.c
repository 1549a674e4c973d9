/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "balance/commands/commands.h"
#include "memd-client/client.h"
#include "balance/commands/print-metrics.h"
#include "balance/commands/terminal.h"
#include "balance/commands/top-screen.h"
#include "balance/commands/why-text.h"
#include "memd-client/control.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/visible.h"

#define REFRESH_MS 1000
/* Where memd has so many domains that a refresh takes long, for us and for memd, no more than a fifth of the time goes into
 * it. That memd does not answer is no work. */
#define REFRESH_PAUSE 4
/* Escape alone is a key; terminals send their sequences in one go. */
#define ESCAPE_MS 100

struct options {
    bool once, events, prometheus;
};

/* ---- live ---- */

struct live {
    struct xlx_ctx *ctx;
    struct memd_client *client;
    struct ev_fd input;
    struct ev_timer refresh, escape;
    struct ev_signal resized;
    struct ev_interrupt interrupt;

    struct top_keys keys;
    struct top_view view;
    struct gc *gc;               /* of data */
    const struct top_data *data; /* as memd told it */
    uint64_t told_ms;            /* and when */
    bool silent;                 /* memd has not answered since */
    struct gc *page_gc;

    bool data_due, screen_due, over;
    enum top_wish wish;
    int status;
};

static void end(struct live *l, int status)
{
    l->over = true;
    l->status = status;
}

static void add_warning(struct gc *gc, struct top_host *host, const char *text)
{
    const char **all = gc_array(gc, host->warning_count + 1, sizeof(*all));

    for (size_t i = 0; i < host->warning_count; i++)
        all[i] = host->warnings[i];
    all[host->warning_count++] = text;
    host->warnings = all;
}

/* A copy of what memd told, sorted and filtered. */
static struct top_data arranged(struct live *l, struct gc *gc, struct top_size size)
{
    struct top_data data = *l->data;

    if (l->silent)
        add_warning(gc, &data.host,
                    gc_printf(gc, "memd does not answer: what is shown is %" PRIu64 " s old",
                              (ev_clock_ms() - l->told_ms) / 1000));
    data.rows = gc_array(gc, data.count + 1, sizeof(*data.rows));
    memcpy(data.rows, l->data->rows, data.count * sizeof(*data.rows));
    top_view_arrange(&l->view, &data, size);
    return data;
}

static void show(struct live *l)
{
    struct top_size size = terminal_size();
    struct top_lines lines;
    GC_SCOPE(gc);
    struct top_data shown = arranged(l, gc, size);

    lines = top_screen(gc, &l->view, &shown, l->data->count, size);
    terminal_show(&lines);
}

/* Also while memd is waited for. */
static void wish_for(struct live *l, enum top_wish wish)
{
    if (wish == TOP_WISH_NOTHING)
        return;
    l->wish = wish;
    if (l->client && (wish == TOP_WISH_QUIT || wish == TOP_WISH_INTERRUPT))
        memd_give_up(l->client);
}

/* What a key does needs the rows in the order in which they are shown. */
static void key_typed(struct live *l, int key)
{
    struct top_size size = terminal_size();
    struct top_data shown;
    GC_SCOPE(gc);

    if (key == TOP_KEY_NONE)
        return;
    if (!l->data) {
        /* Who gives up before memd has answered. */
        wish_for(l, key == 'q' ? TOP_WISH_QUIT : key == TOP_KEY_CTRL_C ? TOP_WISH_INTERRUPT : TOP_WISH_NOTHING);
        return;
    }
    shown = arranged(l, gc, size);
    wish_for(l, top_view_key(&l->view, &shown, size, key));
    l->screen_due = true;
}

static void escape_is_alone(struct ev_timer *timer)
{
    struct live *l = CONTAINER_OF(timer, struct live, escape);

    key_typed(l, top_keys_flush(&l->keys));
}

static void input_came(struct ev_fd *ev, int fd, short revents)
{
    struct live *l = CONTAINER_OF(ev, struct live, input);
    unsigned char bytes[64];
    ssize_t r = read(fd, bytes, sizeof(bytes));

    if (r < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (r <= 0) {
        end(l, XLX_EXIT_DONE);
        return;
    }
    for (ssize_t i = 0; i < r; i++)
        key_typed(l, top_keys_feed(&l->keys, bytes[i]));
    ev_timer_stop(&l->escape);
    if (l->keys.count)
        ev_timer_start(&l->ctx->loop, &l->escape, ESCAPE_MS, 0, escape_is_alone);
}

static void refresh_due(struct ev_timer *timer)
{
    CONTAINER_OF(timer, struct live, refresh)->data_due = true;
}

static void interrupted(struct ev_interrupt *i, int signum)
{
    end(CONTAINER_OF(i, struct live, interrupt), XLX_EXIT_INTERRUPTED);
}

static void screen_resized(struct ev_signal *s, int signum)
{
    CONTAINER_OF(s, struct live, resized)->wish = TOP_WISH_REDRAW;
}

/* memd may have much to do, and is waited for; or be started anew: once it has answered, what it said stays and says how old
 * it is. */
static bool ask(struct live *l, const struct json **answer)
{
    int rc = l->client ? 0 : memd_connect(l->ctx, &l->client);

    if (!rc)
        rc = memd_call(l->client, CONTROL_BALANCE, NULL, answer);
    l->silent = rc;
    if (!rc || l->over)
        return !l->over;
    if (rc == ERROR_ABORTED || (!l->data && rc != ERROR_TIMEDOUT)) {
        end(l, l->wish == TOP_WISH_QUIT ? XLX_EXIT_DONE : xlx_exit_of(rc));
        return false;
    }
    memd_disconnect(TAKE_PTR(l->client));
    /* What was said of it stands on the screen. */
    terminal_forget();
    l->screen_due = true;
    return false;
}

/* Asks memd anew. */
static void refresh(struct live *l)
{
    const struct json *answer, *event;
    struct gc *gc;

    if (!ask(l, &answer))
        return;
    gc = gc_new();
    l->data = top_read(gc, answer);
    l->told_ms = ev_clock_ms();
    gc_free(l->gc);
    l->gc = gc;
    while (!memd_event(l->client, 0, &event))
        ;
    l->screen_due = true;
}

/* ---- pages ---- */

static void close_page(struct live *l)
{
    l->view.page = NULL;
    l->view.page_first = 0;
    gc_free(TAKE_PTR(l->page_gc));
}

static void open_page(struct live *l, const char *text)
{
    struct gc *gc = gc_new();
    char *copy = gc_strdup(gc, text);

    make_visible(copy, "\n");
    close_page(l);
    l->page_gc = gc;
    l->view.page = copy;
}

/* A domain that is gone by now has no page; memd's word on it would spoil the screen. */
static void open_why(struct live *l)
{
    const struct json *answer;
    GC_SCOPE(gc);
    struct json *arguments = json_new_object(gc);

    json_set_integer(gc, arguments, "domain", (int64_t)l->view.selected_domid);
    if (!l->client)
        open_page(l, "memd does not answer.\n");
    else if (memd_ask(l->client, CONTROL_WHY, arguments, &answer))
        open_page(l, "The domain is gone.\n");
    else
        open_page(l, why_text(gc, answer));
}

static void fulfil(struct live *l)
{
    enum top_wish wish = l->wish;

    l->wish = TOP_WISH_NOTHING;
    switch (wish) {
    case TOP_WISH_NOTHING:
        return;
    case TOP_WISH_QUIT:
        end(l, XLX_EXIT_DONE);
        return;
    case TOP_WISH_INTERRUPT:
        end(l, XLX_EXIT_INTERRUPTED);
        return;
    case TOP_WISH_SUSPEND:
        terminal_suspend();
        break;
    case TOP_WISH_REDRAW:
        terminal_forget();
        break;
    case TOP_WISH_WHY:
        open_why(l);
        break;
    case TOP_WISH_HELP:
        open_page(l, top_help);
        break;
    case TOP_WISH_CLOSE_PAGE:
        close_page(l);
        break;
    }
    l->screen_due = true;
}

static void show_if_due(struct live *l)
{
    if (!l->screen_due || !l->data || l->over)
        return;
    l->screen_due = false;
    show(l);
}

static void refresh_if_due(struct live *l)
{
    uint64_t began_ms = ev_clock_ms(), pause_ms;

    if (!l->data_due || l->over)
        return;
    l->data_due = false;
    refresh(l);
    show_if_due(l);
    pause_ms = l->silent ? 0 : REFRESH_PAUSE * (ev_clock_ms() - began_ms);
    ev_timer_start(&l->ctx->loop, &l->refresh, pause_ms > REFRESH_MS ? pause_ms : REFRESH_MS, 0, refresh_due);
}

static void turn(struct live *l)
{
    uv_run(&l->ctx->loop, UV_RUN_ONCE);
    if (!l->over)
        fulfil(l);
    refresh_if_due(l);
    show_if_due(l);
}

/* Takes the client; NULL: memd has not answered so far. */
static int live(struct xlx_ctx *ctx, struct memd_client *client)
{
    struct live l = {.ctx = ctx, .client = client};
    /* Opened anew to be read without blocking: standard input is the caller's, and often the output too. */
    CLEANUP_FD int fd = open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    ev_interrupt_start(&ctx->loop, &l.interrupt, interrupted);
    ev_signal_start(&ctx->loop, &l.resized, SIGWINCH, screen_resized);
    ev_timer_start(&ctx->loop, &l.refresh, 0, 0, refresh_due);
    if (fd < 0 || ev_fd_start(&ctx->loop, &l.input, fd, POLLIN, input_came)) {
        LOG(ctx, ERROR, "cannot read keys from the terminal");
        end(&l, XLX_EXIT_FAILED);
    }
    while (!l.over)
        turn(&l);
    ev_fd_stop(&l.input);
    ev_timer_stop(&l.refresh);
    ev_timer_stop(&l.escape);
    ev_signal_stop(&l.resized);
    ev_interrupt_stop(&l.interrupt);
    close_page(&l);
    gc_free(l.gc);
    memd_disconnect(l.client);
    terminal_give_back();
    /* What was said meanwhile went with the screen. */
    if (l.status == XLX_EXIT_FAILED)
        LOG(ctx, ERROR, "memd does not answer any more");
    return l.status;
}

/* ---- events ---- */

static const char *event_name(const struct json *message)
{
    const char *name;

    return json_member_string(message, "event", &name) ? name : "";
}

static int stream(const struct xlx_invocation *in, struct memd_client *client)
{
    for (;;) {
        const struct json *message;
        GC_SCOPE(gc);
        int rc;

        rc = memd_event(client, UINT64_MAX, &message);
        if (rc)
            return xlx_exit_of(rc);
        if (in->ui->json)
            printf("%s\n", json_text(gc, message, JSON_COMPACT));
        else
            printf("%-12s %s\n", event_name(message), json_text(gc, json_member(message, "data"), JSON_COMPACT));
        fflush(stdout);
    }
}

static int once(const struct xlx_invocation *in, struct memd_client *client)
{
    const struct json *result;
    struct top_lines lines;
    GC_SCOPE(gc);
    int rc;

    rc = memd_call(client, CONTROL_BALANCE, NULL, &result);
    if (rc)
        return xlx_exit_of(rc);
    if (in->ui->json) {
        fputs(json_text(gc, result, JSON_PRETTY), stdout);
        return XLX_EXIT_DONE;
    }
    lines = top_once(gc, top_read(gc, result));
    for (size_t i = 0; i < lines.count; i++)
        printf("%s\n", lines.lines[i].text);
    return XLX_EXIT_DONE;
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    bool lives = !o->once && !o->events && !o->prometheus && !in->ui->json && in->ui->terminal;
    struct memd_client *client;
    int rc, status;

    rc = memd_connect(in->ctx, &client);
    if (rc == ERROR_TIMEDOUT && lives && terminal_take())
        return live(in->ctx, NULL);
    if (rc)
        return rc == ERROR_NOTFOUND ? memd_missing(in->ctx) : xlx_exit_of(rc);
    if (o->prometheus)
        status = print_metrics(client);
    else if (o->events)
        status = stream(in, client);
    else if (lives && terminal_take())
        status = live(in->ctx, TAKE_PTR(client));
    else
        status = once(in, client);
    memd_disconnect(client);
    return status;
}

static const struct xlx_option option_table[] = {
    {0, "events", XLX_OPTION_FLAG, offsetof(struct options, events), NULL,
     "print what memd does, line by line, until interrupted"},
    {0, "once", XLX_OPTION_FLAG, offsetof(struct options, once), NULL, "print once, also to a terminal"},
    {0, "prometheus", XLX_OPTION_FLAG, offsetof(struct options, prometheus), NULL,
     "print memd's metrics once, in Prometheus' text format"},
};

const struct xlx_command cmd_mem_top = {
    .name = "mem-top",
    .synopsis = "[--once | --events | --prometheus] [--json]",
    .summary = "Show live how memd balances memory",
    .details =
        "The bar shows what a domain holds (#), what it is still to get (-) or to give (=), and where its minimum [, "
        "maximum ] and demand ! lie. Arrow keys, page up, page down, home and end move the selection, w says why the "
        "selected domain has what it has, / filters, i n a t d l sort, h shows all keys, q quits. When standard output "
        "is no terminal, mem-top prints once, in MiB.",
    XLX_OPTIONS(option_table, struct options),
    .domain_arg = XLX_NO_DOMAIN,
    .flags = XLX_COMMAND_ANYWHERE,
    .run = XLX_CODE(run),
};
