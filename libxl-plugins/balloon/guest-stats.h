/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_GUEST_STATS_H
#define XLX_BALLOON_GUEST_STATS_H

/*
 * The memory statistics that guests report through xenstore: by the agent of agent/protocol.h, else by XenServer's and
 * XCP-ng's agents (data/meminfo_*), else by Qubes' (memory/meminfo). Whatever stands there may be a lie; what cannot be
 * is left out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/protocol.h"
#include "balloon/guest-agent.h"

/* Units as in agent/protocol.h: bytes, counts, hundredths of a percent, microseconds. */
struct guest_stats {
    uint64_t at_ms; /* when the host read the report, of ev_clock_ms; 0: there is none. One that was there before: the
                       earliest time at which an agent that lives can have written it */
    enum guest_agent agent; /* who wrote it */
    bool stands;            /* nothing new was measured: what was told before is no older than at_ms */
    uint32_t known;         /* bit n: values[n] was reported */
    uint64_t values[AGENT_STAT_NR];
};

static inline bool guest_stats_has(const struct guest_stats *stats, enum agent_stat stat)
{
    return stats->known >> stat & 1;
}

/* These leave the first two to who has read the report. */

/* The agent's report. Never fails: what does not parse, or cannot be, is absent. text need not be terminated. */
void guest_stats_parse(const char *text, size_t len, struct guest_stats *stats);
/* KiB as XenServer's agents and Qubes' write them; NULL or no number: absent. Qubes tells what is used of target_memkb,
 * which is its total. */
void guest_stats_from_xenserver(const char *total, const char *free, struct guest_stats *stats);
/* The same with what is known of the writer: whether its total says anything, and what it calls free (unused: MemFree). */
void guest_stats_from_meminfo(enum guest_agent agent, bool unused, const char *total, const char *free,
                              struct guest_stats *stats);
void guest_stats_from_qubes(const char *used, uint64_t target_memkb, struct guest_stats *stats);

#endif
