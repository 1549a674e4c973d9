/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for the devices that QEMU's arguments name: the kernel connects them while init already
 * runs. */
#ifndef XL_EXT_STUBDOM_DEVICES_H
#define XL_EXT_STUBDOM_DEVICES_H

#include "stubdom/init/dm_argv.h"

#define DEVICES_TIMEOUT_MS 20000 /* libxl gives the whole start 30 s */

/*
 * Wait until every disk has its device node, every console is connected, and every network card has its interface. Woken
 * by the kernel's uevents, and every 50 ms while something is missing. Returns 0, or -1 after reporting what did not come
 * in time and where to look.
 */
int devices_wait(const struct dm_needs *needs);

#endif
