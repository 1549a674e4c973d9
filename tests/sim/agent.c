/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest's agent says, and when: the honest one by the agent's own agent/looks.h. */
#include <inttypes.h>
#include <stdio.h>

#include "agent/protocol.h"
#include "balance/xen/report.h"
#include "base/least.h"
#include "tests/sim/policy.h"
#include "tests/sim/world.h"

#define INTERVAL_MS 5000u
#define MINUTE_MS 60000u
#define LIAR_MS 1000u
#define SPAM_MS 20u
/* Before longer pauses it has page faults wake it. */
#define ALARM_FROM_MS 1600u
#define SAMPLE_MS 100u
#define SAMPLE_CHANGE_MEMKB (30 * MIB)
/* Of XenServer's agent for Windows. */
#define WINDOWS_CHANGE_MEMKB MIB
/* The share of the time for which programs that wait for memory stall; tasks that stalled for 100 ms within a second
 * wake the agent. */
#define STALL_SHARE 0.3
#define PSI_AFTER_MS 350u
#define PSI_WINDOW_MS 10000.0
#define CHANGE_MEMKB (AGENT_CHANGE_BYTES / 1024)
#define ANSWER_MS 20u

static uint64_t difference(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

void guest_stalls(struct guest *g, uint64_t passed_ms)
{
    double kept;

    if (g->waits)
        g->stalled_us += (uint64_t)(STALL_SHARE * 1000) * passed_ms;
    if (!g->waits && g->pressure < 0.00005) {
        g->pressure = 0;
        return;
    }
    kept = PSI_WINDOW_MS / (PSI_WINDOW_MS + (double)passed_ms);
    g->pressure = g->pressure * kept + (g->waits ? STALL_SHARE * (1 - kept) : 0);
}

/* ---- what it says ---- */

static void wild(const struct world *w, struct host_report *r)
{
    *r = (struct host_report){
        .has_available = true,
        .has_free = true,
        .has_swap = true,
        .has_pressure = true,
        .has_stalled = true,
        .has_oom_kills = true,
        .total_memkb = UINT64_MAX - w->now_ms,
        .available_memkb = w->now_ms % 3000 < 1500 ? UINT64_MAX : 0,
        .swap_used_memkb = UINT64_MAX,
        .pressure = UINT64_MAX,
        .stalled_us = w->now_ms % 7000 < 3500 ? UINT64_MAX : w->now_ms,
        .oom_kills = w->now_ms,
    };
}

static void look_inside(const struct world *w, const struct guest *g, struct host_report *r)
{
    uint64_t total = guest_total_memkb(g), used = g->touched_memkb;
    enum agent says = g->agent;

    if (says == AGENT_WILD) {
        wild(w, r);
        return;
    }
    if (says == AGENT_FLIP)
        says = w->now_ms / g->flip_ms % 2 ? AGENT_LOW : AGENT_HIGH;
    *r = (struct host_report){
        .has_available = true,
        .has_free = true,
        .has_pressure = !(g->manners & MANNER_MUTE),
        .has_stalled = !(g->manners & MANNER_MUTE),
        .has_oom_kills = true,
        .total_memkb = total,
        .stalled_us = g->stalled_us,
    };
    r->pressure = r->has_pressure ? (uint64_t)(g->pressure * 10000) : 0;
    if (says == AGENT_HIGH) {
        used = total;
        r->pressure = 10000;
        r->stalled_us = w->now_ms * 1000;
    } else if (says == AGENT_LOW) {
        used = r->pressure = r->stalled_us = 0;
    }
    r->available_memkb = r->free_memkb = total > used ? total - used : 0;
}

/* ---- other agents ---- */

enum guest_agent guest_agent_of(const struct guest *g)
{
    return g->manners & MANNER_XENSERVER           ? GUEST_AGENT_XENSERVER
           : g->manners & MANNER_XENSERVER_WINDOWS ? GUEST_AGENT_XENSERVER_WINDOWS
           : g->manners & MANNER_XCPNG             ? GUEST_AGENT_XCPNG
           : g->manners & MANNER_XCPNG_WINDOWS     ? GUEST_AGENT_XCPNG_WINDOWS
           : g->manners & MANNER_MEMINFO           ? GUEST_AGENT_MEMINFO
           : g->manners & MANNER_QUBES             ? GUEST_AGENT_QUBES
                                                   : GUEST_AGENT_OURS;
}

uint64_t guest_period_ms(const struct guest *g)
{
    return g->manners & MANNER_MINUTE ? MINUTE_MS : guest_agent_kinds[guest_agent_of(g)].period_ms;
}

/* What it calls its total: Linux takes the balloon out, Windows does not; one that is read once is of its start. */
static uint64_t told_total(struct guest *g, enum guest_agent agent, uint64_t total_memkb)
{
    if (!g->first_total_memkb)
        g->first_total_memkb = total_memkb;
    if (agent == GUEST_AGENT_XCPNG_WINDOWS)
        return g->static_max_memkb;
    return guest_agent_kinds[agent].total_lasts ? g->first_total_memkb : total_memkb;
}

/* As the host reads the nodes that another agent has written. */
static void say_as(struct guest *g, enum guest_agent agent, const struct host_report *now, uint64_t at_ms)
{
    uint64_t used = now->total_memkb - now->available_memkb;
    char total[24], value[24];
    struct guest_stats stats;

    snprintf(total, sizeof(total), "%" PRIu64, told_total(g, agent, now->total_memkb));
    snprintf(value, sizeof(value), "%" PRIu64, agent == GUEST_AGENT_QUBES ? used : now->available_memkb);
    if (agent == GUEST_AGENT_QUBES)
        guest_stats_from_qubes(value, g->target_memkb, &stats);
    else
        guest_stats_from_meminfo(agent, false, total, value, &stats);
    stats.at_ms = at_ms;
    g->has_report = report_from_stats(&stats, &g->report);
}

/* It tells again and again, or when use has changed. */
static bool look_as(const struct world *w, struct guest *g, enum guest_agent agent)
{
    uint64_t period_ms = guest_agent_kinds[agent].period_ms;

    g->report_at_ms = w->now_ms + (period_ms ? period_ms : SAMPLE_MS);
    if (agent == GUEST_AGENT_XENSERVER_WINDOWS)
        return difference(g->touched_memkb, g->sampled_memkb) > WINDOWS_CHANGE_MEMKB;
    return period_ms || difference(g->touched_memkb, g->sampled_memkb) >= SAMPLE_CHANGE_MEMKB;
}

/* ---- when it looks ---- */

static struct look look_now(const struct world *w, const struct guest *g)
{
    uint64_t total = guest_total_memkb(g), used = g->touched_memkb;

    return (struct look){total * 1024, (total > used ? total - used : 0) * 1024, w->now_ms};
}

static bool interval_is_over(const struct world *w, const struct guest *g, const struct host_report *now)
{
    return w->now_ms >= g->told_ms + INTERVAL_MS &&
           (difference(now->total_memkb, g->report.total_memkb) > CHANGE_MEMKB ||
            difference(now->available_memkb, g->report.available_memkb) > CHANGE_MEMKB ||
            difference(now->pressure, g->report.pressure) > AGENT_CHANGE_PSI_AVG);
}

static bool say(struct world *w, struct guest *g, const struct host_report *r)
{
    struct look look = look_now(w, g);

    if (g->manners & MANNERS_OF_OTHERS) {
        say_as(g, guest_agent_of(g), r, w->now_ms);
    } else {
        g->report = *r;
        g->has_report = true;
    }
    g->told_ms = w->now_ms;
    g->told++;
    g->asked = false;
    g->sampled_memkb = g->touched_memkb;
    looks_told(&g->looks, &look);
    return true;
}

static bool take_away(struct guest *g)
{
    bool had = g->has_report;

    g->has_report = false;
    g->report_at_ms = NEVER;
    return had;
}

/* Whether what it sees is worth telling, and when it looks again. Liars say what depends on the time alone. */
static bool look(const struct world *w, struct guest *g)
{
    struct look look = look_now(w, g);
    struct look_verdict verdict;

    if (g->manners & MANNERS_OF_OTHERS && !w->policy->samples)
        return look_as(w, g, guest_agent_of(g));
    if (g->agent != AGENT_HONEST || g->manners & ~(unsigned)(MANNERS_OF_OTHERS | MANNER_MUTE)) {
        g->report_at_ms = w->now_ms + (g->manners & MANNER_SPAM     ? SPAM_MS
                                       : g->manners & MANNER_MINUTE ? MINUTE_MS
                                                                    : LIAR_MS);
        return g->manners || g->agent == AGENT_WILD || g->agent == AGENT_FLIP;
    }
    if (w->policy->samples) {
        g->report_at_ms = w->now_ms + SAMPLE_MS;
        return difference(g->touched_memkb, g->sampled_memkb) >= SAMPLE_CHANGE_MEMKB;
    }
    verdict = looks_decide(&g->looks, &look);
    g->report_at_ms = w->now_ms + verdict.again_ms;
    g->alarm = verdict.again_ms >= ALARM_FROM_MS;
    return verdict.report;
}

/* When stalls wake it. */
static uint64_t psi_at_ms(const struct world *w, const struct guest *g)
{
    if (!g->waits || w->policy->samples || g->agent != AGENT_HONEST ||
        g->manners & (MANNER_MINUTE | MANNERS_OF_OTHERS | MANNER_MUTE))
        return NEVER;
    return most(g->waits_since_ms + PSI_AFTER_MS, g->psi_ms + AGENT_PRESSURE_GAP_MS);
}

uint64_t guest_next_report_ms(const struct world *w, const struct guest *g)
{
    uint64_t psi = psi_at_ms(w, g);

    /* NEVER: it is silent for good. */
    if (g->paused || g->report_at_ms == NEVER || psi > g->report_at_ms)
        return g->report_at_ms;
    return psi;
}

bool guest_report(struct world *w, struct guest *g)
{
    bool stalled = psi_at_ms(w, g) <= w->now_ms, worth;
    struct host_report now;

    if (g->manners & MANNER_FADES && w->now_ms >= g->born_ms + g->boot_ms + g->fades_ms)
        return take_away(g);
    if (g->manners & MANNER_ENDS && w->now_ms >= g->born_ms + g->boot_ms + g->fades_ms) {
        g->report_at_ms = NEVER;
        return false;
    }
    worth = look(w, g);
    if (stalled) {
        g->psi_ms = w->now_ms;
        looks_wake(&g->looks);
    }
    if (g->state != GUEST_LIVE || g->paused || g->agent == AGENT_NONE || g->stopped)
        return false;
    look_inside(w, g, &now);
    if (g->manners & MANNERS_OF_OTHERS && !w->policy->samples)
        return (worth || !g->has_report) && say(w, g, &now);
    if (stalled || worth || g->asked || !g->has_report || (!w->policy->samples && interval_is_over(w, g, &now)))
        return say(w, g, &now);
    return false;
}

static void look_closely(const struct world *w, struct guest *g)
{
    if (g->agent != AGENT_HONEST || g->manners & ~(unsigned)MANNER_MUTE || w->policy->samples)
        return;
    looks_wake(&g->looks);
    g->alarm = false;
    g->report_at_ms = w->now_ms;
}

void guest_sees_target(const struct world *w, struct guest *g)
{
    if (g->state == GUEST_LIVE && w->now_ms >= g->born_ms + g->boot_ms)
        look_closely(w, g);
}

void guest_touches(const struct world *w, struct guest *g)
{
    if (g->alarm)
        look_closely(w, g);
}

void guest_ask(struct world *w, struct guest *g)
{
    if (g->manners & MANNERS_OF_OTHERS)
        return;
    if (g->report_at_ms > w->now_ms + ANSWER_MS && g->report_at_ms != NEVER)
        g->report_at_ms = w->now_ms + ANSWER_MS;
    g->asked = true;
}
