/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/ctx.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/plugin.h"
#include "core/sampler.h"
#include "xenstore/connect.h"

int xlx_ctx_new(struct xlx_ctx **ctx, xentoollog_logger *logger)
{
    struct xlx_ctx *c = calloc(1, sizeof(*c));
    int r;

    if (!c)
        abort();
    c->logger = logger;
    r = uv_loop_init(&c->loop);
    if (r < 0) {
        xtl_log(logger, XTL_ERROR, -1, "xlx", "cannot make an event loop: %s", uv_strerror(r));
        free(c);
        return ERROR_FAIL;
    }
    *ctx = c;
    return 0;
}

void xlx_ctx_free(struct xlx_ctx *ctx)
{
    if (!ctx)
        return;
    plugin_set_free(ctx, ctx->plugins);
    sampler_free(ctx->sampler);
    if (ctx->libxl) {
        /* Time-outs that libxl has just given up are released from the loop, and need it for that. */
        uv_run(&ctx->loop, UV_RUN_NOWAIT);
        ctx->libxl_close(ctx);
    }
    store_watcher_free(ctx->watcher);
    if (ctx->xc)
        xc_interface_close(ctx->xc);
    if (ctx->xs)
        xs_close(ctx->xs);
    ev_loop_close(&ctx->loop);
    free(ctx);
}

void xlx_log(struct xlx_ctx *ctx, xentoollog_level level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    xtl_logv(ctx->logger, level, -1, NULL, format, args);
    va_end(args);
}

static bool file_says(const char *path, const char *word)
{
    CLEANUP_FILE FILE *f = fopen(path, "re");
    char text[256] = "";

    if (!f)
        return false;
    if (!fgets(text, sizeof(text), f))
        return false;
    return strstr(text, word);
}

const char *ctx_why_no_dom0(void)
{
    if (file_says("/proc/xen/capabilities", "control_d"))
        return NULL;
    if (file_says("/sys/hypervisor/type", "xen"))
        return access("/proc/xen/capabilities", F_OK)
                   ? "this machine runs on Xen, but /proc/xen is not mounted: in dom0 mount it with "
                     "'mount -t xenfs xenfs /proc/xen'; a guest cannot control other domains"
                   : "this is a Xen guest, not dom0: run the command in dom0";
    return "this machine does not run on Xen: boot it with the Xen hypervisor, or try xl-ext in the lab "
           "('make demo' or 'lab/xen-lab shell' in its source)";
}

int ctx_refuse(struct xlx_ctx *ctx, const char *what, int errno_value)
{
    const char *why = ctx_why_no_dom0();

    if (why)
        LOG(ctx, ERROR, "%s", why);
    else if (errno_value == EACCES || errno_value == EPERM)
        LOG(ctx, ERROR, "no permission to use %s: run as root", what);
    else
        LOG(ctx, ERROR, "cannot reach %s: %s", what, strerror(errno_value));
    return ERROR_FAIL;
}

int ctx_xs(struct xlx_ctx *ctx, struct xs_handle **xs)
{
    if (!ctx->xs) {
        ctx->xs = store_open();
        if (!ctx->xs)
            return ctx_refuse(ctx, "xenstored (is it running?)", errno);
    }
    *xs = ctx->xs;
    return 0;
}

int ctx_xc(struct xlx_ctx *ctx, xc_interface **xc)
{
    if (!ctx->xc) {
        /* A logger that drops everything: libxenctrl would print its own lines beside our one sentence. */
        ctx->xc = xc_interface_open(ctx->logger, ctx->logger, 0);
        if (!ctx->xc)
            return ctx_refuse(ctx, "the hypervisor", errno);
    }
    *xc = ctx->xc;
    return 0;
}

bool xlx_ctx_usable(struct xlx_ctx *ctx)
{
    struct xs_handle *xs;
    xc_interface *xc;
    const char *why = ctx_why_no_dom0();

    if (why) {
        LOG(ctx, ERROR, "%s", why);
        return false;
    }
    return !ctx_xc(ctx, &xc) && !ctx_xs(ctx, &xs);
}

static void xenstore_lost(void *arg)
{
    struct xlx_ctx *ctx = arg;

    ctx->xenstore_lost = true;
    LOG(ctx, ERROR, "the connection to xenstored is lost");
    uv_stop(&ctx->loop);
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
    }
    *watcher = ctx->watcher;
    return 0;
}
