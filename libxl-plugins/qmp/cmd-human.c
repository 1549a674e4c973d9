/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* human-monitor-command for the lines that concern a balloon: "info balloon", "info status", "balloon N" (QEMU 7.2,
 * monitor/hmp.c and hmp-cmds.c). Numbers are plain ones: QEMU would take expressions, too. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "qmp/machine.h"

struct human {
    struct monitor_call *call;
    const char *rest; /* of the line */
    char *output;
};

static void say(struct human *h, const char *text)
{
    h->output = gc_printf(h->call->gc, "%s%s\r\n", h->output, text);
}

static void skip_blanks(struct human *h)
{
    while (isspace((unsigned char)*h->rest))
        h->rest++;
}

static const char *next_word(struct human *h)
{
    const char *start;

    skip_blanks(h);
    start = h->rest;
    while (*h->rest && !isspace((unsigned char)*h->rest))
        h->rest++;
    return gc_strndup(h->call->gc, start, (size_t)(h->rest - start));
}

static void try_help(struct human *h, const char *command)
{
    say(h, gc_printf(h->call->gc, "Try \"help %s\" for more information", command));
}

/* True when nothing is left on the line. */
static bool at_end(struct human *h, const char *name, const char *command)
{
    skip_blanks(h);
    if (!*h->rest)
        return true;
    say(h, gc_printf(h->call->gc, "%s: extraneous characters at the end of line", name));
    try_help(h, command);
    return false;
}

/* An error of the command behind becomes a line. */
static bool said_error(struct human *h)
{
    if (!h->call->error_class)
        return false;
    say(h, gc_printf(h->call->gc, "Error: %s", h->call->error_text));
    h->call->error_class = NULL;
    return true;
}

static bool read_mebibytes(struct human *h, int64_t *bytes)
{
    const char *fault = NULL;
    unsigned long long value = 0;
    char *end;

    skip_blanks(h);
    if (!*h->rest) {
        fault = "unexpected end of expression";
    } else if (!isdigit((unsigned char)*h->rest) && *h->rest != '-') {
        fault = gc_printf(h->call->gc, "invalid char '%c' in expression", *h->rest);
    } else {
        errno = 0;
        value = strtoull(h->rest, &end, 0);
        if (errno)
            fault = "number too large";
        else if (*h->rest == '-' || value > INT64_MAX)
            fault = "enter a positive value";
        h->rest = end;
    }
    if (fault) {
        say(h, fault);
        try_help(h, "balloon");
        return false;
    }
    *bytes = (int64_t)(value << 20);
    return true;
}

static void balloon(struct human *h)
{
    int64_t bytes;

    if (!read_mebibytes(h, &bytes) || !at_end(h, "balloon", "balloon"))
        return;
    machine_balloon(h->call, h->call->target, bytes);
    said_error(h);
}

static void info_balloon(struct human *h)
{
    uint64_t actual;

    if (machine_query_balloon(h->call, h->call->target, &actual))
        say(h, gc_printf(h->call->gc, "balloon: actual=%" PRIu64, actual >> 20));
    else
        said_error(h);
}

static void info_status(struct human *h)
{
    struct machine *m = h->call->target;
    enum machine_status status = m->ops->status(m);
    const char *detail = "";

    if (status != MACHINE_RUNNING && status != MACHINE_PAUSED)
        detail = gc_printf(h->call->gc, " (%s)", machine_status_name(status));
    say(h, gc_printf(h->call->gc, "VM status: %s%s", status == MACHINE_RUNNING ? "running" : "paused", detail));
}

static void info(struct human *h)
{
    static const struct {
        const char *name, *command;
        void (*run)(struct human *h);
        const char *help;
    } topics[] = {
        {"balloon", "info balloon", info_balloon, "info balloon  -- show balloon information"},
        {"status", "info status", info_status, "info status  -- show the current VM status (running|paused)"}};
    const char *topic = next_word(h);

    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        if (!*topic) {
            say(h, topics[i].help);
        } else if (!strcmp(topics[i].name, topic)) {
            if (at_end(h, topics[i].name, topics[i].command))
                topics[i].run(h);
            return;
        }
    }
    if (*topic)
        say(h, gc_printf(h->call->gc, "unknown command: 'info %s'", topic));
}

static void run(struct monitor_call *call)
{
    struct human h = {.call = call, .rest = call->args[0]->string.text, .output = gc_strdup(call->gc, "")};
    const char *command;

    /* The number of a virtual CPU that there always is; no command here depends on it. */
    if (call->args[1] && call->args[1]->integer != 0) {
        monitor_call_fail(call, MONITOR_GENERIC, "Parameter 'cpu-index' expects a CPU number");
        return;
    }
    command = next_word(&h);
    if (!strcmp(command, "balloon"))
        balloon(&h);
    else if (!strcmp(command, "info"))
        info(&h);
    else if (*command)
        say(&h, gc_printf(call->gc, "unknown command: '%s'", command));
    call->result = json_new_string(call->gc, h.output);
}

static const struct monitor_arg args[] = {{"command-line", MONITOR_STRING}, {"cpu-index", MONITOR_INT, true}};

const struct monitor_command cmd_qmp_human_monitor_command = {
    .name = "human-monitor-command",
    .args = args,
    .arg_count = ARRAY_LEN(args),
    .returns = "str",
    .run = run,
};
