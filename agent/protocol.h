/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the guest agent (xl-ext-agent) and the host (memd) agree on. Constants only: both sides
 * include this file, and it includes nothing.
 *
 * Host to guest: AGENT_INTERVAL_NODE below /local/domain/<domid>, written by dom0, readable by the
 * guest with the permissions that libxl gives to memory/. Decimal seconds, 0 to
 * AGENT_INTERVAL_MAX_S; absent, 0 or anything else = off. Every write of the node, also of the same
 * value, makes the agent report at once, so the host asks for fresh figures by writing it again.
 * The agent watches it; a watch fires again after save, restore and migration, so it reports then
 * too.
 *
 * Guest to host: AGENT_STATS_NODE below /local/domain/<domid>, one xenstore write for the whole
 * report, hence atomic. Lines "name value\n": a name from AGENT_STATS below, one space, an
 * unsigned decimal number below 2^64. Order is free. A name appears at most once; what a guest's
 * kernel does not know is left out; the host ignores names it does not know. The node is written
 * every interval unless nothing has changed by more than AGENT_CHANGE_*, at once under memory pressure
 * (but at most once in AGENT_PRESSURE_GAP_MS), and when the guest gets short or its use rises (at most
 * once in AGENT_RISE_GAP_MS). The agent removes it when it is stopped.
 *
 * The guest is not trusted: the host takes a report of at most AGENT_STATS_MAX bytes and at most
 * AGENT_LINES_MAX lines, and treats a line that does not parse, or a figure that cannot be, as
 * absent.
 */
#ifndef XLX_AGENT_PROTOCOL_H
#define XLX_AGENT_PROTOCOL_H

#define AGENT_STATS_NODE "data/memory-stats"
#define AGENT_INTERVAL_NODE "memory/stats-interval"
/* Xen's, the balloon's target: when it changes, memory is about to move. */
#define AGENT_TARGET_NODE "memory/target"

#define AGENT_INTERVAL_MAX_S 86400u

/* Bounds of one report. The agent stays far below them (about 600 bytes). */
#define AGENT_STATS_MAX 2048u
#define AGENT_LINES_MAX 64u

/*
 * A report at the interval is left out while every figure is within this of the last one written:
 * bytes (gauges and counters), counts (except oom-kills: any), and pressure.
 */
#define AGENT_CHANGE_BYTES (1024u * 1024u)
#define AGENT_CHANGE_COUNT 1024u
#define AGENT_CHANGE_PSI_AVG 100u
#define AGENT_CHANGE_PSI_TOTAL_US 50000u

/* Between two reports caused by pressure, milliseconds. */
#define AGENT_PRESSURE_GAP_MS 1000u

/*
 * Reports between those of the interval (agent/looks.h decides). A guest is short when less is available than its
 * headroom: so many percent of what it uses, at least so many bytes; the host's own headroom may be another.
 */
#define AGENT_HEADROOM_PERCENT 20u
#define AGENT_HEADROOM_LEAST_BYTES (32u * 1024u * 1024u)

/* The agent looks again after at least and at most so many milliseconds. */
#define AGENT_LOOK_MIN_MS 100u
#define AGENT_LOOK_MAX_MS 5000u

/* Use and what is available stand still while they are within the headroom over this (at least AGENT_CHANGE_BYTES). */
#define AGENT_STILL_PART 16u

/* A rise of use is worth a report from the headroom over this on (at least AGENT_CHANGE_BYTES). */
#define AGENT_RISE_PART 4u

/* Between two reports caused by need or by a rise, milliseconds. */
#define AGENT_RISE_GAP_MS 500u

/* A guest in which no faster rise was seen so far is taken to be able to use up so much in a second. */
#define AGENT_RISE_LEAST_BYTES_PER_S (64u * 1024u * 1024u)

/* The most that the host believes: of counters since boot, of sizes in bytes (no guest has more than 16 TiB), and of
 * shares in hundredths of a percent. */
