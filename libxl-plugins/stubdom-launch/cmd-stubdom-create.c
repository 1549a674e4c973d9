/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stubdom-create: a guest with its device model in a Linux stub domain, from an xl.cfg. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/xen-version.h"
#include "stubdom-launch/check.h"
#include "stubdom-launch/facts.h"
#include "stubdom-launch/lifecycle.h"
#include "stubdom-launch/start.h"
#include "stubdom-launch/stubdom.h"

struct options {
    bool paused, foreground, no_monitor;
};

static const struct xlx_option option_table[] = {
    {'F', "foreground", XLX_OPTION_FLAG, offsetof(struct options, foreground), NULL,
     "stay in the foreground until the guest has ended"},
    {'e', "no-monitor", XLX_OPTION_FLAG, offsetof(struct options, no_monitor), NULL,
     "leave no monitor running beside the guest"},
    {'p', "paused", XLX_OPTION_FLAG, offsetof(struct options, paused), NULL, "leave the guest paused"},
};

/* ---- before ---- */

/* What stands against the start. Errors end it here, where they can be named; warnings are shown. Returns an exit
 * status. */
static int check(const struct xlx_invocation *in, struct gc *gc, const char *text, const char *warnings,
                 const char **name)
{
    struct stubdom_findings findings;
    struct stubdom_facts facts;
    struct json *config;
    int rc;

    if (json_parse(gc, text, strlen(text), &config, NULL) ||
        !json_member_string(json_member(config, "c_info"), "name", name)) {
        LOG(in->ctx, ERROR, "xl's description of %.128s cannot be read", in->argv[0]);
        return XLX_EXIT_USAGE;
    }
    rc = stubdom_facts_gather(in->ctx, gc, config, 0, &facts);
    if (rc)
        return xlx_exit_of(rc);
    facts.ignores_device_model = stubdom_ignores_device_model(warnings);
    stubdom_check(gc, config, &facts, &findings);
    for (size_t i = 0; i < findings.count; i++) {
        const struct stubdom_finding *f = &findings.items[i];

        if (f->severity == STUBDOM_ERROR)
            LOG(in->ctx, ERROR, "%s: %s; %s", f->code, f->reason, f->cure);
        else if (!in->ui->quiet)
            LOG(in->ctx, WARN, "%s: %s; %s", f->code, f->reason, f->cure);
    }
    return findings.errors ? XLX_EXIT_REFUSED : XLX_EXIT_DONE;
}

/* ---- start ---- */

static void show_progress(void *arg, const char *text)
{
    const struct xlx_invocation *in = arg;

    in->ui->ops->progress(in->ui, "%s", text);
    LOG(in->ctx, NOTICE, "%s", text);
}

static const struct xlx_column columns[] = {
    {"Guest", "guest", 0},
    {"Domid", "domid", 0},
    {"Stub domain", "stub_domid", 0},
    {"State", "state", 0},
};

static int after_start(const struct xlx_invocation *in, const struct stubdom_start *start, const char *name)
{
    const struct options *o = in->options;

    if (!in->ui->quiet)
        in->ui->ops->record(in->ui, columns, ARRAY_LEN(columns),
                            (struct xlx_cell[]){XLX_TEXT(name), XLX_NUMBER(start->domid), XLX_NUMBER(start->stub_domid),
                                                XLX_TEXT(o->paused ? "paused" : "running")});
    fflush(stdout); /* who reads it through a pipe need not wait for the guest's end */
    if (o->foreground)
        return stubdom_lifecycle(in->ctx, start->domid, start->stub_domid);
    return o->no_monitor ? 0 : stubdom_lifecycle_detach(in->ctx, start->domid, name);
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    struct stubdom_start start = {.ctx = in->ctx, .paused = o->paused, .progress = show_progress, .arg = (void *)in};
    const char *name, *warnings;
    char *text;
    GC_SCOPE(gc);
    int rc, status;

    rc = stubdom_read_cfg(in->ctx, gc, in->argc, in->argv, &text, &warnings);
    if (rc)
        return xlx_exit_of(rc);
    status = check(in, gc, text, warnings, &name);
    if (status != XLX_EXIT_DONE)
        return status;
    start.json = text;
    rc = stubdom_start(&start);
    in->ui->ops->progress(in->ui, NULL);
    if (rc == ERROR_ABORTED)
        LOG(in->ctx, ERROR, "interrupted: the start of '%s' was undone", name);
    if (!rc)
        rc = after_start(in, &start, name);
    return rc == ERROR_INVAL ? XLX_EXIT_FAILED : xlx_exit_of(rc);
}

const struct xlx_command cmd_stubdom_create = {
    .name = "stubdom-create",
    .synopsis = "[-F] [-e] [-p] CFG [KEY=VALUE]...",
    .summary = "Create a guest with its device model in a Linux stub domain",
    .details =
        "xl parses CFG and the settings behind it. What stands against the start is named before anything happens, as "
        "by stubdom-check (exit status 4). Then guest and stub domain are built, which an interrupt does not stop, and "
        "started, which it does: the start is undone. A start that fails ends as soon as QEMU or the stub domain has "
        "ended, with the first cause and the end of the stub domain's log, and leaves nothing behind.\n"
        "\n"
        "A monitor stays beside the guest (see stubdom-monitor) and does what on_poweroff, on_reboot, on_crash, "
        "on_watchdog and on_soft_reset say; a dead device model counts as a crash. Its messages go "
        "to " XEN_LOG_FOLDER "/xl-ext-GUEST.log.",
    XLX_OPTIONS(option_table, struct options),
    .args_min = 1,
    .args_max = XLX_ARGS_ANY,
    .domain_arg = XLX_NO_DOMAIN,
    .flags = XLX_COMMAND_MODIFIES,
    .run = XLX_CODE(run),
};
