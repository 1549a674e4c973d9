/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The published rules of squeezed: a guest's target is its minimum and the same part of its range for all, whatever it
 * uses. Every 10 s it compares, looks once a second while it moves memory, lowers first and raises in a later round. A
 * guest that has not moved at all for 5 s is stuck until the end of the run.
 */
#include "tests/sim/peer.h"

#define POLL_MS 10000u
#define TICK_MS 1000u
#define STUCK_MS 5000u
#define NEAR_MEMKB 1024u

struct squeezed {
    struct peer peer;
    bool runs;
};

static void *start(struct world *w, const struct balancer_config *config)
{
    return peer_new(w, sizeof(struct squeezed));
}

static bool stuck(const struct world *w, const struct guest *g)
{
    return g->squeezed_stuck && w->now_ms >= g->squeezed_since_ms;
}

/* Who has not moved a page towards its target in time. */
static void judge(struct world *w, bool runs)
{
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        struct guest *g = &w->guests[i];
        uint64_t left =
            g->held_memkb > g->target_memkb ? g->held_memkb - g->target_memkb : g->target_memkb - g->held_memkb;

        if (!runs || left <= NEAR_MEMKB || g->held_memkb != g->squeezed_held_memkb) {
            g->squeezed_held_memkb = g->held_memkb;
            g->squeezed_since_ms = w->now_ms;
            g->squeezed_stuck &= runs;
        } else if (w->now_ms >= g->squeezed_since_ms + STUCK_MS) {
            g->squeezed_stuck = true;
        }
    }
}

static double part_of_range(struct squeezed *s)
{
    struct world *w = s->peer.w;
    double surplus = (double)peer_room_memkb(w) - (double)peer_lacks_memkb(&s->peer), ranges = 0, part;

    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        const struct guest *g = &w->guests[i];

        if (!peer_balances(g) || stuck(w, g))
            continue;
        surplus += (double)g->held_memkb - (double)g->min_memkb;
        ranges += (double)(peer_most_memkb(g) - g->min_memkb);
    }
    part = ranges > 0 ? surplus / ranges : 0;
    return part < 0 ? 0 : part > 1 ? 1 : part;
}

/* Returns whether anybody is on its way. */
static bool move(struct squeezed *s)
{
    struct world *w = s->peer.w;
    double part = part_of_range(s);
    bool frees = false, raises = false;

    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        struct guest *g = &w->guests[i];
        uint64_t target = g->min_memkb + (uint64_t)(part * (double)(peer_most_memkb(g) - g->min_memkb));

        if (!peer_balances(g) || stuck(w, g) || g->held_memkb <= target + NEAR_MEMKB)
            continue;
        peer_set(w, g, target);
        frees = true;
    }
    for (size_t i = 0; i < w->scenario->guest_count && !frees; i++) {
        struct guest *g = &w->guests[i];
        uint64_t target = g->min_memkb + (uint64_t)(part * (double)(peer_most_memkb(g) - g->min_memkb));

        if (!peer_balances(g) || stuck(w, g) || g->held_memkb + NEAR_MEMKB >= target)
            continue;
        peer_set(w, g, target);
        raises = true;
    }
    return frees || raises;
}

static void wake(void *daemon)
{
    struct squeezed *s = daemon;

    peer_settle(&s->peer);
    judge(s->peer.w, s->runs);
    s->runs = move(s);
    peer_settle(&s->peer);
    if (peer_lacks_memkb(&s->peer))
        s->runs = true;
    peer_wake_at(&s->peer, s->peer.w->now_ms + (s->runs ? TICK_MS : POLL_MS));
}

const struct policy policy_squeezed = {
    .name = "squeezed",
    .start = start,
    PEER_BASICS,
    .gone = peer_ignores,
    .changed = peer_ignores,
    .reported = peer_ignores,
    .wake = wake,
};