#define AGENT_MAX_COUNTER 0xfffffffffffffffeull
#define AGENT_MAX_SIZE (1ull << 44)
#define AGENT_MAX_SHARE 10000u

/*
 * All statistics, in the order of a report; whoever needs a table of them expands this list. X(ID, name, kind, change):
 * kind is COUNTER, SIZE or SHARE as in AGENT_MAX_*, a change of more than the last is worth a report. Names and units
 * are those of QEMU 10's guest-stats without the prefix "stat-"; sources are those of Linux's
 * drivers/virtio/virtio_balloon.c (update_balloon_stats). The last four go beyond QEMU, for the balancer.
 */
#define AGENT_STATS(X)                                                                                                 \
    X(SWAP_IN, "swap-in", COUNTER, AGENT_CHANGE_BYTES)           /* bytes since boot */                                \
    X(SWAP_OUT, "swap-out", COUNTER, AGENT_CHANGE_BYTES)         /* bytes since boot */                                \
    X(MAJOR_FAULTS, "major-faults", COUNTER, AGENT_CHANGE_COUNT) /* count since boot */                                \
    X(MINOR_FAULTS, "minor-faults", COUNTER, AGENT_CHANGE_COUNT) /* count since boot; Linux sends all faults here */   \
    X(FREE_MEMORY, "free-memory", SIZE, AGENT_CHANGE_BYTES)      /* bytes, MemFree */                                  \
    X(TOTAL_MEMORY, "total-memory", SIZE, AGENT_CHANGE_BYTES)    /* bytes, MemTotal */                                 \
    X(AVAILABLE_MEMORY, "available-memory", SIZE, AGENT_CHANGE_BYTES)       /* bytes, MemAvailable */                  \
    X(DISK_CACHES, "disk-caches", SIZE, AGENT_CHANGE_BYTES)                 /* bytes, pages of files */                \
    X(HTLB_PGALLOC, "htlb-pgalloc", COUNTER, AGENT_CHANGE_COUNT)            /* count since boot */                     \
    X(HTLB_PGFAIL, "htlb-pgfail", COUNTER, AGENT_CHANGE_COUNT)              /* count since boot */                     \
    X(OOM_KILLS, "oom-kills", COUNTER, 0)                                   /* count since boot */                     \
    X(ALLOC_STALLS, "alloc-stalls", COUNTER, AGENT_CHANGE_COUNT)            /* count since boot */                     \
    X(ASYNC_SCANS, "async-scans", COUNTER, AGENT_CHANGE_BYTES)              /* bytes since boot */                     \
    X(DIRECT_SCANS, "direct-scans", COUNTER, AGENT_CHANGE_BYTES)            /* bytes since boot */                     \
    X(ASYNC_RECLAIMS, "async-reclaims", COUNTER, AGENT_CHANGE_BYTES)        /* bytes since boot */                     \
    X(DIRECT_RECLAIMS, "direct-reclaims", COUNTER, AGENT_CHANGE_BYTES)      /* bytes since boot */                     \
    X(SWAP_TOTAL, "swap-total", SIZE, AGENT_CHANGE_BYTES)                   /* bytes, SwapTotal */                     \
    X(SWAP_FREE, "swap-free", SIZE, AGENT_CHANGE_BYTES)                     /* bytes, SwapFree */                      \
    X(PSI_SOME_AVG10, "psi-some-avg10", SHARE, AGENT_CHANGE_PSI_AVG)        /* hundredths of a percent, 0 to 10000 */  \
    X(PSI_SOME_TOTAL, "psi-some-total", COUNTER, AGENT_CHANGE_PSI_TOTAL_US) /* microseconds since boot */

#define AGENT_STAT_ID(id, name, kind, change) AGENT_STAT_##id,
enum agent_stat { AGENT_STATS(AGENT_STAT_ID) AGENT_STAT_NR };
#undef AGENT_STAT_ID

#endif
