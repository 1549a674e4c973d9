/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_START_H
#define XLX_STUBDOM_LAUNCH_START_H

/* A whole start, as stubdom-create and a restart do it: xl's lock, memory, create, unpause, and cleaning up after a
 * failure. */

#include "core/ctx.h"

struct stubdom_start {
    /* filled in by the caller */
    struct xlx_ctx *ctx;
    const char *json;                              /* the domain configuration in libxl's JSON form */
    bool paused;                                   /* leave it paused */
    void (*progress)(void *arg, const char *text); /* may be NULL */
    void *arg;

    /* result */
    uint32_t domid, stub_domid;
};

/*
 * Runs the loop. 0, ERROR_ABORTED after an interrupt, or an error that has been logged with its first cause and the end
 * of the stub domain's log. After any error nothing is left of guest and stub domain.
 */
int stubdom_start(struct stubdom_start *start);

#endif
