/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* save: xl save, with a look before and after at guests whose device model runs in a stub domain. */
#include <stddef.h>

#include "base/cleanup.h"
#include "core/xl.h"
#include "stubdom-launch/save.h"
#include "stubdom-launch/stubdom.h"

struct options {
    bool stays, paused, keep_domid;
};

static const struct xlx_option options[] = {
    {'D', "preserve-domid", XLX_OPTION_FLAG, offsetof(struct options, keep_domid), NULL, "xl's: keep the domid", true},
    {'c', "checkpoint", XLX_OPTION_FLAG, offsetof(struct options, stays), NULL, "xl's: the guest goes on", true},
    {'p', "paused", XLX_OPTION_FLAG, offsetof(struct options, paused), NULL, "xl's: the guest stays, paused", true},
};

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
    int rc;

    if (xlx_why_no_dom0())
        return xl_runs_alone(in, xlx_why_no_dom0());
    rc = xlx_domain_find(in->ctx, in->argv[0], &save.domid);
    if (rc)
        return xlx_exit_of(rc);
    return stubdom_is_linux(in->ctx, save.domid) ? stubdom_save(&save) : xl_runs_alone(in, NULL);
}

const struct xlx_command cmd_save = {
    .name = "save",
    .synopsis = "[-c] [-p] [-D] DOMAIN FILE [CONFIG]",
    .summary = "Save a guest to a file, and let it go when the file is whole",
    .details =
        "xl save does the work. A guest whose device model runs in a stub domain is looked at before: exit status 4 "
        "when it cannot be saved, and nothing has happened. Its file is verified afterwards, the device model's "
        "state in it too, before the guest is let go; when something is missing the guest goes on where it was.",
    XLX_OPTIONS(options, struct options),
    .args_min = 2,
    .args_max = 3,
    .domain_arg = 0,
    .flags = XLX_COMMAND_MODIFIES | XLX_COMMAND_ANYWHERE | XLX_COMMAND_WRAPS_XL,
    .run = XLX_CODE(run),
};
