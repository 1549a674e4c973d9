/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/libxl-log.h"

#include <stdio.h>
#include <string.h>

/* libxl keeps the logger it was opened with, so this one lives as long as the process. */
static struct {
    xentoollog_logger logger;
    xentoollog_logger *next;
    char first[512];
    bool keeping;
} cause;

__attribute__((format(printf, 5, 0))) static void log_message(struct xentoollog_logger *logger, xentoollog_level level,
                                                              int errnoval, const char *context, const char *format,
                                                              va_list args)
{
    size_t len;

    if (!cause.keeping || level < XTL_ERROR || !context || strcmp(context, "libxl")) {
        cause.next->vmessage(cause.next, level, errnoval, context, format, args);
        return;
    }
    if (*cause.first)
        return;
    vsnprintf(cause.first, sizeof(cause.first), format, args);
    len = strcspn(cause.first, "\n");
    cause.first[len] = '\0';
    if (errnoval > 0)
        snprintf(cause.first + len, sizeof(cause.first) - len, ": %s", strerror(errnoval));
}

static void log_progress(struct xentoollog_logger *logger, const char *context, const char *doing_what, int percent,
                         unsigned long done, unsigned long total)
{
}

static void log_destroy(struct xentoollog_logger *logger)
{
}

void libxl_log_begin(struct xlx_ctx *ctx)
{
    if (!cause.next) {
        libxl_ctx *libxl;

        cause.logger = (xentoollog_logger){log_message, log_progress, log_destroy};
        cause.next = ctx->logger;
        ctx->logger = &cause.logger;
        /* opened now, with this logger; an error is logged and comes again when libxl is asked for */
        ctx_libxl(ctx, &libxl);
        ctx->logger = cause.next;
    }
    cause.keeping = true;
    cause.first[0] = '\0';
}

const char *libxl_log_first(void)
{
    const char *text = cause.first;

    /* "libxl_dm.c:2829:stubdom_xswait_cb: Domain 1:..." */
    if (!strncmp(text, "libxl", 5) && strstr(text, ".c:")) {
        const char *behind = strstr(text, ": ");

        if (behind)
            text = behind + 2;
    }
    return *text ? text : NULL;
}

void libxl_log_end(void)
{
    cause.keeping = false;
}
