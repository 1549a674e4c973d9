/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_WAKE_H
#define XLX_CORE_WAKE_H

#include "core/ctx.h"

/* Does a guest stand still because it was written down? False also when it is gone. */
bool guest_is_suspended(struct xlx_ctx *ctx, uint32_t domid);

/* xl_run (core/xl.h) of an xl that has the guest suspend. *suspends_yet: xl has ended, and the guest has agreed to suspend
 * and not done so. libxl waits 60 s for that (libxl_dom_suspend.c), then gives up, and nobody wakes a guest that suspends
 * later. Known of guests that are asked through xenstore: HVM and PVH, and PV ones without an event channel for it. Returns
 * what xl_run does: a xenstore that cannot be watched is only warned of, and *suspends_yet is false then. Runs the loop. */
int xl_run_suspending(struct xlx_ctx *ctx, uint32_t domid, char *const *argv, int *exit_status, bool *suspends_yet);

/* Waits for a guest that suspends yet, five minutes at most, and says so. Runs the loop; an interrupt ends it. */
void guest_await_suspension(struct xlx_ctx *ctx, uint32_t domid);

/* After a save or a migration that failed: xl wakes the guest itself, unless xl was ended in the middle or did not wait. A
 * guest that is suspended, or suspends yet, goes on where it was; what is done, or cannot be done, is logged. Runs the
 * loop. */
void guest_wake(struct xlx_ctx *ctx, uint32_t domid, bool suspends_yet);

#endif
