/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/service/readers.h"

#include <grp.h>

int readers_read(struct xlx_ctx *ctx, const struct config *config, struct readers *readers)
{
    const struct group *group;
    const char *name;
    int rc;

    *readers = (struct readers){.there = false};
    rc = config_text(config, "readers", NULL, &name);
    if (rc || !name)
        return rc;
    group = getgrnam(name);
    if (!group) {
        LOG(ctx, ERROR, "readers='%.64s': there is no such group", name);
        return ERROR_INVAL;
    }
    *readers = (struct readers){true, group->gr_gid};
    return 0;
}
