/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* save: xl save, with a look before and after at guests whose device model runs in a stub domain, and of a guest that is
 * made small before. */
#include <stddef.h>

#include "base/cleanup.h"
#include "core/wake.h"
#include "core/xl.h"
#include "memd-client/compact.h"
#include "stubdom-launch/save.h"
#include "stubdom-launch/stubdom.h"

struct options {
    bool stays, paused, keep_domid; /* xl's */
    bool compact;
    uint64_t to_memkb;
};

static const struct xlx_option options[] = {
    {'D', "preserve-domid", XLX_OPTION_FLAG, offsetof(struct options, keep_domid), NULL, "xl's: keep the domid", true},
    {'c', "checkpoint", XLX_OPTION_FLAG, offsetof(struct options, stays), NULL, "xl's: the guest goes on", true},
    {0, "compact", XLX_OPTION_FLAG, offsetof(struct options, compact), NULL,
     "have the guest give back what it does not need before"},
    {'p', "paused", XLX_OPTION_FLAG, offsetof(struct options, paused), NULL, "xl's: the guest stays, paused", true},
    {0, "to", XLX_OPTION_SIZE, offsetof(struct options, to_memkb), "SIZE",
     "with --compact: down to this, rather than to what memd says it needs"},
};

static int run_xl(const struct xlx_invocation *in, uint32_t domid)
{
    int rc, exit_status;
    bool suspends_yet;

    rc = xl_run_suspending(in->ctx, domid, in->xl_argv, &exit_status, &suspends_yet);
    if (rc || exit_status)
        guest_wake(in->ctx, domid, suspends_yet);
    return rc ? xlx_exit_of(rc) : exit_status;
}

static int save_small(const struct xlx_invocation *in, struct stubdom_save *save, bool has_stub_domain)
{
    const struct options *o = in->options;
    struct compact compact = {.ctx = in->ctx, .ui = in->ui, .domid = save->domid, .to_memkb = o->to_memkb};
    int status;

    status = compact_begin(&compact);
    if (status)
        return status;
    status = has_stub_domain ? stubdom_save(save) : run_xl(in, save->domid);
    if (status || o->stays || o->paused)
        compact_undo(&compact);
    else
        compact_over(&compact);
    return status;
}

static int run(const struct xlx_invocation *in)
{
    const struct options *o = in->options;
    struct stubdom_save save = {
        .ctx = in->ctx,
        .xl_argv = in->xl_argv,
        .path = in->argv[1],
        .stays = o->stays,
        .paused = o->paused,
    };
    bool has_stub_domain;
    int rc;

    if (o->to_memkb && !o->compact) {
        LOG(in->ctx, ERROR, "--to goes with --compact");
        return XLX_EXIT_USAGE;
    }
    if (xlx_why_no_dom0())
        return xl_runs_alone(in, xlx_why_no_dom0());
    rc = xlx_domain_find(in->ctx, in->argv[0], &save.domid);
    if (rc)
        return xlx_exit_of(rc);
    has_stub_domain = stubdom_is_linux(in->ctx, save.domid);
    if (o->compact)
        return save_small(in, &save, has_stub_domain);
    return has_stub_domain ? stubdom_save(&save) : run_xl(in, save.domid);
}

const struct xlx_command cmd_save = {
    .name = "save",
    .synopsis = "[-c] [-p] [-D] [--compact [--to SIZE]] DOMAIN FILE [CONFIG]",
    .summary = "Save a guest to a file, and let it go when the file is whole",
    .details =
        "xl save does the work. A guest whose device model runs in a stub domain is looked at before: exit status 4 "
        "when it cannot be saved, and nothing has happened. Its file is verified afterwards, the device model's "
        "state in it too, before the guest is let go; when something is missing the guest goes on where it was.\n"
        "\n"
        "With --compact the guest first gives back what it does not need now, which is then not in the file; it grows "
        "back where it is restored, or here when it stays.",
    XLX_OPTIONS(options, struct options),
    .args_min = 2,
    .args_max = 3,
    .domain_arg = 0,
    .flags = XLX_COMMAND_MODIFIES | XLX_COMMAND_ANYWHERE | XLX_COMMAND_WRAPS_XL,
    .run = XLX_CODE(run),
};
