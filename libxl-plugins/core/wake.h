/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_WAKE_H
#define XLX_CORE_WAKE_H

#include "core/ctx.h"

/* Does a guest stand still because it was written down? False also when it is gone. */
bool guest_is_suspended(struct xlx_ctx *ctx, uint32_t domid);

/* After a save or a migration that failed: xl wakes the guest itself, unless xl was ended in the middle. A guest that is
 * still suspended goes on where it was; what is done, or cannot be done, is logged. Runs the loop. */
void guest_wake(struct xlx_ctx *ctx, uint32_t domid);

#endif
