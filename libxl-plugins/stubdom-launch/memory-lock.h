/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_MEMORY_LOCK_H
#define XLX_STUBDOM_LAUNCH_MEMORY_LOCK_H

/* Memory for a start: what memd has its guests give, xl's lock, so that no two starts count on the same, and dom0's
 * balloon when xl's configuration wants that. */

#include "core/ctx.h"
#include "memd-client/reserve.h"

struct memory_lock {
    int lock_fd;                        /* -1: not held */
    char reservation[RESERVE_NAME_LEN]; /* memd's name for it; "": there is none */
};

/*
 * Reserve what guest and stub domain need, where a memd serves the host (ERROR_TIMEDOUT: the guests did not give so much
 * within MEMORY_RESERVE_MS; when memd cannot be asked, a warning and nothing). Take xl's lock (lockfile in xl.conf; waits
 * for another start, at most MEMORY_LOCK_TIMEOUT_MS) and see to it that the host has room for guest and stub domain.
 * Runs the loop. Logs; *lock is valid in any case.
 */
#define MEMORY_LOCK_TIMEOUT_MS 120000
#define MEMORY_RESERVE_MS 60000
int memory_lock_take(struct xlx_ctx *ctx, libxl_domain_config *config, struct memory_lock *lock);

/*
 * The second half, with the lock held or not: what libxl says the start needs, which is the stub domain's memory in
 * full as well since Xen 4.14 (libxl__domain_need_memory_calculate). With autoballoon on, as xl decides it, dom0 gives
 * what is missing. ERROR_NOMEM: there is not enough. Logs.
 */
int memory_lock_make_room(struct xlx_ctx *ctx, libxl_domain_config *config);

/* Let go of the lock, and of what was reserved: the domains have taken it, or will not. */
void memory_lock_release(struct xlx_ctx *ctx, struct memory_lock *lock);

#endif
