/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include "base/cleanup.h"
#include "migrate/migrate.h"

struct options {
    const char *ssh_command;
};

static const struct options defaults = {.ssh_command = "ssh"};

static const struct xlx_option options[] = {
    {'s', "ssh", XLX_OPTION_TEXT, offsetof(struct options, ssh_command), "SSHCOMMAND",
     "use this in place of ssh to ask the host"},
};

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    struct migrate_check mc = {
        .target = in->argv[1],
        .ssh_command = o->ssh_command,
        .timeout_ms = in->ui->timeout_ms,
    };
    GC_SCOPE(gc);
    int rc;

    rc = xlx_domain_find(in->ctx, in->argv[0], &mc.domid);
    if (!rc)
        rc = migrate_check(in->ctx, gc, &mc);
    if (rc)
        return xlx_exit_of(rc);
    migrate_check_show(gc, in->ui, &mc);
    return mc.may_move ? XLX_EXIT_DONE : XLX_EXIT_REFUSED;
}

const struct xlx_command cmd_migrate_check = {
    .name = "migrate-check",
    .synopsis = "[-s SSHCOMMAND] [--json] DOMAIN HOST|FILE",
    .summary = "Tell whether a guest may move to another host, and why not",
    .details = "Compares what the guest has of the CPU with the most that guests of its type can have on the other "
               "host, leaf by leaf, and looks at all else that decides it: Xen's version, memory, nomigrate, the "
               "device model, passed-through devices, disks and bridges. Exit status 0: it may; 4: it must not. "
               "The other host is asked by ssh, as xl migrate reaches it, or is given as a file that 'xl-ext "
               "cpu-policy --host' wrote there, which needs no network.",
    XLX_OPTIONS(options, struct options),
    .defaults = &defaults,
    .args_min = 2,
    .args_max = 2,
    .domain_arg = 0,
    .run = XLX_CODE(run),
};
