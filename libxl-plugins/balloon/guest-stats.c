/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/guest-stats.h"

#include <string.h>

#include "base/parse.h"

static const struct {
    const char *name;
    uint64_t max;
} figures[AGENT_STAT_NR] = {
#define FIGURE(id, name, kind, change) [AGENT_STAT_##id] = {name, AGENT_MAX_##kind},
    AGENT_STATS(FIGURE)
#undef FIGURE
};
_Static_assert(AGENT_STAT_NR <= 32, "struct guest_stats has a bit for each");

static void set(struct guest_stats *stats, enum agent_stat stat, uint64_t value)
{
    stats->values[stat] = value;
    stats->known |= 1u << stat;
}

static void forget(struct guest_stats *stats, enum agent_stat stat)
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
    for (unsigned i = 0; i < AGENT_STAT_NR; i++) {
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
    static const enum agent_stat parts[] = {AGENT_STAT_FREE_MEMORY, AGENT_STAT_AVAILABLE_MEMORY,
                                            AGENT_STAT_DISK_CACHES};

    for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (guest_stats_has(stats, parts[i]) && guest_stats_has(stats, AGENT_STAT_TOTAL_MEMORY) &&
            stats->values[parts[i]] > stats->values[AGENT_STAT_TOTAL_MEMORY])
            forget(stats, parts[i]);
    }
    if (guest_stats_has(stats, AGENT_STAT_SWAP_FREE) && guest_stats_has(stats, AGENT_STAT_SWAP_TOTAL) &&
        stats->values[AGENT_STAT_SWAP_FREE] > stats->values[AGENT_STAT_SWAP_TOTAL])
        forget(stats, AGENT_STAT_SWAP_FREE);
}

void guest_stats_parse(const char *text, size_t len, struct guest_stats *stats)
{
    *stats = (struct guest_stats){.agent = GUEST_AGENT_OURS};
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

    if (!text || !parse_digits(text, strlen(text), AGENT_MAX_SIZE / 1024, &kib))
        return false;
    *bytes = kib * 1024;
    return true;
}

void guest_stats_from_xenserver(const char *total, const char *free, struct guest_stats *stats)
{
    uint64_t bytes;

    *stats = (struct guest_stats){.agent = GUEST_AGENT_MEMINFO};
    if (parse_kib(total, &bytes))
        set(stats, AGENT_STAT_TOTAL_MEMORY, bytes);
    if (parse_kib(free, &bytes))
        set(stats, AGENT_STAT_FREE_MEMORY, bytes);
    drop_impossible(stats);
}

void guest_stats_from_meminfo(enum guest_agent agent, bool unused, const char *total, const char *free,
                              struct guest_stats *stats)
{
    guest_stats_from_xenserver(guest_agent_kinds[agent].total_lasts ? NULL : total, free, stats);
    stats->agent = agent;
    if (agent == GUEST_AGENT_MEMINFO || unused || !guest_stats_has(stats, AGENT_STAT_FREE_MEMORY))
        return;
    set(stats, AGENT_STAT_AVAILABLE_MEMORY, stats->values[AGENT_STAT_FREE_MEMORY]);
    forget(stats, AGENT_STAT_FREE_MEMORY);
}

void guest_stats_from_qubes(const char *used, uint64_t target_memkb, struct guest_stats *stats)
{
    uint64_t bytes;

    *stats = (struct guest_stats){.agent = GUEST_AGENT_QUBES};
    if (target_memkb > AGENT_MAX_SIZE / 1024 || !parse_kib(used, &bytes))
        return;
    set(stats, AGENT_STAT_TOTAL_MEMORY, target_memkb * 1024);
    /* Swap counts as used, so this may be more than there is. */
    set(stats, AGENT_STAT_AVAILABLE_MEMORY, bytes < target_memkb * 1024 ? target_memkb * 1024 - bytes : 0);
}
