/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest holds, and what its programs use of it. */
#include <stdio.h>

#include "base/least.h"
#include "tests/sim/world.h"

#define BUILD_KB_MS 4096u /* 4 GiB a second */
#define DIE_KB_MS 2048u

static uint64_t whole_pages(uint64_t memkb)
{
    return memkb - memkb % PLAN_PAGE_KB;
}

uint64_t guest_wants_memkb(const struct world *w, const struct guest *g)
{
    bool burst = g->period_ms && (w->now_ms / (g->period_ms / 2)) % 2;

    return burst ? g->burst_memkb : g->used_memkb;
}

uint64_t guest_total_memkb(const struct guest *g)
{
    return g->held_memkb > KERNEL_MEMKB ? g->held_memkb - KERNEL_MEMKB : 0;
}

uint64_t guest_usual_limit_memkb(const struct guest *g)
{
    return g->dom0 ? NEVER : g->target_memkb + g->videoram_memkb + LIMIT_SLACK_MEMKB;
}

/* The most that its limit lets it hold, comparable with its target. */
static uint64_t ceiling_memkb(const struct guest *g)
{
    uint64_t offset = (uint64_t)g->offset_memkb;

    return g->limit_memkb > offset ? whole_pages(g->limit_memkb - offset) : 0;
}

/* What its programs can have at most: below that they wait. */
static uint64_t room_for_programs(const struct guest *g)
{
    uint64_t total = guest_total_memkb(g);

    return total > WAIT_MEMKB ? total - WAIT_MEMKB : 0;
}

/* A life that is to be known again has the name of the one before, or its UUID. */
static void be_named(struct guest *g)
{
    unsigned life = g->returns == RETURNS_SAME || g->returns == RETURNS_UUID ? 1 : g->lives;

    snprintf(g->life_uuid, sizeof(g->life_uuid), "%08x-0000-4000-8000-%012x", g->number, life);
    if (g->lives == 1 || g->returns == RETURNS_SAME || g->returns == RETURNS_NAME)
        snprintf(g->life_name, sizeof(g->life_name), "%s", g->name);
    else
        snprintf(g->life_name, sizeof(g->life_name), "%s-%u", g->name, g->lives);
}

void guest_be_born(struct world *w, struct guest *g, bool built)
{
    g->state = built ? GUEST_LIVE : GUEST_BUILDING;
    g->domid = g->dom0 ? 0 : w->next_domid++;
    g->lives++;
    be_named(g);
    g->born_ms = g->still_since_ms = w->now_ms;
    g->target_memkb = g->start_memkb;
    g->limit_memkb = guest_usual_limit_memkb(g);
    if (g->limit_memkb < g->start_memkb + (uint64_t)g->offset_memkb)
        g->limit_memkb = g->start_memkb + (uint64_t)g->offset_memkb;
    g->build_memkb = g->start_memkb;
    g->report_at_ms = w->now_ms + g->boot_ms;
    g->touched_memkb = g->needs_memkb = g->first_total_memkb = 0;
    g->first_memkb = g->start_memkb;
    g->peak_memkb = (double)g->start_memkb;
    g->judged = false;
    g->owed_memkb = 0;
    g->waits = g->has_report = g->paused = g->migrating = g->asleep = g->has_own = false;
    g->pressure = 0;
    g->stalled_us = 0;
    g->looks = (struct looks){0};
    g->alarm = false;
    if (!built) {
        w->free_memkb -= (uint64_t)g->offset_memkb;
        return;
    }
    g->held_memkb = g->start_memkb;
    w->free_memkb -= g->held_memkb + (uint64_t)g->offset_memkb;
    g->needs_memkb = guest_wants_memkb(w, g);
    g->touched_memkb = least(g->needs_memkb, room_for_programs(g));
}

/* ---- programs ---- */

/* What they had by now had there always been memory. */
static void would_need(const struct world *w, struct guest *g, uint64_t passed_ms)
{
    uint64_t wants = guest_wants_memkb(w, g), step;

    if (wants <= g->needs_memkb || w->now_ms < g->born_ms + g->boot_ms) {
        g->needs_memkb = least(wants, g->needs_memkb);
        g->needs_fraction = 0;
        return;
    }
    g->needs_fraction += g->touch_kb_s * passed_ms;
    step = g->needs_fraction / 1000;
    g->needs_fraction -= step * 1000;
    g->needs_memkb += least(step, wants - g->needs_memkb);
    g->busy = true;
}

/* They touch what they want as fast as they can, and wait while there is too little available; what they need no more
 * they free at once. */
