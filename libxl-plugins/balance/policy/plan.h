/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_POLICY_PLAN_H
#define XLX_BALANCE_POLICY_PLAN_H

/*
 * Who gets how much memory: a pure function. No I/O, no clock; the same input gives the same plan, in whatever order
 * the domains stand. O(N log N).
 *
 * Weighted max-min fairness, level by level. Each participant has lo = min, hi = min(max, static-max), d = its demand
 * within [lo, hi] (d = lo when the demand is not known), and k = what it may keep warm within [d, hi].
 *   need:    target = clamp(lo + L * weight, lo, d), one L for all, as high as the budget allows; where it is known,
 *            what is in use first, and then the headroom on top of it in the same way;
 *   warmth:  what is left beyond the host's float is given likewise on top of that up to k;
 *   rest:    what is still left likewise up to hi.
 * Not enough for the minimums: infeasible, every participant at lo.
 *
 * Computed exactly and rounded down to whole pages; the pages that rounding leaves over go one each to the domains with
 * the lowest domids that lost by it, so that every target is less than a page from its exact value and the sum within
 * the budget. A minimum that is no multiple of 4 KiB is rounded up, a maximum down.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/gc.h"

#define PLAN_PAGE_KB 4u
/* Bounds that keep every sum and product exact; validated by plan_fault. */
#define PLAN_MEMKB_MAX (UINT64_C(1) << 44)
#define PLAN_WEIGHT_MAX (UINT64_C(1) << 32)
#define PLAN_DOMAINS_MAX 32768u

enum plan_type { PLAN_PV, PLAN_PVH, PLAN_HVM };
enum plan_state {
    PLAN_RUNNING,
    PLAN_PAUSED,
    PLAN_BUILDING,
    PLAN_BOOTING,
    PLAN_MIGRATING,
    PLAN_DYING,
};
enum plan_balloon { PLAN_BALLOON_OK, PLAN_BALLOON_SLOW, PLAN_BALLOON_STUCK, PLAN_BALLOON_NONE };

struct plan_domain {
    uint32_t domid;
    enum plan_type type;
    enum plan_state state;
    enum plan_balloon balloon;
    bool fixed;
    bool demand_known;
    uint64_t actual_memkb; /* less the domain's offset: comparable with a target */
    uint64_t target_memkb;
    uint64_t static_max_memkb;
    uint64_t min_memkb, max_memkb;
    uint64_t weight; /* 1 to PLAN_WEIGHT_MAX */
    uint64_t demand_memkb;
    uint64_t quick_memkb; /* what it is seen to give in half a second; 0: not known */
    uint64_t use_memkb;   /* part of the demand: what is in use, before anybody's headroom; 0: not told */
    uint64_t keep_memkb;  /* what it may keep warm when nobody needs it; not above the demand: nothing */
};

struct plan_input {
    uint64_t total_memkb, free_memkb, claimed_memkb, reserve_memkb;
    uint64_t reservations_memkb; /* sum, less what their domains already hold or claim */
    uint64_t float_memkb;        /* kept free from those who do not need it, for who will */
    const struct plan_domain *domains;
    size_t count;
    /* Leave a target alone when the plan differs from it by little, relative to its size: at most 2 % where demand is
     * at stake, so that never more than 3 % of a demand that could be met stays unmet, and 1/16 of what lies above the
     * demand. Nothing is taken from anybody only because others have less that they do not need either, and the float
     * is filled up when half of it is gone. The sum stays within the budget. */
    bool damped;
    /* Damped: somebody waits for memory, which therefore is asked of all that have more than their share; who has less
     * than it uses gets its own to the page (but for less than 1 MiB). */
    bool hurry;
};

enum plan_reason {
    PLAN_REASON_MINIMUM, /* not more than its minimum: nothing is left, or it asks for no more */
    PLAN_REASON_SHARE,   /* less than its demand: its share by weight */
    PLAN_REASON_DEMAND,  /* its demand */
    PLAN_REASON_WARM,    /* more than its demand, which it needed lately */
    PLAN_REASON_SURPLUS, /* more than that */
    PLAN_REASON_RANGE,   /* demand unknown: what is left, by weight */
    PLAN_REASON_MAXIMUM, /* all it may have */
    PLAN_REASON_KEPT,    /* damped: near enough to where it is */
    PLAN_REASON_SHORT,   /* infeasible: its minimum */
    /* no participants */
    PLAN_REASON_FIXED,
    PLAN_REASON_PAUSED,
    PLAN_REASON_BUILDING,
    PLAN_REASON_BOOTING,
    PLAN_REASON_MIGRATING,
    PLAN_REASON_DYING,
    PLAN_REASON_STUCK,
    PLAN_REASON_NO_BALLOON,
};

struct plan_target {
    uint64_t target_memkb;
    enum plan_reason reason;
};

struct plan_step {
    uint32_t domid;
    size_t index; /* of the domain in the input */
    uint64_t target_memkb;
};

struct plan {
    bool feasible;
    uint64_t shortfall_memkb;      /* what the minimums lack; 0 when feasible */
    int64_t budget_memkb;          /* what the participants may hold together */
    int64_t host_free_after_memkb; /* when all steps have been carried out */
    struct plan_target *targets;   /* as many as there are domains, in the order of the input */
    /*
     * Donors first, then those whose target is not raised, then those whose target is. Carried out one after the
     * other they never take host free memory below claims + reserve + reservations + what other domains may still
     * take; where an infeasible plan would, the step is left out. One step a domain at most.
     */
    struct plan_step *steps;
    size_t step_count;
};

/* Running, not fixed, with a balloon that works. */
bool plan_participates(const struct plan_domain *domain);
/* min(max, static-max) */
uint64_t plan_hi_memkb(const struct plan_domain *domain);

/* Why an input cannot be planned (min > hi, weight out of range, a domid twice, a size beyond PLAN_MEMKB_MAX), in the
 * pool; NULL: it can. */
const char *plan_fault(struct gc *gc, const struct plan_input *input);

/* The input must be without fault. The result lives in the pool. */
struct plan *plan_make(struct gc *gc, const struct plan_input *input);

/* The fair shares: what each would get if everybody needed its maximum; others: their targets. As many as there are
 * domains, in the order of the input, which must be without fault. */
void plan_fair(struct gc *gc, const struct plan_input *input, uint64_t *fair_memkb);

const char *plan_reason_name(enum plan_reason reason);

#endif
