/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "balance/commands/commands.h"
#include "balance/commands/history-data.h"
#include "memd-client/client.h"
#include "memd-client/control.h"
#include "base/cleanup.h"
#include "base/error.h"

#define LAST_MS (3600 * 1000)
#define LAST_MAX_MS (6 * 3600 * UINT64_C(1000))

struct options {
    uint64_t last_ms;
    const char *svg;
};

static void show_plot(const struct xlx_invocation *in, struct gc *gc, const struct history_data *d)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    const char *term = getenv("TERM");
    bool colours = in->ui->terminal && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;

    if (!in->ui->terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
        size = (struct winsize){.ws_row = 24, .ws_col = 80};
    /* A line is left for the shell's prompt. All names in it have been made harmless. */
    fputs(history_plot(gc, d, size.ws_col, size.ws_row - 1u, colours), stdout);
}

static int write_svg(struct xlx_ctx *ctx, struct gc *gc, const char *path, const struct history_data *d)
{
    FILE *f = fopen(path, "we");
    bool failed = !f || fputs(history_svg(gc, d), f) < 0;

    if (f)
        failed |= fclose(f) != 0;
    if (!failed)
        return XLX_EXIT_DONE;
    LOG(ctx, ERROR, "cannot write %s: %s", path, strerror(errno));
    return XLX_EXIT_FAILED;
}

static int show(const struct xlx_invocation *in, struct gc *gc, const struct json *answer)
{
    const struct options *o = in->options;
    uint64_t now = (uint64_t)time(NULL);
    const char *title;
    struct history_data *d;

    if (in->ui->json)
        in->ui->ops->print(in->ui, "%s", json_text(gc, answer, JSON_PRETTY));
    if (in->ui->json && !o->svg)
        return XLX_EXIT_DONE;
    title = gc_printf(gc, "%s%s: the last %s", in->argc ? "memory of " : "memory of all domains",
                      in->argc ? in->argv[0] : ", and free memory", history_span(gc, o->last_ms / 1000));
    d = history_data(gc, answer, title, now - o->last_ms / 1000, now);
    if (o->svg)
        return write_svg(in->ctx, gc, o->svg, d);
    show_plot(in, gc, d);
    return XLX_EXIT_DONE;
}

static int ask(const struct xlx_invocation *in, struct memd_client *client, const uint32_t *domid)
{
    const struct options *o = in->options;
    const struct json *answer;
    GC_SCOPE(gc);
    struct json *arguments = json_new_object(gc);
    int rc;

    if (domid)
        json_set_integer(gc, arguments, "domain", *domid);
    json_set_integer(gc, arguments, "last_ms", (int64_t)o->last_ms);
    rc = memd_call(client, CONTROL_HISTORY, arguments, &answer);
    return rc ? xlx_exit_of(rc) : show(in, gc, answer);
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    struct memd_client *client = NULL;
    uint32_t domid;
    int rc, status;

    if (o->last_ms < 1000 || o->last_ms > LAST_MAX_MS) {
        LOG(in->ctx, ERROR, "--last must be within 1s and 6h: memd keeps no more");
        return XLX_EXIT_USAGE;
    }
    if (in->argc && xlx_domain_find(in->ctx, in->argv[0], &domid))
        return XLX_EXIT_FAILED;
    rc = memd_connect(in->ctx, &client);
    if (rc)
        return rc == ERROR_NOTFOUND ? memd_missing(in->ctx) : xlx_exit_of(rc);
    status = ask(in, client, in->argc ? &domid : NULL);
    memd_disconnect(client);
    return status;
}

static const struct xlx_option option_table[] = {
    {'l', "last", XLX_OPTION_DURATION, offsetof(struct options, last_ms), "TIME",
     "how far back, at most 6h (default 1h)"},
    {0, "svg", XLX_OPTION_TEXT, offsetof(struct options, svg), "FILE", "write a picture to FILE instead"},
};

static const struct options defaults = {.last_ms = LAST_MS};

const struct xlx_command cmd_mem_history = {
    .name = "mem-history",
    .synopsis = "[--last TIME] [--svg FILE] [--json] [DOMAIN]",
    .summary = "Show what memory a domain had in the last hours",
    .details =
        "What it held, its target, what it needed and what was available in it, as memd has seen it, in steps of 10 s; "
        "without DOMAIN of all domains together, with the host's free memory as what is available. Starts, ends, pins, "
        "kills for want of memory and reservations are marked.",
    XLX_OPTIONS(option_table, struct options),
    .defaults = &defaults,
    .args_max = 1,
    .domain_arg = 0,
    .flags = XLX_COMMAND_ANYWHERE,
    .run = XLX_CODE(run),
};
