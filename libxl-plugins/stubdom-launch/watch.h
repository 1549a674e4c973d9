/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_WATCH_H
#define XLX_STUBDOM_LAUNCH_WATCH_H

/*
 * Watching a guest and its device model until one of them ends. All of it comes by events: xenstored says when a domain
 * has shut down or gone, the stub domain's init leaves a word when QEMU ends.
 *
 *   Idle --start--> Watching --one of enum stubdom_event--> done(0)
 *
 * "xl destroy" takes the stub domain away before the guest. Since it pauses the guest first, a paused guest that has
 * lost its stub domain counts as being destroyed, for a minute. A guest that is suspended has not ended: "xl save"
 * suspends it, fails with a stub domain, and lets it go on.
 */

#include "core/ao.h"
#include "xenstore/watch.h"

enum stubdom_event {
    STUBDOM_GUEST_SHUT_DOWN, /* reason says how */
    STUBDOM_GUEST_GONE,      /* destroyed by somebody */
    STUBDOM_DEVICE_MODEL_DEAD,
};

struct stubdom_watch {
    /* filled in by the caller */
    struct ao ao;
    uint32_t domid, stub_domid;

    /* result */
    enum stubdom_event event;
    unsigned reason;   /* SHUTDOWN_* of xen/sched.h */
    char how_dead[96]; /* how the device model ended */

    /* private */
    struct store_watch releases, exit_node;
    struct ev_timer destruction;
};

int stubdom_watch_start(struct stubdom_watch *op);

#endif
