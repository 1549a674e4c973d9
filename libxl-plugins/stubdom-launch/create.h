/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_CREATE_H
#define XLX_STUBDOM_LAUNCH_CREATE_H

/*
 * Creating a guest with its device model in a stub domain, through libxl_domain_create_new.
 *
 *   Idle --start (builds the guest, blocks)--> Starting --libxl calls back--> done
 *                                              Starting --QEMU or stub domain ends, interrupt--> Stopping
 *                                              Stopping --libxl calls back--> done
 *
 * libxl itself looks at nothing but the word "running" and waits 30 s for it; here the end of QEMU and of the stub
 * domain are watched too, so that a start that has failed ends at once. After a failure libxl has destroyed both
 * domains.
 */

#include "core/ao.h"
#include "stubdom-launch/consoles.h"
#include "xenstore/watch.h"

struct stubdom_create {
    /* filled in by the caller */
    struct ao ao;
    libxl_domain_config *config; /* stays the caller's; libxl fills in defaults */
    const char *name;            /* the guest's */
    /* A step has been reached; may be NULL. text is static. */
    void (*progress)(struct stubdom_create *op, const char *text);
    void *arg; /* the caller's own */

    /* result */
    uint32_t domid;      /* the guest, paused; 0: none */
    uint32_t stub_domid; /* also of a start that has failed; 0: not that far */
    const char *died;    /* why the start was stopped here, a static text; NULL: it was not */

    /* private */
    libxl_ctx *libxl;
    libxl_asyncop_how how;
    struct store_watcher *watcher;
    /* Only what the toolstack and the guest's own stub domain write: other guests could write without end. */
    struct store_watch introductions, releases, guest, dom0s, stubs;
    struct stub_consoles consoles;
    unsigned steps;      /* that were told of, a bit each */
    uint32_t seen_domid; /* the guest, once it is known to xenstored */
    bool stopping;
};

/* Returns 0 when the operation is under way (its end comes by done), or a logged error. */
int stubdom_create_start(struct stubdom_create *op);

#endif
