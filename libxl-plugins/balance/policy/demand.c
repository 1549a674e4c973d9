/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/policy/demand.h"

#include <string.h>

#include "base/least.h"

#define HEADROOM_LEAST_MEMKB (UINT64_C(32) << 10)
/* Available, with a part of what it holds: next to nothing. */
#define STARVED_MEMKB (UINT64_C(12) << 10)
/* Stalls for less than 5 % of the time are every day's. */
#define PRESSURE_LEAST 500u
#define STALLS 50u
#define PRESSURE_FULL 5000u
/* Over less than that what has stalled says nothing; after more the guest's own average says as much. */
#define STALLS_OVER_MS 400u
#define STALLS_WITHIN_MS 10000u
/* Growth that is worth looking ahead. */
#define RISE_LEAST_MEMKB (UINT64_C(2) << 10)
/* Fainter than this a memory of a need is none. */
#define FADED_MEMKB (UINT64_C(16) << 10)
/* Nothing was heard for so long: what was asked for ahead is not used. An agent tells of each step of a rise within half a
 * second; memory that is kept for a rise that has ended is missing in the float. */
#define AHEAD_MS 2000u
/* How soon a guest that uses up what it has reports again. A rise that left it without headroom was so quick, whenever
 * the last report came; else one between reports that are further apart than RISE_MOST_MS says nothing. */
#define REPORT_MS 500u
#define RISE_MOST_MS 10000u

/* How much of the time since the last report tasks stalled, in 1/10000. The guest's own average is of ten seconds: it tells
 * late of stalls that begin, and long of those that are over, when memory has come. Each report in that time would ask
 * for a part of what the last one brought. */
static uint64_t stalls_now(struct demand *d, const struct host_report *r, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms - d->stalled_from_ms;
    uint64_t stalled_us = r->stalled_us - d->stalled_from_us;
    bool measured = r->has_stalled && d->stalled_known && r->stalled_us >= d->stalled_from_us;

    if (measured && passed_ms < STALLS_OVER_MS)
        return d->stalls;
    measured = measured && passed_ms <= STALLS_WITHIN_MS;
    d->stalls = measured ? least(stalled_us, passed_ms * 1000) * 10 / passed_ms : r->pressure;
    d->stalled_known = r->has_stalled;
    d->stalled_from_us = r->stalled_us;
    d->stalled_from_ms = now_ms;
    return d->stalls;
}

/* Stalls say that what is there is too little, not how much is missing: a quarter more at most, and what has been
 * swapped out since they began. With next to nothing left any stall is one for memory, and who cannot tell of stalls is
 * taken to stall. */
static void press(struct demand *d, const struct host_report *r, uint64_t actual_memkb, uint64_t now_ms)
{
    uint64_t pressure = least(r->pressure, PRESSURE_FULL), swap = least(r->swap_used_memkb, PLAN_MEMKB_MAX);
    uint64_t now = least(stalls_now(d, r, now_ms), PRESSURE_FULL);
    bool stalls = now >= STALLS || (!r->has_pressure && r->has_available);

    if (stalls && d->available_memkb < STARVED_MEMKB + actual_memkb / 64)
        d->use_memkb = most(d->use_memkb, actual_memkb + actual_memkb / 8 + HEADROOM_LEAST_MEMKB);
    if (d->counted && r->oom_kills > d->oom_kills)
        d->use_memkb = most(d->use_memkb, actual_memkb + actual_memkb / 4);
    if (now >= PRESSURE_LEAST)
        d->use_memkb = most(d->use_memkb, actual_memkb + actual_memkb / 4 * now / PRESSURE_FULL);
    if (most(pressure, now) < PRESSURE_LEAST) {
        d->swap_base_memkb = swap;
        return;
    }
    if (!d->counted || swap < d->swap_base_memkb)
        d->swap_base_memkb = d->counted ? swap : 0;
    d->use_memkb += swap - d->swap_base_memkb;
    d->reported_memkb += least(d->swap_base_memkb, actual_memkb / 4);
}

/* Without what it is asked for ahead. */
static void wish(struct demand *d, const struct host_report *r, uint64_t actual_memkb, unsigned headroom_percent,
                 uint64_t now_ms)
{
    uint64_t total = r->total_memkb == UINT64_MAX ? actual_memkb : r->total_memkb;
    /* What the guest's kernel keeps for itself before it counts, and never gives. */
    uint64_t own = least(actual_memkb - least(total, actual_memkb), actual_memkb / 4);
    uint64_t available = least(r->has_available ? r->available_memkb : r->free_memkb, total);

    /* It may have given some of that since. */
    d->used_memkb = d->use_memkb = least(total - available + own, actual_memkb);
    d->available_memkb = least(available, actual_memkb - d->used_memkb);
    if (r->has_used) {
        d->used_memkb = d->use_memkb = least(r->used_memkb, PLAN_MEMKB_MAX);
        d->available_memkb = actual_memkb > d->used_memkb ? actual_memkb - d->used_memkb : 0;
    }
    d->reported_memkb = d->used_memkb + most(d->used_memkb * headroom_percent / 100, HEADROOM_LEAST_MEMKB);
    press(d, r, actual_memkb, now_ms);
    d->use_memkb = least(d->use_memkb, PLAN_MEMKB_MAX);
    d->reported_memkb = least(most(d->reported_memkb, d->use_memkb), PLAN_MEMKB_MAX);
    d->oom_kills = r->oom_kills;
    d->counted = true;
}

/* What it will use until what it is given now has reached it. Of a source that tells far apart: until it tells again, as
 * far as can be guessed. */
