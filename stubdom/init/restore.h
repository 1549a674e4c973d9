/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device model's state on its way in, when libxl restores a guest: the QEMU in dom0 reads libxl's file into console 2,
 * and init takes the last whole state or refuses. A state that is cut, foreign or older than the guest never runs.
 */
#ifndef XL_EXT_STUBDOM_RESTORE_H
#define XL_EXT_STUBDOM_RESTORE_H

#include "base/dm-state.h"
#include "stubdom/init/outbox.h"

/*
 * How it is known that no more will come: dom0's QEMU refills console 2 whenever it has nothing else to do. It has taken
 * this many pieces, one after the other, from console 1 since the last byte came by console 2: then it has looked after
 * console 2 as often, and had nothing.
 */
#define RESTORE_TURNS 6
#define RESTORE_PIECE_BYTES OUTBOX_PIECE_BYTES

/*
 * Reads from fd, non-blocking, to the end, with the help of console 1 (empty at the start, and again at the end). Returns
 * NULL with the state in the reader, or why there is none (one line, static or the reader's).
 */
const char *restore_read(int fd, struct outbox *console, struct dm_state_reader *reader);

/* The state as a file in memory, open at its beginning: the descriptor is the caller's. -1 with errno. */
int restore_file(const struct dm_state_reader *reader);

#endif
