/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/wake.h"
#include "core/xl.h"
#include "memd-client/compact.h"
#include "migrate/migrate.h"

struct options {
    const char *ssh_command, *config, *policy;
    bool force, compact;
    uint64_t to_memkb;
    bool foreground, no_wait, paused, keep_domid, debug, live; /* only for xl */
};

static const struct options defaults = {.ssh_command = "ssh"};

static const struct xlx_option options[] = {
    {'C', "config", XLX_OPTION_TEXT, offsetof(struct options, config), "CONFIG", "xl's: send this configuration", true},
    {'D', "preserve-domid", XLX_OPTION_FLAG, offsetof(struct options, keep_domid), NULL, "xl's: keep the domid", true},
    {'F', "foreground", XLX_OPTION_FLAG, offsetof(struct options, foreground), NULL, "xl's: no daemon there", true},
    {0, "compact", XLX_OPTION_FLAG, offsetof(struct options, compact), NULL,
     "have the guest give back what it does not need before"},
    {0, "debug", XLX_OPTION_FLAG, offsetof(struct options, debug), NULL, "xl's: print much", true},
    {'e', "no-wait", XLX_OPTION_FLAG, offsetof(struct options, no_wait), NULL,
     "xl's: do not wait there for the guest's death", true},
    {'f', "force", XLX_OPTION_FLAG, offsetof(struct options, force), NULL, "migrate whatever the check says"},
    {0, "live", XLX_OPTION_FLAG, offsetof(struct options, live), NULL, "xl's: for compatibility", true},
    {'p', "paused", XLX_OPTION_FLAG, offsetof(struct options, paused), NULL, "xl's: leave it paused there", true},
    {0, "policy", XLX_OPTION_TEXT, offsetof(struct options, policy), "FILE",
     "check against this file of cpu-policy, rather than ask HOST"},
    {'s', "ssh", XLX_OPTION_TEXT, offsetof(struct options, ssh_command), "SSHCOMMAND",
     "use this in place of ssh, for the check and for xl", true},
    {0, "to", XLX_OPTION_SIZE, offsetof(struct options, to_memkb), "SIZE",
     "with --compact: down to this, rather than to what memd says it needs"},
};

/* The other side finds room before anything is sent. Without a command for ssh, HOST is a command that takes the guest: there
 * is nobody to ask. */
static int reserve_there(const struct xlx_invocation *in, struct gc *gc, const struct migrate_check *mc)
{
    const struct options *o = in->options;
    struct migrate_reserve reserve = {
        .host = in->argv[1],
        .ssh_command = o->ssh_command,
        .uuid = mc->uuid,
        .memkb = mc->need_memkb,
        .timeout_ms = in->ui->timeout_ms,
    };

    return mc->need_memkb && *o->ssh_command ? migrate_reserve(in->ctx, gc, &reserve) : 0;
}

/* A guest that may run there is left to the administrator: migrate_wake has said so. */
static void undo(const struct xlx_invocation *in, struct gc *gc, const struct migrate_check *mc, bool suspends_yet)
{
    const struct options *o = in->options;

    migrate_wake(in->ctx, mc->domid, in->argv[1], suspends_yet);
    if (*o->ssh_command && *mc->uuid && !guest_is_suspended(in->ctx, mc->domid))
        migrate_forget_there(in->ctx, gc, o->ssh_command, in->argv[1], mc->uuid);
}

static int run_xl(const struct xlx_invocation *in, struct gc *gc, const struct migrate_check *mc)
{
    int rc, exit_status;
    bool suspends_yet;

    rc = xl_run_suspending(in->ctx, mc->domid, in->xl_argv, &exit_status, &suspends_yet);
    if (rc || exit_status)
        undo(in, gc, mc, suspends_yet);
    return rc ? xlx_exit_of(rc) : exit_status;
}

/* The other side's memd waits for no guest that is still giving memory back. */
static int move_small(const struct xlx_invocation *in, struct gc *gc, const struct migrate_check *mc)
{
    const struct options *o = in->options;
    struct compact compact = {.ctx = in->ctx, .ui = in->ui, .domid = mc->domid, .to_memkb = o->to_memkb};
    int rc, status;

    status = compact_begin(&compact);
    if (status)
        return status;
    rc = reserve_there(in, gc, mc);
    status = rc ? xlx_exit_of(rc) : run_xl(in, gc, mc);
    if (status)
        compact_undo(&compact);
    else
        compact_over(&compact);
    return status;
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    struct migrate_check mc = {
        .target = o->policy ? o->policy : in->argv[1],
        .ssh_command = o->ssh_command,
        .timeout_ms = in->ui->timeout_ms,
    };
    const char *never;
    bool stays;
    GC_SCOPE(gc);
    int rc;

    if (!o->policy && policy_names_file(in->argv[1])) {
        LOG(in->ctx, ERROR, "'%.128s' is a file: migrate needs a host (and takes the file with --policy)", in->argv[1]);
        return XLX_EXIT_USAGE;
    }
    if (o->to_memkb && !o->compact) {
        LOG(in->ctx, ERROR, "--to goes with --compact");
        return XLX_EXIT_USAGE;
    }
    if (xlx_why_no_dom0())
        return xl_runs_alone(in, xlx_why_no_dom0());
    rc = xlx_domain_find(in->ctx, in->argv[0], &mc.domid);
    if (rc)
        return xlx_exit_of(rc);
    never = o->force ? NULL : migrate_why_never(in->ctx, gc, mc.domid);
    if (never) {
        LOGD(in->ctx, ERROR, mc.domid, "it cannot be migrated to any host: %s (use --force to try all the same)",
             never);
        return XLX_EXIT_REFUSED;
    }
    rc = migrate_check(in->ctx, gc, &mc);
    if (rc && !o->force)
        return xlx_exit_of(rc);
    stays = rc || !mc.may_move || mc.only_saved;
    if (!rc && (stays || in->ui->json))
        migrate_check_show(gc, in->ui, &mc);
    if (stays && !o->force) {
        LOG(in->ctx, ERROR, "%s stays here (use --force to migrate it all the same)", mc.name);
        return XLX_EXIT_REFUSED;
    }
    if (stays)
        LOG(in->ctx, WARN, "migrating %s against the check, as asked", in->argv[0]);
    if (migrate_put_back(in->ctx, gc, mc.domid))
        return XLX_EXIT_FAILED;
    if (o->compact)
        return move_small(in, gc, &mc);
    rc = reserve_there(in, gc, &mc);
    return rc ? xlx_exit_of(rc) : run_xl(in, gc, &mc);
}

const struct xlx_command cmd_migrate = {
    .name = "migrate",
    .synopsis = "[-f] [--compact [--to SIZE]] [--policy FILE] [-s SSHCOMMAND] [XL-OPTION]... DOMAIN HOST",
    .summary = "Check whether a guest may move to a host, then migrate it",
    .details =
        "A check that says no stops it with exit status 4, unless --force is given; what 'xl-ext migrate-check' "
        "would print is shown. Then memd on HOST makes room for the guest (exit status 3: it cannot), where there "
        "is one, and xl migrate does the work.\n"
        "\n"
        "With --compact the guest first gives back what it does not need now, which is then not sent; it grows "
        "back at HOST, or here when it cannot be migrated. Otherwise its memory is left as it is.",
    XLX_OPTIONS(options, struct options),
    .defaults = &defaults,
    .args_min = 2,
    .args_max = 2,
    .domain_arg = 0,
    .flags = XLX_COMMAND_MODIFIES | XLX_COMMAND_ANYWHERE | XLX_COMMAND_WRAPS_XL,
    .run = XLX_CODE(run),
};
