/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_LOOP_H
#define XLX_CORE_LOOP_H

/*
 * libxl joined to the libuv loop of a context: its file descriptors, time-outs and children are served there.
 */

#include "core/ctx.h"

/* ctx->libxl is open. From then on the loop reaps libxl's children (libxl_sigchld_owner_mainloop): a libxl call that
 * forks and gets a NULL ao_how would wait for ever. Logs and returns ERROR_FAIL when SIGCHLD cannot be caught. */
int loop_join_libxl(struct xlx_ctx *ctx);

#endif
