/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest that xl has left suspended on the way to another host. */
#include "core/wake.h"

#include <string.h>

#include "base/ends-in.h"
#include "core/domain.h"
#include "migrate/migrate.h"

/* xl renames the guest just before it lets the other side start it. A name that is longer than can be shown is taken for that one. */
static bool may_run_there(struct xlx_ctx *ctx, uint32_t domid)
{
    char name[XLX_NAME_MAX];
    struct xs_handle *xs;

    if (ctx_xs(ctx, &xs))
        return true;
    domain_name(ctx, xs, domid, name);
    return strlen(name) == XLX_NAME_MAX - 1 || ends_in(name, NAME_END_AWAY);
}

void migrate_wake(struct xlx_ctx *ctx, uint32_t domid, const char *host, bool suspends_yet)
{
    if (suspends_yet)
        guest_await_suspension(ctx, domid);
    if (!guest_is_suspended(ctx, domid))
        return;
    if (may_run_there(ctx, domid))
        LOGD(ctx, ERROR, domid,
             "%s may have started the guest, so it stays suspended here: look there, and destroy it here when it runs "
             "there",
             host);
    else
        guest_wake(ctx, domid, false);
}
