/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fakes/ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fakes/fault.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

static char messages[8192], warnings[8192];
static unsigned message_count;

__attribute__((format(printf, 5, 0))) static void keep_message(struct xentoollog_logger *logger, xentoollog_level level,
                                                               int errnoval, const char *context, const char *format,
                                                               va_list args)
{
    char *kept = level < XTL_ERROR ? warnings : messages;
    size_t used = strlen(kept);

    if (level < XTL_WARN)
        return;
    message_count += level >= XTL_ERROR;
    vsnprintf(kept + used, sizeof(messages) - used, format, args);
    used = strlen(kept);
    snprintf(kept + used, sizeof(messages) - used, "\n");
}

static void keep_progress(struct xentoollog_logger *logger, const char *context, const char *doing_what, int percent,
                          unsigned long done, unsigned long total)
{
}

static void keep_logger(struct xentoollog_logger *logger)
{
}

static xentoollog_logger logger = {keep_message, keep_progress, keep_logger};

struct xlx_ctx *fake_ctx_again(void)
{
    struct xlx_ctx *ctx;

    fault_arm(0, 0);
    fault_only(NULL);
    fake_forget();
    fake_messages_forget();
    if (xlx_ctx_new(&ctx, &logger))
        abort();
    return ctx;
}

struct xlx_ctx *fake_ctx_new(void)
{
    fake_store_reset();
    fake_xen_reset();
    return fake_ctx_again();
}

void fake_ctx_killed(struct xlx_ctx *ctx)
{
    xlx_ctx_free(ctx);
    fake_store_transactions_end();
}

void fake_ctx_free(struct xlx_ctx *ctx)
{
    fault_arm(0, 0);
    if (fake_store_watches() || fake_store_transactions()) {
        fprintf(stderr, "%u watches and %u transactions are left\n", fake_store_watches(), fake_store_transactions());
        abort();
    }
    xlx_ctx_free(ctx);
    if (fake_store_handles() || fake_xen_handles()) {
        fprintf(stderr, "%u and %u handles are left\n", fake_store_handles(), fake_xen_handles());
        abort();
    }
    fake_store_reset();
}

const char *fake_messages(void)
{
    return messages;
}

const char *fake_warnings(void)
{
    return warnings;
}

unsigned fake_message_count(void)
{
    return message_count;
}

void fake_messages_forget(void)
{
    messages[0] = warnings[0] = '\0';
    message_count = 0;
}
