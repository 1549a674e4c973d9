/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/stats.h"

static const struct figure {
    const char *name;
    uint64_t threshold; /* a change of more than this is worth a report */
} figures[AGENT_STAT_NR] = {
#define FIGURE(id, name, kind, change) [AGENT_STAT_##id] = {name, change},
    AGENT_STATS(FIGURE)
#undef FIGURE
};

enum unit { COUNT, PAGES };

/* What Linux's virtio_balloon takes from all_vm_events(); stalls are counted per zone and summed.
 */
static const struct source {
    const char *key;
    enum agent_stat id;
    enum unit unit;
} vmstat_sources[] = {
    {"pswpin", AGENT_STAT_SWAP_IN, PAGES},
    {"pswpout", AGENT_STAT_SWAP_OUT, PAGES},
    {"pgmajfault", AGENT_STAT_MAJOR_FAULTS, COUNT},
    {"pgfault", AGENT_STAT_MINOR_FAULTS, COUNT},
    {"nr_file_pages", AGENT_STAT_DISK_CACHES, PAGES},
    {"htlb_buddy_alloc_success", AGENT_STAT_HTLB_PGALLOC, COUNT},
    {"htlb_buddy_alloc_fail", AGENT_STAT_HTLB_PGFAIL, COUNT},
    {"oom_kill", AGENT_STAT_OOM_KILLS, COUNT},
    {"allocstall", AGENT_STAT_ALLOC_STALLS, COUNT},
    {"allocstall_dma", AGENT_STAT_ALLOC_STALLS, COUNT},
    {"allocstall_dma32", AGENT_STAT_ALLOC_STALLS, COUNT},
    {"allocstall_normal", AGENT_STAT_ALLOC_STALLS, COUNT},
    {"allocstall_high", AGENT_STAT_ALLOC_STALLS, COUNT},
    {"allocstall_movable", AGENT_STAT_ALLOC_STALLS, COUNT},
    {"allocstall_device", AGENT_STAT_ALLOC_STALLS, COUNT},
    {"pgscan_kswapd", AGENT_STAT_ASYNC_SCANS, PAGES},
    {"pgscan_direct", AGENT_STAT_DIRECT_SCANS, PAGES},
    {"pgsteal_kswapd", AGENT_STAT_ASYNC_RECLAIMS, PAGES},
    {"pgsteal_direct", AGENT_STAT_DIRECT_RECLAIMS, PAGES},
};

static const struct source meminfo_sources[] = {
    {"MemFree:", AGENT_STAT_FREE_MEMORY, COUNT},
    {"MemTotal:", AGENT_STAT_TOTAL_MEMORY, COUNT},
    {"MemAvailable:", AGENT_STAT_AVAILABLE_MEMORY, COUNT},
    {"SwapTotal:", AGENT_STAT_SWAP_TOTAL, COUNT},
    {"SwapFree:", AGENT_STAT_SWAP_FREE, COUNT},
};

/* Digits at text; false if there is none or the number does not fit. *end is behind the digits. */
static bool parse_u64(const char *text, const char **end, uint64_t *value)
{
    uint64_t v = 0;

    *end = text;
    for (; **end >= '0' && **end <= '9'; ++*end) {
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, **end - '0', &v))
            return false;
    }
    *value = v;
    return *end != text;
}

static void stats_add(struct stats *stats, enum agent_stat id, uint64_t value, uint64_t factor)
{
    uint32_t bit = UINT32_C(1) << id;
    uint64_t sum = stats->known & bit ? stats->value[id] : 0;

    if (__builtin_mul_overflow(value, factor, &value) || __builtin_add_overflow(sum, value, &sum))
        return;
    stats->value[id] = sum;
    stats->known |= bit;
}

static const struct source *find_source(const struct source *sources, size_t nr, const char *key, size_t len)
{
    for (size_t i = 0; i < nr; i++) {
        if (strncmp(sources[i].key, key, len) == 0 && !sources[i].key[len])
            return &sources[i];
    }
    return NULL;
}

/* Lines "key number[ unit]". count_factor and page_factor turn the file's units into ours. */
static void parse_lines(struct stats *stats, const char *text, const struct source *sources, size_t nr,
                        uint64_t count_factor, uint64_t page_factor)
{
    while (*text) {
        size_t line = strcspn(text, "\n"), key = strcspn(text, " \t\n");
        const struct source *source = find_source(sources, nr, text, key);
        const char *number = text + key, *end;
        uint64_t value;

        number += strspn(number, " \t");
        if (source && parse_u64(number, &end, &value))
            stats_add(stats, source->id, value, source->unit == PAGES ? page_factor : count_factor);
        text += line;
        text += *text == '\n';
    }
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

void stats_parse_vmstat(struct stats *stats, const char *text, unsigned page_bytes)
{
    parse_lines(stats, text, vmstat_sources, ARRAY_SIZE(vmstat_sources), 1, page_bytes);
}

void stats_parse_meminfo(struct stats *stats, const char *text)
{
    parse_lines(stats, text, meminfo_sources, ARRAY_SIZE(meminfo_sources), 1024, 1024);
}

/* "some avg10=1.23 avg60=... total=456", then a line "full ..." that nobody asks for. */
void stats_parse_pressure(struct stats *stats, const char *text)
{
    const char *avg, *total, *end;
    size_t line = strcspn(text, "\n");
    uint64_t whole, part;

    if (strncmp(text, "some ", 5) != 0)
        return;
    avg = strstr(text, " avg10=");
    if (avg && avg < text + line && parse_u64(avg + 7, &end, &whole) && whole <= 100 && *end == '.' && end[1] >= '0' &&
        end[1] <= '9' && end[2] >= '0' && end[2] <= '9') {
        part = (uint64_t)(end[1] - '0') * 10 + (uint64_t)(end[2] - '0');
        stats_add(stats, AGENT_STAT_PSI_SOME_AVG10, whole * 100 + part, 1);
    }
    total = strstr(text, " total=");
    if (total && total < text + line && parse_u64(total + 7, &end, &whole))
        stats_add(stats, AGENT_STAT_PSI_SOME_TOTAL, whole, 1);
}

bool stats_changed(const struct stats *old, const struct stats *new)
{
    if (old->known != new->known)
        return true;
    for (int i = 0; i < AGENT_STAT_NR; i++) {
        uint64_t a = old->value[i], b = new->value[i];

        if ((new->known >> i & 1) && (a > b ? a - b : b - a) > figures[i].threshold)
            return true;
    }
    return false;
}

size_t stats_print(const struct stats *stats, char *buf, size_t size)
{
    size_t used = 0;

    for (int i = 0; i < AGENT_STAT_NR; i++) {
        size_t name = strlen(figures[i].name), digits = 0;
        uint64_t v = stats->value[i];
        char number[20];

        if (!(stats->known >> i & 1))
            continue;
        do {
            number[sizeof(number) - ++digits] = (char)('0' + v % 10);
            v /= 10;
        } while (v);
        if (size - used < name + digits + 2)
            return 0;
        memcpy(buf + used, figures[i].name, name);
        used += name;
        buf[used++] = ' ';
        memcpy(buf + used, number + sizeof(number) - digits, digits);
        used += digits;
        buf[used++] = '\n';
    }
    return used;
}
