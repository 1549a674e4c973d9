/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_ROOM_H
#define XLX_STUBDOM_ROOM_H

/* Memory for a start: xl's lock, so that no two starts count on the same, and dom0's balloon when xl's configuration
 * wants that. */

#include "core/ctx.h"

struct room {
    int lock_fd; /* -1: not held */
};

/*
 * Take xl's lock (lockfile in xl.conf; waits for another start, at most ROOM_LOCK_TIMEOUT_MS) and see to it that the
 * host has room for guest and stub domain. libxl 4.17 counts 32 MiB for a stub domain whatever its size
 * (libxl__domain_need_memory_calculate), here it is counted in full. With autoballoon on, as xl decides it, dom0 gives
 * what is missing. Logs; *room is valid in any case.
 */
#define ROOM_LOCK_TIMEOUT_MS 120000
int room_make(struct xlx_ctx *ctx, libxl_domain_config *config, struct room *room);

/* Let go of the lock. */
void room_release(struct room *room);

#endif
