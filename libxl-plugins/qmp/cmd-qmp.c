/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/run-folder.h"
#include "monitor/connection.h"
#include "qmp/request.h"
#include "qmp/shell.h"

#define LIBXL_RUN_FOLDER "/var/run/xen" /* libxl's: the QEMU of an HVM guest, also one in a stub domain */
#define TIMEOUT_MS 10000
#define UNIX_PREFIX "unix:"

struct options {
    const char *run_folder;
    uint64_t timeout_ms;
    bool events, device_model;
};

/* The socket that the first argument leads to. */
static int find_socket(const struct xlx_invocation *in, struct gc *gc, const char **path)
{
    const struct options *options = in->options;
    uint32_t domid;
    int rc;

    if (!strncmp(in->argv[0], UNIX_PREFIX, strlen(UNIX_PREFIX))) {
        *path = in->argv[0] + strlen(UNIX_PREFIX);
        return 0;
    }
    if (!xlx_ctx_usable(in->ctx))
        return ERROR_FAIL;
    rc = xlx_domain_find(in->ctx, in->argv[0], &domid);
    if (!rc && options->device_model)
        *path = gc_printf(gc, LIBXL_RUN_FOLDER "/qmp-libxl-%" PRIu32, domid);
    else if (!rc)
        *path = gc_printf(gc, "%s/qmp/%" PRIu32, options->run_folder, domid);
    return rc;
}

static const char *advice(const struct xlx_invocation *in)
{
    const struct options *options = in->options;

    if (!strncmp(in->argv[0], UNIX_PREFIX, strlen(UNIX_PREFIX)))
        return NULL;
    return options->device_model ? "it seems to have no QEMU" : "is memd running? start it with 'xl-ext memd'";
}

/* All words behind the command are its arguments. */
static struct json *parse_words(const struct xlx_invocation *in, struct gc *gc)
{
    const char *arguments = NULL, *cause = "a request is an object";
    struct json *request;

    for (int i = 2; i < in->argc; i++)
        arguments = arguments ? gc_printf(gc, "%s %s", arguments, in->argv[i]) : in->argv[i];
    request = request_parse(gc, in->argv[1], arguments, &cause);
    if (request && request->type == JSON_OBJECT)
        return request;
    LOG(in->ctx, ERROR, "%s", cause);
    return NULL;
}

/* ---- --events ---- */

struct listener {
    struct ev_interrupt interrupt;
    bool ended;
};

static void interrupted(struct ev_interrupt *i, int signum)
{
    CONTAINER_OF(i, struct listener, interrupt)->ended = true;
}

/* Until the server leaves, as it does when the domain ends, or a signal. */
static int listen_for_events(struct connection *c)
{
    struct listener l = {.ended = false};

    ev_interrupt_start(&c->ctx->loop, &l.interrupt, interrupted);
    while (!l.ended && !c->is_lost)
        uv_run(&c->ctx->loop, UV_RUN_ONCE);
    ev_interrupt_stop(&l.interrupt);
    return l.ended ? XLX_EXIT_INTERRUPTED : c->is_garbled ? XLX_EXIT_FAILED : XLX_EXIT_DONE;
}

/* ---- the command ---- */

static int run_once(const struct xlx_invocation *in, struct connection *c, struct gc *gc)
{
    const struct options *options = in->options;
    struct json *request = parse_words(in, gc);
    const struct json *reply;
    int rc;

    if (!request)
        return XLX_EXIT_USAGE;
    rc = connection_request(c, gc, request, options->timeout_ms, &reply);
    return rc ? xlx_exit_of(rc) : shell_show_reply(c, reply);
}

static int run(const struct xlx_invocation *in)
{
    const struct options *options = in->options;
    struct connection c = {
        .event = options->events ? shell_show_event : NULL,
        .behind_proxy = options->device_model,
        .advice = advice(in),
    };
    const char *path;
    GC_SCOPE(gc);
    int rc, status = XLX_EXIT_DONE;

    rc = find_socket(in, gc, &path);
    if (!rc)
        rc = connection_open(&c, in->ctx, path, options->timeout_ms);
    if (rc)
        return xlx_exit_of(rc);
    if (in->argc > 1)
        status = run_once(in, &c, gc);
    else if (!options->events)
        status = shell_run(&c, gc_printf(gc, "(%s) ", in->argv[0]), options->timeout_ms);
    if (options->events && status == XLX_EXIT_DONE)
        status = listen_for_events(&c);
    connection_close(&c);
    return status;
}

static const struct options defaults = {.run_folder = RUN_FOLDER, .timeout_ms = TIMEOUT_MS};

static const struct xlx_option options[] = {
    {'d', "device-model", XLX_OPTION_FLAG, offsetof(struct options, device_model), NULL,
     "reach the QEMU that is the domain's device model, also in a stub domain, not memd"},
    {'e', "events", XLX_OPTION_FLAG, offsetof(struct options, events), NULL,
     "show events, until interrupted or the domain ends"},
    {0, "run-folder", XLX_OPTION_TEXT, offsetof(struct options, run_folder), "FOLDER",
     "memd's folder (default " RUN_FOLDER ")"},
    {'t', "timeout", XLX_OPTION_DURATION, offsetof(struct options, timeout_ms), "SECONDS",
     "how long to wait for an answer (default 10)"},
};

extern const struct xlx_command cmd_qmp;
const struct xlx_command cmd_qmp = {
    .name = "qmp",
    .synopsis = "[-d] [-e] [-t SECONDS] [--run-folder FOLDER] DOMAIN|unix:PATH [COMMAND [ARGUMENTS]]",
    .summary = "Talk QMP to a domain's monitor, or to any QMP socket",
    .details =
        "With COMMAND it is carried out and its result printed as JSON. ARGUMENTS are one JSON object, or words "
        "KEY=VALUE. COMMAND may also be a whole request in JSON. Without COMMAND requests are read from standard "
        "input, a line each; at a terminal with editing and history, and events are shown as they come. "
        "unix:PATH is any QMP socket, that of a QEMU too.\n"
        "\n"
        "With --device-model it is the socket through which libxl itself talks to QEMU, one client at a time: while "
        "this "
        "command holds it, pausing, unpausing and plugging wait.",
    XLX_OPTIONS(options, struct options),
    .defaults = &defaults,
    .args_min = 1,
    .args_max = XLX_ARGS_ANY,
    .domain_arg = 0,
    .flags = XLX_COMMAND_MODIFIES | XLX_COMMAND_ANYWHERE,
    .run = XLX_CODE(run),
};
