/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/xen/report.h"

static uint64_t kib(const struct guest_stats *stats, enum agent_stat stat)
{
    return guest_stats_has(stats, stat) ? stats->values[stat] / 1024 : 0;
}

static uint64_t plain(const struct guest_stats *stats, enum agent_stat stat)
{
    return guest_stats_has(stats, stat) ? stats->values[stat] : 0;
}

bool report_from_stats(const struct guest_stats *stats, struct host_report *r)
{
    const struct guest_agent_kind *kind = &guest_agent_kinds[stats->agent];
    uint64_t swap_total = kib(stats, AGENT_STAT_SWAP_TOTAL), swap_free = kib(stats, AGENT_STAT_SWAP_FREE);

    *r = (struct host_report){
        .has_available = guest_stats_has(stats, AGENT_STAT_AVAILABLE_MEMORY),
        .has_free = guest_stats_has(stats, AGENT_STAT_FREE_MEMORY),
        .has_swap = guest_stats_has(stats, AGENT_STAT_SWAP_TOTAL) && guest_stats_has(stats, AGENT_STAT_SWAP_FREE),
        .has_oom_kills = guest_stats_has(stats, AGENT_STAT_OOM_KILLS),
        .has_pressure = guest_stats_has(stats, AGENT_STAT_PSI_SOME_AVG10),
        .has_stalled = guest_stats_has(stats, AGENT_STAT_PSI_SOME_TOTAL),
        .total_memkb = kind->total_lasts ? UINT64_MAX : kib(stats, AGENT_STAT_TOTAL_MEMORY),
        .available_memkb = kib(stats, AGENT_STAT_AVAILABLE_MEMORY),
        .free_memkb = kib(stats, AGENT_STAT_FREE_MEMORY),
        .swap_used_memkb = swap_total > swap_free ? swap_total - swap_free : 0,
        .oom_kills = plain(stats, AGENT_STAT_OOM_KILLS),
        .pressure = plain(stats, AGENT_STAT_PSI_SOME_AVG10),
        .stalled_us = plain(stats, AGENT_STAT_PSI_SOME_TOTAL),
        .at_ms = stats->at_ms,
        .period_ms = kind->period_ms,
        .answers = kind->answers,
        .stands = stats->stands,
        .agent = kind->name,
        .agent_words = kind->people,
    };
    /* Its number is relative to the target, also while the guest is on its way there. */
    r->has_used = stats->agent == GUEST_AGENT_QUBES;
    r->used_memkb = r->has_used ? r->total_memkb - r->available_memkb : 0;
    return (kind->total_lasts || guest_stats_has(stats, AGENT_STAT_TOTAL_MEMORY)) &&
           (r->has_available || guest_stats_has(stats, AGENT_STAT_FREE_MEMORY));
}