static uint64_t look_ahead(const struct demand *d, uint64_t used_before, uint64_t actual_memkb, uint64_t arrival_ms,
                           uint64_t now_ms)
{
    uint64_t rise = d->used_memkb > used_before ? d->used_memkb - used_before : 0;
    uint64_t granted = actual_memkb > d->held_memkb ? actual_memkb - d->held_memkb : 0;
    uint64_t passed = most(now_ms - d->at_ms, 1), ahead;
    uint64_t bound = actual_memkb / (d->period_ms ? 2 : 4) + 2 * HEADROOM_LEAST_MEMKB;

    if (d->available_memkb < HEADROOM_LEAST_MEMKB)
        passed = least(passed, REPORT_MS);
    if (rise < RISE_LEAST_MEMKB || passed > most(RISE_MOST_MS, 2 * d->period_ms))
        return 0;
    ahead = (uint64_t)((unsigned __int128)rise * (arrival_ms + REPORT_MS) / passed);
    /* What came is gone again: it would have used more, had it been there. */
    if (granted >= RISE_LEAST_MEMKB && rise >= granted - granted / 4)
        ahead = most(ahead, most(2 * d->ahead_memkb, granted));
    return least(ahead, bound);
}

void demand_report(struct demand *d, const struct host_report *report, uint64_t actual_memkb, uint64_t ground_memkb,
                   unsigned headroom_percent, uint64_t arrival_ms, uint64_t now_ms)
{
    uint64_t used_before = d->used_memkb, needed_before = d->known ? d->need_memkb : 0;

    d->period_ms = least(report->period_ms, DEMAND_PERIOD_MOST_MS);
    wish(d, report, actual_memkb, headroom_percent, now_ms);
    d->ahead_memkb = d->known ? look_ahead(d, used_before, actual_memkb, arrival_ms, now_ms) : 0;
    if (d->ahead_memkb || (!d->known && d->available_memkb < STARVED_MEMKB + actual_memkb / 64)) {
        d->grows = true;
        d->grew_ms = now_ms;
    }
    if (!d->known) {
        /* What it was granted before this moment it may still need. */
        d->peak_memkb[0] = d->peak_memkb[1] = ground_memkb;
        d->half_since_ms = now_ms;
    }
    d->known = true;
    d->fading = false;
    d->at_ms = now_ms;
    d->held_memkb = actual_memkb;
    demand_settle(d, now_ms);
    d->use_memkb = least(d->use_memkb + d->ahead_memkb, PLAN_MEMKB_MAX);
    d->need_memkb = least(d->reported_memkb + d->ahead_memkb, PLAN_MEMKB_MAX);
    /* What is still on its way it cannot have used: that is not called back before it has come. */
    if (ground_memkb > actual_memkb + RISE_LEAST_MEMKB)
        d->need_memkb = most(d->need_memkb, least(needed_before, ground_memkb));
    d->peak_memkb[0] = most(d->peak_memkb[0], d->reported_memkb);
    demand_settle(d, now_ms);
}

void demand_forget(struct demand *d, uint64_t now_ms)
{
    struct demand was = *d;

    if (!d->known)
        return;
    memset(d, 0, sizeof(*d));
    d->fading = true;
    d->last_need_memkb = d->use_memkb = d->need_memkb = d->warm_memkb = was.reported_memkb;
    d->forgotten_ms = now_ms;
}

uint64_t demand_doubted_memkb(const struct demand *d, uint64_t held_memkb, uint64_t age_ms)
{
    uint64_t life_ms = DEMAND_LIVES * d->period_ms, doubted_ms = least(least(age_ms, life_ms) + d->period_ms, life_ms);

    if (!d->known || !life_ms || held_memkb <= d->used_memkb)
        return 0;
    return d->used_memkb + (uint64_t)((unsigned __int128)(held_memkb - d->used_memkb) * doubted_ms / life_ms);
}

static uint64_t fade(struct demand *d, uint64_t now_ms)
{
    uint64_t halves = (now_ms - d->forgotten_ms) / DEMAND_FADE_MS;

    if (!d->fading)
        return UINT64_MAX;
    d->use_memkb = d->need_memkb = d->warm_memkb = halves < 40 ? d->last_need_memkb >> halves : 0;
    if (d->need_memkb < FADED_MEMKB) {
        d->use_memkb = d->need_memkb = d->warm_memkb = 0;
        d->fading = false;
        return UINT64_MAX;
    }
    return d->forgotten_ms + (halves + 1) * DEMAND_FADE_MS;
}

static void turn_halves(struct demand *d, uint64_t now_ms)
{
    uint64_t passed = now_ms - d->half_since_ms;

    if (passed < DEMAND_HOLD_MS / 2)
        return;
    d->peak_memkb[1] = passed < DEMAND_HOLD_MS ? d->peak_memkb[0] : d->reported_memkb;
    d->peak_memkb[0] = d->reported_memkb;
    d->half_since_ms = now_ms;
}

uint64_t demand_settle(struct demand *d, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;

    if (!d->known)
        return fade(d, now_ms);
    turn_halves(d, now_ms);
    d->warm_memkb = most(d->peak_memkb[0], d->peak_memkb[1]);
    d->grows = d->grows && now_ms < d->grew_ms + DEMAND_GROWS_MS;
    if (d->grows)
        next_ms = d->grew_ms + DEMAND_GROWS_MS;
    if (d->ahead_memkb) {
        if (now_ms < d->at_ms + d->period_ms + AHEAD_MS)
            return least(next_ms, d->at_ms + d->period_ms + AHEAD_MS);
        d->use_memkb -= d->ahead_memkb;
        d->ahead_memkb = 0;
        d->need_memkb = d->reported_memkb;
    }
    /* Peaks that lie above what is wanted now will pass. */
    return d->warm_memkb > d->reported_memkb ? least(next_ms, d->half_since_ms + DEMAND_HOLD_MS / 2) : next_ms;
}
