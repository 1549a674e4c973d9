/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_POLICY_DEMAND_H
#define XLX_BALANCE_POLICY_DEMAND_H

/*
 * What a guest wants, from what it reports of itself. The guest is not trusted, so the wish is bounded before the
 * policy sees it: by what the guest holds (to want more it must first fill what it has), and in how fast it grows (a
 * bucket that refills). It falls only after it has stayed low for DEMAND_HOLD_MS, so that a guest that works in bursts
 * keeps what the last burst needed.
 */

#include "balance/host.h"

#define DEMAND_HOLD_MS 30000u
/* A full bucket: 64 MiB and a quarter of what the guest holds; it refills in so long. */
#define DEMAND_REFILL_MS 2000u

struct demand {
    bool known;
    uint64_t raw_memkb;  /* as reported, within what the guest holds allows */
    uint64_t seen_memkb; /* as the policy sees it */
    uint64_t reported_memkb;
    uint64_t oom_kills;
    bool counted_kills;
    /* highest raw demand of this and of the last half hold time */
    uint64_t peak_memkb[2];
    uint64_t half_since_ms;
    uint64_t bucket_memkb, bucket_at_ms;
};

/* A new report, of a guest that holds actual_memkb. ground_memkb: what the policy may take for granted when this is the
 * first report (its target). headroom_percent on top of what is used. */
void demand_report(struct demand *d, const struct host_report *report, uint64_t actual_memkb, uint64_t ground_memkb,
                   unsigned headroom_percent, uint64_t now_ms);
/* Nothing is known any more: the guest took its report away. */
void demand_forget(struct demand *d);
/* Lets time pass: seen_memkb follows. Returns when it would change by itself, UINT64_MAX: never. */
uint64_t demand_settle(struct demand *d, uint64_t actual_memkb, uint64_t now_ms);

#endif
