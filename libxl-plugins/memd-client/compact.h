/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MEMD_CLIENT_COMPACT_H
#define XLX_MEMD_CLIENT_COMPACT_H

/*
 * A guest that is made small before it is saved or migrated: pages that it has given to Xen are not in the stream. It grows
 * back where it goes on, without anybody's help: the target of before stands in xenstore again when xl writes down the
 * guest's configuration, and only the hypervisor's limit keeps the guest small until it is suspended. The restored
 * guest has the target without that limit. Linux gives up on a target after four tries that failed, in some 15 s; a guest
 * that sleeps so when it is suspended would stay small where it goes on. So it is woken every COMPACT_WAKE_MS.
 *
 *   as it was --compact_begin: lower target and limit, wait; put the target back, keep the limit--> small
 *   small --compact_undo: the limit that belongs to the target--> as it was
 *   small --the guest is elsewhere; compact_over--> over
 */

#include "balloon/follow.h"
#include "base/ev.h"
#include "core/ctx.h"
#include "xlx-plugin.h"

#define COMPACT_TIMEOUT_MS 60000
#define COMPACT_WAKE_MS 5000

struct compact {
    /* filled in by the caller */
    struct xlx_ctx *ctx;
    struct xlx_ui *ui; /* shows how far the guest is; its time-out, or COMPACT_TIMEOUT_MS, bounds the wait */
    uint32_t domid;
    uint64_t to_memkb; /* as mem-set takes it, with video memory; 0: what the guest needs, as memd knows it */

    /* result */
    uint64_t before_memkb;  /* its target */
    uint64_t small_memkb;   /* the target that it was asked for; before_memkb: there was nothing to take */
    uint64_t reached_memkb; /* of it; before_memkb as well */

    /* private */
    uint64_t videoram_memkb;
    bool lowered; /* there is something to undo */
    bool held;    /* memd leaves it alone for us */
    struct ev_timer wake;
    struct follow follow; /* the target that is moved to wake it */
};

/* An exit status; after any but 0 the guest is as it was. A guest that does not get that small in time is no failure, but
 * said. Runs the loop. */
int compact_begin(struct compact *compact);
/* The guest goes on here. Failures are logged. */
void compact_undo(struct compact *compact);
/* The guest has gone. Either this or compact_undo ends what a compact_begin that returned 0 began. */
void compact_over(struct compact *compact);

#endif
