/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

#define TRACE_MS 500

/* What its kernel keeps for itself. */
#define KERNEL_MEMKB (24 * MIB)
#define AGENT_INTERVAL_MS 1000u
#define SPAM_INTERVAL_MS 20u
#define REPORT_CHANGE_MEMKB 1024u

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t guest_wants_memkb(const struct world *w, const struct guest *g)
{
    bool burst = g->period_ms && (w->now_ms / (g->period_ms / 2)) % 2;

    return burst ? g->burst_memkb : g->used_memkb;
}

void guest_be_born(struct world *w, struct guest *g, bool built)
{
    g->state = built ? GUEST_LIVE : GUEST_BUILDING;
    g->domid = w->next_domid++;
    g->born_ms = w->now_ms;
    g->target_memkb = g->start_memkb;
    g->build_memkb = g->start_memkb;
    g->limit_memkb = g->start_memkb + (uint64_t)g->offset_memkb + LIMIT_SLACK_MEMKB;
    g->report_at_ms = w->now_ms + g->boot_ms;
    if (built) {
        g->held_memkb = g->start_memkb;
        w->free_memkb -= g->held_memkb + (uint64_t)g->offset_memkb;
    } else {
        w->free_memkb -= (uint64_t)g->offset_memkb;
    }
}

/* Linux gives only what is available to it. */
static uint64_t lowest_memkb(const struct world *w, const struct guest *g)
{
    uint64_t in_use = guest_wants_memkb(w, g) + KERNEL_MEMKB;

    if (g->kind == KIND_FLOOR && in_use < g->floor_memkb)
        in_use = g->floor_memkb;
    return in_use;
}

bool guest_cannot_give(const struct world *w, const struct guest *g)
{
    return g->kind == KIND_STUCK || g->kind == KIND_GIVEUP || g->held_memkb <= lowest_memkb(w, g) + 1024;
}

static uint64_t step_memkb(struct guest *g, uint64_t passed_ms)
{
    uint64_t step;

    if (g->kind == KIND_INSTANT)
        return UINT64_MAX / 2;
    g->fraction += g->rate_kb_s * passed_ms;
    step = g->fraction / 1000;
    step -= step % PLAN_PAGE_KB;
    g->fraction -= step * 1000;
    return step;
}

static void balloon(struct world *w, struct guest *g, uint64_t passed_ms)
{
    uint64_t target = g->target_memkb - g->target_memkb % PLAN_PAGE_KB, step, lowest;

    if (g->kind == KIND_STUCK || w->now_ms < g->born_ms + g->boot_ms || target == g->held_memkb) {
        g->fraction = 0;
        return;
    }
    if (g->asleep && g->target_memkb == g->asleep_at_memkb)
        return;
    if (g->asleep)
        g->moved_memkb = 0;
    g->asleep = false;
    step = step_memkb(g, passed_ms);
    if (target > g->held_memkb) {
        step = least(least(step, target - g->held_memkb), w->free_memkb);
        step -= step % PLAN_PAGE_KB;
        g->held_memkb += step;
        w->free_memkb -= step;
    } else {
        lowest = lowest_memkb(w, g);
        step = least(step, g->held_memkb - target);
        step = g->held_memkb > lowest ? least(step, g->held_memkb - lowest) : 0;
        step -= step % PLAN_PAGE_KB;
        g->held_memkb -= step;
        w->free_memkb += step;
    }
    g->moved_memkb += step;
    if (g->kind == KIND_GIVEUP && g->moved_memkb >= g->giveup_memkb) {
        g->asleep = true;
        g->asleep_at_memkb = g->target_memkb;
    }
}

void guest_move(struct world *w, struct guest *g, uint64_t passed_ms)
{
    uint64_t step;

    switch (g->state) {
    case GUEST_BUILDING:
        /* 4 GiB a second */
        step = least(least(passed_ms * 4096, g->build_memkb - g->held_memkb), w->free_memkb);
        g->held_memkb += step;
        w->free_memkb -= step;
        if (g->held_memkb == g->build_memkb) {
            g->state = GUEST_LIVE;
            g->born_ms = w->now_ms;
            g->report_at_ms = w->now_ms + g->boot_ms;
        }
        break;
    case GUEST_LIVE:
        if (!g->paused && passed_ms)
            balloon(w, g, passed_ms);
        break;
    case GUEST_DYING:
        step = least(passed_ms * 2048, g->held_memkb);
        g->held_memkb -= step;
        w->free_memkb += step;
        break;
    case GUEST_ABSENT:
        break;
    }
}

