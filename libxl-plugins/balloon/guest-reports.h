/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_GUEST_REPORTS_H
#define XLX_BALLOON_GUEST_REPORTS_H

/*
 * Following a guest's reports.
 *
 * Any number of followers share one look at the guest. They cost nothing while it writes nothing; a guest that writes
 * as fast as it can is looked at GUEST_STATS_GAP_MS apart, and when it goes on like that ever more rarely, up to
 * GUEST_STATS_GAP_MAX_MS: the watch is taken off meanwhile. The interval that the agent is asked for is the shortest
 * that any follower wants.
 *
 *   Idle --start--> Following --stop--> Idle        zeros are Idle
 */

#include <sys/queue.h>

#include "balloon/guest-stats.h"
#include "core/ctx.h"

#define GUEST_STATS_GAP_MS 500
#define GUEST_STATS_GAP_MAX_MS 4000

/* What the guest says now, whoever asked for it, without following it; at_ms is 0. ERROR_NOTFOUND: nothing. Only an error
 * to reach xenstore is logged. */
int guest_stats_now(struct xlx_ctx *ctx, uint32_t domid, struct guest_stats *stats);

struct guest_follow {
    /* A report has been written, also one that says the same as the last: stats->at_ms tells when. Or the last one is
     * there no more, or cannot be read: then nothing is known and stats->at_ms is 0. when_s: seconds since the epoch by
     * the host's clock. Not called from within start; must not stop a follower. A report that was there before the first
     * follower came is told with an age that it may have; but our agent's is not: it reports anew when an interval is
     * set. */
    void (*reported)(struct guest_follow *follow, const struct guest_stats *stats, int64_t when_s);

    /* private */
    struct guest_reports *reports;
    LIST_ENTRY(guest_follow) entry;
    uint32_t interval_s;
};

/* interval_s: 0 asks for nothing, what others ask for is told. Logs. */
int guest_follow_start(struct xlx_ctx *ctx, struct guest_follow *follow, uint32_t domid, uint32_t interval_s,
                       void (*reported)(struct guest_follow *, const struct guest_stats *, int64_t));
void guest_follow_interval(struct guest_follow *follow, uint32_t interval_s);
/* Asks the agent for a report of this moment, also to confirm the last one. Other agents than ours do not answer. No
 * effect with an interval of 0. */
void guest_follow_ask(struct guest_follow *follow);
void guest_follow_stop(struct guest_follow *follow);

#endif