static void programs(struct world *w, struct guest *g, uint64_t passed_ms)
{
    uint64_t wants = guest_wants_memkb(w, g), room = room_for_programs(g), step;
    bool waited = g->waits;

    g->waits = false;
    would_need(w, g, passed_ms);
    if (wants <= g->touched_memkb) {
        g->touched_memkb = wants;
        g->touch_fraction = 0;
    } else if (w->now_ms >= g->born_ms + g->boot_ms) {
        g->touch_fraction += g->touch_kb_s * passed_ms;
        step = whole_pages(g->touch_fraction / 1000);
        g->touch_fraction -= step * 1000;
        step = least(step, wants - g->touched_memkb);
        g->waits = g->touched_memkb + step > room;
        if (g->waits) {
            step = room > g->touched_memkb ? room - g->touched_memkb : 0;
            g->touch_fraction = 0;
        }
        g->touched_memkb += step;
        if (step)
            guest_touches(w, g);
        g->busy |= !g->waits || step;
    }
    if (g->waits && !waited)
        g->waits_since_ms = w->now_ms;
    guest_stalls(g, passed_ms);
}

/* ---- the balloon ---- */

/* Linux gives only what is available to it. */
static uint64_t lowest_memkb(const struct guest *g)
{
    uint64_t in_use = g->touched_memkb + KERNEL_MEMKB;

    if (g->kind == KIND_FLOOR && in_use < g->floor_memkb)
        in_use = g->floor_memkb;
    return in_use;
}

static bool never_moves(const struct guest *g)
{
    return g->kind == KIND_STUCK || g->kind == KIND_DRIVERLESS;
}

bool guest_cannot_give(const struct world *w, const struct guest *g)
{
    return never_moves(g) || g->kind == KIND_GIVEUP || g->ways & WAY_KEEPS || g->held_memkb <= lowest_memkb(g) + 1024;
}

static uint64_t step_memkb(struct guest *g, uint64_t passed_ms, bool gives)
{
    uint64_t step;

    if (g->kind == KIND_INSTANT && !(gives && g->ways & WAY_DAWDLES))
        return UINT64_MAX / 2;
    g->fraction += (gives ? g->give_kb_s : g->rate_kb_s) * passed_ms;
    step = whole_pages(g->fraction / 1000);
    g->fraction -= step * 1000;
    return step;
}

static uint64_t take(struct world *w, struct guest *g, uint64_t to_memkb, uint64_t passed_ms)
{
    uint64_t step = least(to_memkb, ceiling_memkb(g));

    if (step <= g->held_memkb || g->ways & WAY_DECLINES)
        return 0;
    step = least(step - g->held_memkb, step_memkb(g, passed_ms, false));
    step = whole_pages(least(step, w->free_memkb));
    g->held_memkb += step;
    w->free_memkb -= step;
    return step;
}

static uint64_t give(struct world *w, struct guest *g, uint64_t to_memkb, uint64_t passed_ms)
{
    uint64_t lowest = lowest_memkb(g), step;

    if (g->ways & WAY_KEEPS || g->held_memkb <= lowest)
        return 0;
    step = least(g->held_memkb - to_memkb, step_memkb(g, passed_ms, true));
    step = whole_pages(least(step, g->held_memkb - lowest));
    g->held_memkb -= step;
    w->free_memkb += step;
    return step;
}

static void balloon(struct world *w, struct guest *g, uint64_t passed_ms)
{
    uint64_t target = whole_pages(g->target_memkb), moved;

    /* It follows its limit instead. */
    if (g->ways & WAY_SLACK && !g->dom0 && ceiling_memkb(g) > target)
        target = ceiling_memkb(g);
    if (never_moves(g) || w->now_ms < g->born_ms + g->boot_ms || target == g->held_memkb) {
        g->fraction = 0;
        return;
    }
    if (g->asleep && g->target_memkb == g->asleep_at_memkb)
        return;
    if (g->asleep)
        g->moved_memkb = 0;
    g->asleep = false;
    moved = target > g->held_memkb ? take(w, g, target, passed_ms) : give(w, g, target, passed_ms);
    if (moved) {
        g->busy = true;
        g->still_since_ms = w->now_ms;
    }
    g->moved_memkb += moved;
    if (g->kind == KIND_GIVEUP && g->moved_memkb >= g->giveup_memkb) {
        g->asleep = true;
        g->asleep_at_memkb = g->target_memkb;
    }
}

void guest_move(struct world *w, struct guest *g, uint64_t passed_ms)
{
    uint64_t step;

    if (!passed_ms)
        return;
    g->busy = false;
    switch (g->state) {
    case GUEST_BUILDING:
        step = least(least(passed_ms * BUILD_KB_MS, g->build_memkb - g->held_memkb), w->free_memkb);
        g->held_memkb += step;
        w->free_memkb -= step;
        if (g->held_memkb == g->build_memkb) {
            g->state = GUEST_LIVE;
            g->born_ms = g->still_since_ms = w->now_ms;
            g->report_at_ms = w->now_ms + g->boot_ms;
        }
        break;
    case GUEST_LIVE:
        if (!g->paused) {
            balloon(w, g, passed_ms);
            programs(w, g, passed_ms);
        }
        break;
    case GUEST_DYING:
        step = least(passed_ms * DIE_KB_MS, g->held_memkb);
        g->held_memkb -= step;
        w->free_memkb += step;
        break;
    case GUEST_ABSENT:
        break;
    }
}
