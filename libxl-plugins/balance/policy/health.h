/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_POLICY_HEALTH_H
#define XLX_BALANCE_POLICY_HEALTH_H

/*
 * How well a guest follows its target, for each direction (giving, taking) by itself:
 *
 *   Well --no page moved for HEALTH_STILL_MS--> re-armed by one page, HEALTH_REARMS times --still none--> Stuck
 *   Stuck --back-off over--> Probation --HEALTH_PROVED_KB moved, or a target that far away reached--> Well
 *                            Probation --no page moved for HEALTH_STILL_MS--> Stuck, back-off doubled
 *   Stuck --a page moved, or something better is known (health_reconsider)--> Well, the back-off is kept
 *
 * Re-arming: Linux's balloon driver gives up after four failed tries, and then sleeps until its target changes
 * (drivers/xen/balloon.c, BP_ECANCELED). Rates are kept for as long as the domain lives, back-offs until it has gone all
 * the way to a target.
 */

#include <stdbool.h>
#include <stdint.h>

#define HEALTH_STILL_MS 3000u
#define HEALTH_REARMS 2u
#define HEALTH_BACKOFF_LEAST_MS 30000u
#define HEALTH_BACKOFF_MOST_MS 3600000u
#define HEALTH_PROVED_KB 1024u
/* Nearer to the target than this is there: drivers round, and domains' offsets are known to a few pages. */
#define HEALTH_NEAR_KB 64u
/* Rates are taken over at least so long. */
#define HEALTH_WINDOW_MS 400u
/* Longer than this to go at its rate: slow. */
#define HEALTH_SLOW_MS 30000u

enum health_way { HEALTH_GIVING, HEALTH_TAKING };
enum health_state { HEALTH_WELL, HEALTH_STUCK, HEALTH_PROBATION };

struct health_side {
    enum health_state state;
    bool rate_known;
    uint64_t rate_kb_per_s;
    uint64_t backoff_ms;
    uint64_t probe_at_ms;
    uint64_t proved_kb;      /* moved since probation began, or since it was re-armed */
    uint64_t probed_from_kb; /* what it held when probation began */
};

struct health {
    struct health_side sides[2];
    bool moving;
    enum health_way way;
    uint64_t target_memkb; /* that is being followed */
    uint64_t last_memkb, last_at_ms;
    uint64_t still_since_ms;
    uint64_t window_memkb, window_at_ms;
    unsigned rearmed;
    uint64_t left_ms; /* UINT64_MAX: not at that rate */
    bool slow;        /* has been found to need long, and has not come near since */
};

enum health_verdict {
    HEALTH_NOTHING,
    HEALTH_REARM,     /* move its target by one page */
    HEALTH_GAVE_UP,   /* stuck from now on */
    HEALTH_RECOVERED, /* was stuck or on probation, is well */
};

/* One look at a guest that can move (running). */
enum health_verdict health_look(struct health *h, uint64_t actual_memkb, uint64_t target_memkb, uint64_t now_ms);
/* It could not move (paused): no time has passed for it. */
void health_pause(struct health *h, uint64_t actual_memkb, uint64_t now_ms);
/* Its back-off is over: from stuck to probation. */
bool health_probe_due(struct health *h, enum health_way way, uint64_t actual_memkb, uint64_t now_ms);
/* Stuck was a guess, and what is known now is better: it is taken for well. Returns whether it was stuck. */
bool health_reconsider(struct health *h, enum health_way way);

/* What it can be expected to give within that time, UINT64_MAX when nothing speaks against all. by_rate: judge by the
 * last known rate also those that are not slow. */
uint64_t health_can_give(const struct health *h, uint64_t within_ms, bool by_rate);

static inline bool health_stuck(const struct health *h, enum health_way way)
{
    return h->sides[way].state == HEALTH_STUCK;
}
/* On its way, at a rate that will take long. */
static inline bool health_slow(const struct health *h)
{
    return h->slow;
}

#endif
