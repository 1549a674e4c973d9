/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_POLICY_DEMAND_H
#define XLX_BALANCE_POLICY_DEMAND_H

/*
 * What a guest wants, from what it reports of itself: what it uses, what it needs now, and what it may keep warm.
 *
 *   use  = what its programs hold, what has been swapped out since they stall, and what they will use until memory that
 *          is given now has come and the next report with it. The last is its growth times that time, doubled as long as
 *          grants are used up at once, and nothing as soon as they are not.
 *   need = use and headroom; more under pressure.
 *   warm = the most that it needed in the last DEMAND_HOLD_MS.
 *
 * Whatever a guest writes, both are below PLAN_MEMKB_MAX; how much of a need counts is for the plan to say (shares).
 * A guest whose report went away needs what it needed last, half as much after each DEMAND_FADE_MS.
 */

#include "balance/host.h"

#define DEMAND_HOLD_MS 30000u
#define DEMAND_FADE_MS 60000u
#define DEMAND_PERIOD_MOST_MS 3600000u
/* So long after it has grown a guest is expected to go on. */
#define DEMAND_GROWS_MS 1000u
/* A report of a source that tells again and again lives for so many periods. */
#define DEMAND_LIVES 3u

struct demand {
    bool known;
    uint64_t use_memkb, need_memkb, warm_memkb;
    uint64_t reported_memkb; /* the need without what is asked for ahead */
    uint64_t used_memkb, available_memkb;
    uint64_t ahead_memkb;
    bool grows; /* it did in the last DEMAND_GROWS_MS, or was next to nothing available when it told first */
    uint64_t grew_ms;

    /* private */
    uint64_t at_ms, held_memkb; /* of the last report */
    uint64_t period_ms;         /* until its source tells again; 0: when it is worth it */
    uint64_t swap_base_memkb;   /* swapped out while nothing stalled */
    uint64_t oom_kills;
    bool stalled_known;
    uint64_t stalls, stalled_from_us, stalled_from_ms;
    bool counted, fading;
    /* highest need of this and of the last half hold time */
    uint64_t peak_memkb[2];
    uint64_t half_since_ms;
    uint64_t last_need_memkb, forgotten_ms; /* when it was forgotten */
};

/* A new report, of a guest that holds actual_memkb. ground_memkb: what it may keep warm when this is the first report
 * (its target). headroom_percent on top of what is used; arrival_ms: how long memory takes to reach this guest. */
void demand_report(struct demand *d, const struct host_report *report, uint64_t actual_memkb, uint64_t ground_memkb,
                   unsigned headroom_percent, uint64_t arrival_ms, uint64_t now_ms);
/* Its report went away, or is not to be believed any more. */
void demand_forget(struct demand *d, uint64_t now_ms);
/* What a guest that holds held_memkb may use by now, or before its source tells again: the older its last report is, the
 * less of what it said to be unused. 0: its source tells when it is worth it. */
uint64_t demand_doubted_memkb(const struct demand *d, uint64_t held_memkb, uint64_t age_ms);
/* Lets time pass. Returns when something would change by itself, UINT64_MAX: never. */
uint64_t demand_settle(struct demand *d, uint64_t now_ms);

#endif
