/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The context's connections to the hypervisor and xenstored. */
#include "core/ctx.h"

#include <errno.h>

#include "base/cleanup.h"
#include "xenstore/connect.h"

static void close_xs(struct xlx_ctx *ctx)
{
    xs_close(ctx->xs);
}

int ctx_xs(struct xlx_ctx *ctx, struct xs_handle **xs)
{
    if (!ctx->xs) {
        CLEANUP_FD int looked = TAKE_FD(ctx->store_fd);

        ctx->xs = looked >= 0 ? xs_open(0) : store_open();
        if (!ctx->xs)
            return ctx_refuse(ctx, "xenstored (is it running?)", errno);
        ctx_at_end(ctx, close_xs);
    }
    *xs = ctx->xs;
    return 0;
}

static void close_xc(struct xlx_ctx *ctx)
{
    xc_interface_close(ctx->xc);
}

int ctx_xc(struct xlx_ctx *ctx, xc_interface **xc)
{
    if (!ctx->xc) {
        /* libxenctrl prints lines of its own beside our one sentence; the tool's logger drops them. */
        ctx->xc = xc_interface_open(ctx->logger, ctx->logger, 0);
        if (!ctx->xc)
            return ctx_refuse(ctx, "the hypervisor", errno);
        ctx_at_end(ctx, close_xc);
    }
    *xc = ctx->xc;
    return 0;
}

/* Most of what libxenstore's connection costs is saved where a batch reads all that a command needs. */
static int look_for_store(struct xlx_ctx *ctx)
{
    struct xs_handle *xs;

    if (ctx->xs || ctx->store_fd >= 0)
        return 0;
    ctx->store_fd = store_socket(0);
    return ctx->store_fd < 0 ? ctx_xs(ctx, &xs) : 0;
}

bool xlx_ctx_usable(struct xlx_ctx *ctx)
{
    xc_interface *xc;
    const char *why = xlx_why_no_dom0();

    if (why) {
        LOG(ctx, ERROR, "%s", why);
        return false;
    }
    return !ctx_xc(ctx, &xc) && !look_for_store(ctx);
}

static void xenstore_lost(void *arg)
{
    struct xlx_ctx *ctx = arg;

    ctx->xenstore_lost = true;
    LOG(ctx, ERROR, "the connection to xenstored is lost");
    uv_stop(&ctx->loop);
}

static void close_watcher(struct xlx_ctx *ctx)
{
    store_watcher_free(ctx->watcher);
}

int ctx_watcher(struct xlx_ctx *ctx, struct store_watcher **watcher)
{
    struct xs_handle *xs = NULL;
    int rc;

    if (!ctx->watcher) {
        rc = ctx_xs(ctx, &xs);
        if (rc)
            return rc;
        ctx->watcher = store_watcher_new(&ctx->loop, xs, xenstore_lost, ctx);
        if (!ctx->watcher) {
            LOG(ctx, ERROR, "cannot watch xenstore: the event loop refuses its connection");
            return ERROR_FAIL;
        }
        ctx_at_end(ctx, close_watcher);
    }
    *watcher = ctx->watcher;
    return 0;
}
