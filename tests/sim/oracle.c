/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Foresight: it learns each load at the instant at which it changes, knows who is hostile and who can move, and is bound
 * by the guests' rates alone. Everybody who holds more than he needs gives at once, until all who lack have theirs.
 */
#include "tests/sim/fair.h"
#include "tests/sim/peer.h"

#define STEP_MS 50u

static void *start(struct world *w, const struct balancer_config *config)
{
    return peer_new(w, sizeof(struct peer));
}

static uint64_t whole_pages(uint64_t memkb)
{
    return memkb - memkb % PLAN_PAGE_KB;
}

/* What it is to have now, of a guest that may be given to. */
static uint64_t lacks_memkb(const struct guest *g)
{
    uint64_t owed = whole_pages(g->owed_memkb);

    return peer_balances(g) && g->judged && owed > g->held_memkb ? owed - g->held_memkb : 0;
}

static void ask_donors(struct world *w, bool needed)
{
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        struct guest *g = &w->guests[i];
        uint64_t keeps = whole_pages(g->owed_memkb + PLAN_PAGE_KB - 1);

        if (!peer_balances(g) || g->held_memkb <= keeps)
            continue;
        peer_set(w, g, needed ? keeps : g->held_memkb);
    }
}

static void moment(void *daemon)
{
    struct peer *p = daemon;
    struct world *w = p->w;
    uint64_t lacking = 0, room, starts;

    peer_settle(p);
    fair_shares(w);
    for (size_t i = 0; i < w->scenario->guest_count; i++)
        lacking += lacks_memkb(&w->guests[i]);
    starts = peer_lacks_memkb(p);
    room = peer_room_memkb(w);
    ask_donors(w, starts || lacking > room);
    for (size_t i = 0; i < w->scenario->guest_count && !starts; i++) {
        struct guest *g = &w->guests[i];
        uint64_t lacks = lacks_memkb(g);

        if (lacks)
            peer_set(w, g,
                     g->held_memkb +
                         (lacking <= room ? lacks : (uint64_t)((double)room * (double)lacks / (double)lacking)));
    }
    peer_wake_at(p, lacking || starts ? w->now_ms + STEP_MS : NEVER);
}

static void wake(void *daemon)
{
}

const struct policy policy_oracle = {
    .name = "oracle",
    .start = start,
    PEER_BASICS,
    .gone = peer_ignores,
    .changed = peer_ignores,
    .reported = peer_ignores,
    .wake = wake,
    .moment = moment,
};
