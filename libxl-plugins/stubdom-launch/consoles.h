/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_CONSOLES_H
#define XLX_STUBDOM_LAUNCH_CONSOLES_H

/*
 * The consoles of a Linux stub domain whose QEMU in dom0 is 8.2 or later. libxl (4.17 to 4.21) and such a QEMU leave some of them
 * unconnected, and the stub domain's kernel waits for them until libxl gives up; docs/xen-versions.md has the sources.
 *
 *   Idle --start--> Watching --the log's console is connected, or stop--> Idle
 *
 * An older QEMU connects them itself: nothing is written then.
 */

#include "core/ctx.h"
#include "xenstore/watch.h"

struct stub_consoles {
    /* private */
    struct xlx_ctx *ctx;
    uint32_t domid;
    struct store_watch backends; /* only what dom0 writes: a stub domain could write without end */
};

/* Zeros are Idle. What is there already is looked at from the loop. An error that has been logged: nothing is watched. */
int stub_consoles_start(struct stub_consoles *consoles, struct xlx_ctx *ctx, uint32_t stub_domid);
/* Idempotent. */
void stub_consoles_stop(struct stub_consoles *consoles);

#endif
