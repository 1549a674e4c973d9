/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/ctx.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "xlx-plugin.h"

__attribute__((format(printf, 3, 0))) static void log_to(xentoollog_logger *logger, xentoollog_level level,
                                                         const char *format, va_list args)
{
    /* libxentoollog does no more than this, and the tool can do without loading it. */
    logger->vmessage(logger, level, -1, NULL, format, args);
}

__attribute__((format(printf, 3, 4))) static void log_line(xentoollog_logger *logger, xentoollog_level level,
                                                           const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_to(logger, level, format, args);
    va_end(args);
}

int xlx_ctx_new(struct xlx_ctx **ctx, xentoollog_logger *logger)
{
    struct xlx_ctx *c = calloc(1, sizeof(*c));
    int r;

    if (!c)
        abort();
    c->logger = logger;
    c->store_fd = -1;
    r = uv_loop_init(&c->loop);
    if (r < 0) {
        log_line(logger, XTL_ERROR, "cannot make an event loop: %s", uv_strerror(r));
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
    while (ctx->closer_count)
        ctx->closers[--ctx->closer_count](ctx);
    if (ctx->store_fd >= 0)
        close(ctx->store_fd);
    ev_loop_close(&ctx->loop);
    free(ctx);
}

void ctx_at_end(struct xlx_ctx *ctx, void (*close)(struct xlx_ctx *ctx))
{
    if (ctx->closer_count == CTX_CLOSERS_MAX)
        abort();
    ctx->closers[ctx->closer_count++] = close;
}

void xlx_log(struct xlx_ctx *ctx, xentoollog_level level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_to(ctx->logger, level, format, args);
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

const char *xlx_why_no_dom0(void)
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
    const char *why = xlx_why_no_dom0();

    if (why)
        LOG(ctx, ERROR, "%s", why);
    else if (errno_value == EACCES || errno_value == EPERM)
        LOG(ctx, ERROR, "no permission to use %s: run as root", what);
    else
        LOG(ctx, ERROR, "cannot reach %s: %s", what, strerror(errno_value));
    return ERROR_FAIL;
}

int xlx_exit_of(int rc)
{
    switch (rc) {
    case 0:
        return XLX_EXIT_DONE;
    case ERROR_ABORTED:
        return XLX_EXIT_INTERRUPTED;
    case ERROR_TIMEDOUT:
        return XLX_EXIT_NOT_REACHED;
    case ERROR_INVAL:
        return XLX_EXIT_USAGE;
    default:
        return XLX_EXIT_FAILED;
    }
}

const char *xlx_version(void)
{
    return XLX_VERSION;
}
