/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_CTX_H
#define XLX_CORE_CTX_H

/*
 * The context: one loop, and the connections that operations share. Each is opened when first asked for, because most
 * of a short command's time is spent opening what it does not need.
 */

#include <sys/queue.h>
#include <uv.h>
#include <xenctrl.h>
#include <xenstore.h>

#include "base/ev.h"
#include "xenstore/watch.h"
#include "xlx.h"

#define CTX_CLOSERS_MAX 8

struct guest_reports;
struct sampler;

struct xlx_ctx {
    xentoollog_logger *logger;
    uv_loop_t loop;
    /* NULL until asked for */
    struct xs_handle *xs;
    int store_fd; /* a connection to xenstored that nobody has used yet; -1: none */
    xc_interface *xc;
    libxl_ctx *libxl;
    struct store_watcher *watcher;
    struct sampler *sampler;
    LIST_HEAD(guest_reports_list, guest_reports) guest_reports;
    struct ev_signal sigchld;
    bool xenstore_lost;
    /* what has been opened closes itself, so that nobody links what he never opens */
    void (*closers[CTX_CLOSERS_MAX])(struct xlx_ctx *ctx);
    unsigned closer_count;
};

/* Has close called when the context is freed; what was opened last is closed first. */
void ctx_at_end(struct xlx_ctx *ctx, void (*close)(struct xlx_ctx *ctx));

/* Each returns 0 with the thing in *result, which stays the context's, or a logged error that says what this machine is
 * instead of a dom0. */
int ctx_xs(struct xlx_ctx *ctx, struct xs_handle **xs);
int ctx_xc(struct xlx_ctx *ctx, xc_interface **xc);
int ctx_watcher(struct xlx_ctx *ctx, struct store_watcher **watcher);
/* libxl joined to the loop by osevent hooks, SIGCHLD ours: every long libxl call needs an ao_how from now on (a call
 * that forks and gets a NULL ao_how would wait for ever). In core/loop.c. */
int ctx_libxl(struct xlx_ctx *ctx, libxl_ctx **libxl);

/* Logs that what could not be opened, or what this machine is instead of a dom0; returns ERROR_FAIL. */
int ctx_refuse(struct xlx_ctx *ctx, const char *what, int errno_value);

#define LOG(ctx, level, ...) xlx_log((ctx), XTL_##level, __VA_ARGS__)
/* With "domain %u: " in front. */
#define LOGD(ctx, level, domid, format, ...)                                                                           \
    xlx_log((ctx), XTL_##level, "domain %u: " format, (unsigned)(domid), ##__VA_ARGS__)

#endif
