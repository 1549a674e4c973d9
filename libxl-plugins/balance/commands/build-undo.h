/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_COMMANDS_BUILD_UNDO_H
#define XLX_BALANCE_COMMANDS_BUILD_UNDO_H

/*
 * What xl leaves behind. Ended by a signal it leaves what it has built: a domain that never ran and that libxl has no
 * configuration of, and a stub domain with the name that the next start needs. And whose sender goes away leaves the whole
 * guest, paused: xl migrate-receive tells the sender of its failure before it destroys its copy, and ends when that fails.
 */
#include "core/ctx.h"

/* What there was before xl ran, in the pool. NULL: nobody knows, logged. */
struct build_before;
const struct build_before *build_before(struct xlx_ctx *ctx, struct gc *gc);

/* Destroys the unfinished domain with that UUID, and its stub domain. Nothing that was there before, that runs, or that
 * is whole. Runs the loop; logs. */
void build_undo(struct xlx_ctx *ctx, const char *uuid, const struct build_before *before);

/* Destroys what has come of the guest with that UUID from another host and was not let run: it has xl's name for such, and
 * is paused. 0 also when there is nothing; an error of libxl (logged): it may be there still. Runs the loop. */
int build_forget_incoming(struct xlx_ctx *ctx, const char *uuid);

#endif
