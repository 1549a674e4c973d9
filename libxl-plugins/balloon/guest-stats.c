/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/guest-stats.h"

#include <string.h>

#include "base/parse.h"
#include "agent/protocol.h"

/* No guest has more: 16 TiB. */
#define GAUGE_MAX (UINT64_C(1) << 44)
#define PSI_AVG_MAX 10000

static const struct {
    const char *name;
    uint64_t max;
} figures[GUEST_STATS] = {
    [GUEST_SWAP_IN] = {AGENT_STAT_SWAP_IN, UINT64_MAX - 1},
    [GUEST_SWAP_OUT] = {AGENT_STAT_SWAP_OUT, UINT64_MAX - 1},
    [GUEST_MAJOR_FAULTS] = {AGENT_STAT_MAJOR_FAULTS, UINT64_MAX - 1},
    [GUEST_MINOR_FAULTS] = {AGENT_STAT_MINOR_FAULTS, UINT64_MAX - 1},
    [GUEST_FREE_MEMORY] = {AGENT_STAT_FREE_MEMORY, GAUGE_MAX},
    [GUEST_TOTAL_MEMORY] = {AGENT_STAT_TOTAL_MEMORY, GAUGE_MAX},
    [GUEST_AVAILABLE_MEMORY] = {AGENT_STAT_AVAILABLE_MEMORY, GAUGE_MAX},
    [GUEST_DISK_CACHES] = {AGENT_STAT_DISK_CACHES, GAUGE_MAX},
    [GUEST_HTLB_PGALLOC] = {AGENT_STAT_HTLB_PGALLOC, UINT64_MAX - 1},
    [GUEST_HTLB_PGFAIL] = {AGENT_STAT_HTLB_PGFAIL, UINT64_MAX - 1},
    [GUEST_OOM_KILLS] = {AGENT_STAT_OOM_KILLS, UINT64_MAX - 1},
    [GUEST_ALLOC_STALLS] = {AGENT_STAT_ALLOC_STALLS, UINT64_MAX - 1},
    [GUEST_ASYNC_SCANS] = {AGENT_STAT_ASYNC_SCANS, UINT64_MAX - 1},
    [GUEST_DIRECT_SCANS] = {AGENT_STAT_DIRECT_SCANS, UINT64_MAX - 1},
    [GUEST_ASYNC_RECLAIMS] = {AGENT_STAT_ASYNC_RECLAIMS, UINT64_MAX - 1},
    [GUEST_DIRECT_RECLAIMS] = {AGENT_STAT_DIRECT_RECLAIMS, UINT64_MAX - 1},
    [GUEST_SWAP_TOTAL] = {AGENT_STAT_SWAP_TOTAL, GAUGE_MAX},
    [GUEST_SWAP_FREE] = {AGENT_STAT_SWAP_FREE, GAUGE_MAX},
    [GUEST_PSI_SOME_AVG10] = {AGENT_STAT_PSI_SOME_AVG10, PSI_AVG_MAX},
    [GUEST_PSI_SOME_TOTAL] = {AGENT_STAT_PSI_SOME_TOTAL, UINT64_MAX - 1},
};

static void set(struct guest_stats *stats, enum guest_stat stat, uint64_t value)
{
    stats->values[stat] = value;
    stats->known |= 1u << stat;
}

static void forget(struct guest_stats *stats, enum guest_stat stat)
{
    stats->values[stat] = 0;
    stats->known &= ~(1u << stat);
}

static void parse_line(const char *line, size_t len, struct guest_stats *stats)
{
    const char *blank = memchr(line, ' ', len);
    size_t name_len = blank ? (size_t)(blank - line) : len;
    uint64_t value;

    if (!blank)
        return;
    for (unsigned i = 0; i < GUEST_STATS; i++) {
        if (strlen(figures[i].name) != name_len || memcmp(figures[i].name, line, name_len))
            continue;
        /* A name that comes twice is a guest playing games: its first value stands. */
        if (!guest_stats_has(stats, i) && parse_digits(blank + 1, len - name_len - 1, figures[i].max, &value))
            set(stats, i, value);
        return;
    }
}

/* A part is never more than the whole. */
static void drop_impossible(struct guest_stats *stats)
{
    static const enum guest_stat parts[] = {GUEST_FREE_MEMORY, GUEST_AVAILABLE_MEMORY, GUEST_DISK_CACHES};

    for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (guest_stats_has(stats, parts[i]) && guest_stats_has(stats, GUEST_TOTAL_MEMORY) &&
            stats->values[parts[i]] > stats->values[GUEST_TOTAL_MEMORY])
            forget(stats, parts[i]);
    }
    if (guest_stats_has(stats, GUEST_SWAP_FREE) && guest_stats_has(stats, GUEST_SWAP_TOTAL) &&
        stats->values[GUEST_SWAP_FREE] > stats->values[GUEST_SWAP_TOTAL])
        forget(stats, GUEST_SWAP_FREE);
}

void guest_stats_parse(const char *text, size_t len, struct guest_stats *stats)
{
    *stats = (struct guest_stats){0};
    if (len > AGENT_STATS_MAX)
        return;
    for (unsigned lines = 0; len && lines < AGENT_LINES_MAX; lines++) {
        const char *newline = memchr(text, '\n', len);
        size_t line_len = newline ? (size_t)(newline - text) : len;

        parse_line(text, line_len, stats);
        len -= line_len + (newline != NULL);
        text += line_len + (newline != NULL);
    }
    drop_impossible(stats);
}

static bool parse_kib(const char *text, uint64_t *bytes)
{
    uint64_t kib;

    if (!text || !parse_digits(text, strlen(text), GAUGE_MAX / 1024, &kib))
        return false;
    *bytes = kib * 1024;
    return true;
}

void guest_stats_from_xenserver(const char *total, const char *free, struct guest_stats *stats)
{
    uint64_t bytes;

    *stats = (struct guest_stats){0};
    if (parse_kib(total, &bytes))
        set(stats, GUEST_TOTAL_MEMORY, bytes);
    if (parse_kib(free, &bytes))
        set(stats, GUEST_FREE_MEMORY, bytes);
    drop_impossible(stats);
}

void guest_stats_from_qubes(const char *used, uint64_t target_memkb, struct guest_stats *stats)
{
    uint64_t bytes;

    *stats = (struct guest_stats){0};
    /* Swap counts as used, so this may be more than there is. */
    if (target_memkb <= GAUGE_MAX / 1024 && parse_kib(used, &bytes))
        set(stats, GUEST_AVAILABLE_MEMORY, bytes < target_memkb * 1024 ? target_memkb * 1024 - bytes : 0);
}
