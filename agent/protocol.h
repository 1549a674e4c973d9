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
 * report, hence atomic. Lines "name value\n": a name from AGENT_STAT_* below, one space, an
 * unsigned decimal number below 2^64. Order is free. A name appears at most once; what a guest's
 * kernel does not know is left out; the host ignores names it does not know. The node is written
 * every interval unless nothing has changed by more than AGENT_CHANGE_*, and at once under memory
 * pressure (but at most once in AGENT_PRESSURE_GAP_MS). The agent removes it when it is stopped.
 *
 * The guest is not trusted: the host takes a report of at most AGENT_STATS_MAX bytes and at most
 * AGENT_LINES_MAX lines, and treats a line that does not parse, or a figure that cannot be, as
 * absent.
 */
#ifndef XLX_AGENT_PROTOCOL_H
#define XLX_AGENT_PROTOCOL_H

#define AGENT_STATS_NODE "data/memory-stats"
#define AGENT_INTERVAL_NODE "memory/stats-interval"

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
 * The figures. Names and units are those of QEMU 10's guest-stats without the prefix "stat-";
 * sources are those of Linux's drivers/virtio/virtio_balloon.c (update_balloon_stats).
 */
#define AGENT_STAT_SWAP_IN "swap-in"                   /* bytes since boot */
#define AGENT_STAT_SWAP_OUT "swap-out"                 /* bytes since boot */
#define AGENT_STAT_MAJOR_FAULTS "major-faults"         /* count since boot */
#define AGENT_STAT_MINOR_FAULTS "minor-faults"         /* count since boot; Linux sends all faults here */
#define AGENT_STAT_FREE_MEMORY "free-memory"           /* bytes, MemFree */
#define AGENT_STAT_TOTAL_MEMORY "total-memory"         /* bytes, MemTotal */
#define AGENT_STAT_AVAILABLE_MEMORY "available-memory" /* bytes, MemAvailable */
#define AGENT_STAT_DISK_CACHES "disk-caches"           /* bytes, pages of files */
#define AGENT_STAT_HTLB_PGALLOC "htlb-pgalloc"         /* count since boot */
#define AGENT_STAT_HTLB_PGFAIL "htlb-pgfail"           /* count since boot */
#define AGENT_STAT_OOM_KILLS "oom-kills"               /* count since boot */
#define AGENT_STAT_ALLOC_STALLS "alloc-stalls"         /* count since boot */
#define AGENT_STAT_ASYNC_SCANS "async-scans"           /* bytes since boot */
#define AGENT_STAT_DIRECT_SCANS "direct-scans"         /* bytes since boot */
#define AGENT_STAT_ASYNC_RECLAIMS "async-reclaims"     /* bytes since boot */
#define AGENT_STAT_DIRECT_RECLAIMS "direct-reclaims"   /* bytes since boot */

/* Beyond QEMU, for the balancer. */
#define AGENT_STAT_SWAP_TOTAL "swap-total"         /* bytes, SwapTotal */
#define AGENT_STAT_SWAP_FREE "swap-free"           /* bytes, SwapFree */
#define AGENT_STAT_PSI_SOME_AVG10 "psi-some-avg10" /* hundredths of a percent, 0 to 10000 */
#define AGENT_STAT_PSI_SOME_TOTAL "psi-some-total" /* microseconds since boot */

#endif