/* ---- the agent ---- */

static void look_inside(const struct world *w, struct guest *g, struct host_report *r)
{
    uint64_t wants = guest_wants_memkb(w, g), total = g->held_memkb > KERNEL_MEMKB ? g->held_memkb - KERNEL_MEMKB : 0;
    uint64_t used = least(wants, total);

    *r = (struct host_report){.has_available = true, .total_memkb = total};
    switch (g->agent) {
    case AGENT_HIGH:
        used = total;
        r->pressure = 10000;
        break;
    case AGENT_LOW:
        used = 0;
        wants = 0;
        break;
    case AGENT_WILD:
        r->total_memkb = UINT64_MAX - w->now_ms;
        r->available_memkb = w->now_ms % 3000 < 1500 ? UINT64_MAX : 0;
        r->swap_used_memkb = UINT64_MAX;
        r->pressure = UINT64_MAX;
        r->oom_kills = w->now_ms;
        return;
    default:
        break;
    }
    r->available_memkb = r->free_memkb = total - used;
    if (wants > total) {
        r->swap_used_memkb = wants - total;
        r->pressure = 3000;
    }
}

static uint64_t difference(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

bool guest_report(struct world *w, struct guest *g)
{
    struct host_report now;
    bool spams = g->agent == AGENT_SPAM || g->agent == AGENT_WILD;

    g->report_at_ms = w->now_ms + (spams ? SPAM_INTERVAL_MS : AGENT_INTERVAL_MS);
    if (g->state != GUEST_LIVE || g->paused || g->agent == AGENT_NONE || g->stopped)
        return false;
    look_inside(w, g, &now);
    if (g->has_report && !spams && !g->asked &&
        difference(now.total_memkb, g->report.total_memkb) < REPORT_CHANGE_MEMKB &&
        difference(now.available_memkb, g->report.available_memkb) < REPORT_CHANGE_MEMKB &&
        now.pressure == g->report.pressure)
        return false;
    g->report = now;
    g->has_report = true;
    g->asked = false;
    g->told_ms = w->now_ms;
    g->told++;
    return true;
}

void guests_show(const struct world *w)
{
    static const char *const kinds[] = {"instant", "rate", "creep", "stuck", "giveup", "floor"};
    static const char *const agents[] = {"honest", "none", "high", "low", "spam", "wild"};

    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        const struct guest *g = &w->guests[i];

        printf("# %s: %s at %.1f MiB/s, agent %s, %s%s%s, start %u, min %u, max %u, static-max %u, used %u/%u MiB, "
               "weight %u\n",
               g->name, kinds[g->kind], (double)g->rate_kb_s / 1024, agents[g->agent], g->managed ? "managed" : "alone",
               g->fixed ? ", fixed" : "", g->state == GUEST_LIVE ? "" : ", absent", (unsigned)(g->start_memkb / MIB),
               (unsigned)(g->min_memkb / MIB), (unsigned)(g->max_memkb / MIB), (unsigned)(g->static_max_memkb / MIB),
               (unsigned)(g->used_memkb / MIB), (unsigned)(g->burst_memkb / MIB), (unsigned)g->weight);
    }
}

void guests_trace(struct world *w)
{
    if (!w->options->trace || w->now_ms < w->trace_at_ms)
        return;
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        const struct guest *g = &w->guests[i];

        if (g->state == GUEST_LIVE)
            fprintf(w->options->trace, "%.1f %s %.1f %.1f %.1f\n", (double)w->now_ms / 1000, g->name,
                    (double)g->held_memkb / MIB, (double)g->target_memkb / MIB, (double)g->used_memkb / MIB);
    }
    w->trace_at_ms = w->now_ms + TRACE_MS;
}
