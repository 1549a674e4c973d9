/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Init's own QMP connection, which stays open: it hears when QEMU's start is over, when its machine runs and when the
 * guest unplugs an emulated network card, and QEMU throws its descriptor sets away when no monitor is connected. */
#ifndef XL_EXT_STUBDOM_MONITOR_H
#define XL_EXT_STUBDOM_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stubdom/init/qmp_socket.h"

#define MONITOR_LINE_BYTES_MAX 16384 /* the longest line looked at; QEMU's events and its greeting are far below */

/* Connect; QEMU need not be up yet. Returns the descriptor to poll for input, or -1 after
 * reporting. */
int monitor_start(const struct qmp_socket *socket);

/* Read what there is and act on it. Returns 0, or -1 when the connection has ended (after closing
 * it). */
int monitor_dispatch(void);

/* Is the connection there, and has QEMU greeted? As long as it is, QEMU keeps its descriptor sets. */
bool monitor_is_greeted(void);

/* Has QEMU answered a command? It does so in its main loop, which begins when all its devices are made, and when it has
 * restricted itself to its guest. */
bool monitor_is_answered(void);

/* Does its machine run? QEMU tells xenstore so as long as it may; libxl waits for that. */
bool monitor_is_running(void);

/* Does this line, of len bytes, answer a command? */
bool monitor_is_answer(const char *line, size_t len);

/* Does this line say that QEMU's machine runs: the answer to query-status, or the event? */
bool monitor_says_running(const char *line, size_t len);

/* Is this line, of len bytes, the event that network card N ("nicN") has gone? */
bool monitor_is_nic_deleted(const char *line, size_t len, uint32_t *devid);

#endif
