/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/policy/demand.h"

#include <string.h>

#define HEADROOM_LEAST_MEMKB (UINT64_C(32) << 10)
#define BURST_MEMKB (UINT64_C(64) << 10)
/* Stalls for less than 5 % of the time are every day's. */
#define PRESSURE_LEAST 500u
#define PRESSURE_FULL 5000u

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t bucket_size(uint64_t actual_memkb)
{
    return BURST_MEMKB + actual_memkb / 4;
}

/* Whatever the numbers are, the result is not above five quarters of what the guest holds and a burst. */
static uint64_t wish(struct demand *d, const struct host_report *r, uint64_t actual_memkb, unsigned headroom_percent)
{
    uint64_t total = least(r->total_memkb, actual_memkb);
    uint64_t available = least(r->has_available ? r->available_memkb : r->free_memkb, total);
    /* What the guest's kernel keeps for itself before it counts, and never gives. */
    uint64_t own = least(actual_memkb - total, actual_memkb / 4);
    uint64_t used = total - available + own;
    uint64_t wanted = used + most(used * headroom_percent / 100, HEADROOM_LEAST_MEMKB);
    uint64_t pressure = least(r->pressure, PRESSURE_FULL);

    if (pressure >= PRESSURE_LEAST) {
        wanted = most(wanted, actual_memkb + actual_memkb / 4 * pressure / PRESSURE_FULL);
        wanted += least(r->swap_used_memkb, actual_memkb / 4);
    }
    if (d->counted_kills && r->oom_kills > d->oom_kills)
        wanted = most(wanted, actual_memkb + actual_memkb / 4);
    d->oom_kills = r->oom_kills;
    d->counted_kills = true;
    d->reported_memkb = wanted;
    return least(wanted, actual_memkb + bucket_size(actual_memkb));
}

void demand_report(struct demand *d, const struct host_report *report, uint64_t actual_memkb, uint64_t ground_memkb,
                   unsigned headroom_percent, uint64_t now_ms)
{
    uint64_t raw = wish(d, report, actual_memkb, headroom_percent);

    if (!d->known) {
        d->known = true;
        d->seen_memkb = ground_memkb;
        /* What it was granted before this moment it may still need: it is not taken on one report's word. */
        d->peak_memkb[0] = d->peak_memkb[1] = ground_memkb;
        d->half_since_ms = d->bucket_at_ms = now_ms;
        d->bucket_memkb = bucket_size(actual_memkb);
    }
    demand_settle(d, actual_memkb, now_ms);
    d->raw_memkb = raw;
    d->peak_memkb[0] = most(d->peak_memkb[0], raw);
    demand_settle(d, actual_memkb, now_ms);
}

void demand_forget(struct demand *d)
{
    memset(d, 0, sizeof(*d));
}

static void turn_halves(struct demand *d, uint64_t now_ms)
{
    uint64_t passed = now_ms - d->half_since_ms;

    if (passed < DEMAND_HOLD_MS / 2)
        return;
    d->peak_memkb[1] = passed < DEMAND_HOLD_MS ? d->peak_memkb[0] : d->raw_memkb;
    d->peak_memkb[0] = d->raw_memkb;
    d->half_since_ms = now_ms;
}

uint64_t demand_settle(struct demand *d, uint64_t actual_memkb, uint64_t now_ms)
{
    uint64_t size = bucket_size(actual_memkb), wanted, rise;

    if (!d->known)
        return UINT64_MAX;
    turn_halves(d, now_ms);
    d->bucket_memkb =
        least(size, d->bucket_memkb + least(now_ms - d->bucket_at_ms, DEMAND_REFILL_MS) * size / DEMAND_REFILL_MS);
    d->bucket_at_ms = now_ms;
    wanted = most(d->peak_memkb[0], d->peak_memkb[1]);
    if (wanted > d->seen_memkb) {
        rise = least(wanted - d->seen_memkb, d->bucket_memkb);
        /* In a few large steps rather than in many small ones. */
        if (rise == wanted - d->seen_memkb || rise >= size / 2) {
            d->seen_memkb += rise;
            d->bucket_memkb -= rise;
        }
    } else {
        d->seen_memkb = wanted;
    }
    if (d->seen_memkb < wanted)
        return now_ms + DEMAND_REFILL_MS / 2;
    /* Peaks that lie above what is wanted now will pass. */
    if (wanted > d->raw_memkb)
        return d->half_since_ms + DEMAND_HOLD_MS / 2;
    return UINT64_MAX;
}
