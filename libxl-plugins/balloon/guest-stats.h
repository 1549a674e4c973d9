/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_GUEST_STATS_H
#define XLX_BALLOON_GUEST_STATS_H

/*
 * The memory statistics that guests report through xenstore: by the agent of agent/protocol.h, else by XenServer's
 * agents (data/meminfo_*), else by Qubes' (memory/meminfo). Whatever stands there may be a lie; what cannot be is left
 * out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/protocol.h"
#include "core/ctx.h"

/* Units as in agent/protocol.h: bytes, counts, hundredths of a percent, microseconds. */
struct guest_stats {
    uint32_t known; /* bit n: values[n] was reported */
    uint64_t values[AGENT_STAT_NR];
};

static inline bool guest_stats_has(const struct guest_stats *stats, enum agent_stat stat)
{
    return stats->known >> stat & 1;
}

/* The agent's report. Never fails: what does not parse, or cannot be, is absent. text need not be terminated. */
void guest_stats_parse(const char *text, size_t len, struct guest_stats *stats);
/* KiB as XenServer's agents and Qubes' write them; NULL or no number: absent. Qubes tells what is used of target_memkb.
 */
void guest_stats_from_xenserver(const char *total, const char *free, struct guest_stats *stats);
void guest_stats_from_qubes(const char *used, uint64_t target_memkb, struct guest_stats *stats);

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
#define GUEST_STATS_GAP_MS 500
#define GUEST_STATS_GAP_MAX_MS 4000

struct guest_follow {
    /* when_s: seconds since the epoch by the host's clock. Not called from within start; must not stop a follower. A
     * report that was there before the first follower came has an unknown age and is not told; the agent reports anew
     * when an interval is set. */
    void (*reported)(struct guest_follow *follow, const struct guest_stats *stats, int64_t when_s);

    /* private */
    struct guest_reports *reports;
    struct guest_follow *next;
    uint32_t interval_s;
};

/* interval_s: 0 asks for nothing, what others ask for is told. Logs. */
int guest_follow_start(struct xlx_ctx *ctx, struct guest_follow *follow, uint32_t domid, uint32_t interval_s,
                       void (*reported)(struct guest_follow *, const struct guest_stats *, int64_t));
void guest_follow_interval(struct guest_follow *follow, uint32_t interval_s);
/* Asks the agent for a report now. No effect with an interval of 0. */
void guest_follow_ask(struct guest_follow *follow);
void guest_follow_stop(struct guest_follow *follow);

#endif
