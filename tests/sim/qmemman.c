/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The published rules of qmemman: a guest prefers 1.3 times what it uses, at least 200 MiB (dom0 350 MiB more). It acts when
 * a guest has told of a change, and for a start; it has no timer. When all preferences fit, what is left is shared in
 * proportion to them; else who has more than it prefers gives that, and who has less takes what is free. It leaves
 * things alone while no guest that lacks would get 15 MiB, and nobody else 150 MiB. Until memory has come, or its giver
 * has stood still for 100 ms, it does nothing else.
 */
#include "tests/sim/peer.h"

#define LEAST_MEMKB (200 * MIB)
#define DOM0_MEMKB (350 * MIB)
#define HOST_MEMKB (50 * MIB)
#define LACKS_MEMKB (15 * MIB)
#define OTHERS_MEMKB (150 * MIB)
#define LOOK_MS 100u

struct qmemman {
    struct peer peer;
    bool told, waits; /* a guest has told; memory is on its way */
    uint64_t last_free_memkb;
};

static void *start(struct world *w, const struct balancer_config *config)
{
    return peer_new(w, sizeof(struct qmemman));
}

static bool takes_part(const struct guest *g)
{
    return peer_balances(g) && g->has_report;
}

static uint64_t used_memkb(const struct guest *g)
{
    const struct host_report *r = &g->report;
    uint64_t total = r->total_memkb < g->held_memkb ? r->total_memkb : g->held_memkb;

    return total > r->available_memkb ? total - r->available_memkb : 0;
}

static double prefers_memkb(const struct guest *g)
{
    double memkb = 1.3 * (double)used_memkb(g) + (double)(g->dom0 ? DOM0_MEMKB : 0);

    if (memkb < (double)LEAST_MEMKB)
        memkb = (double)LEAST_MEMKB;
    return memkb > (double)peer_most_memkb(g) ? (double)peer_most_memkb(g) : memkb;
}

/* In proportion to preferences; what one cannot take the others share. */
static void share_surplus(struct world *w, double surplus)
{
    double rest = surplus;

    for (unsigned round = 0; round < 16 && rest > MIB; round++) {
        double sum = 0, given = 0;

        for (size_t i = 0; i < w->scenario->guest_count; i++) {
            const struct guest *g = &w->guests[i];

            if (takes_part(g) && g->wished_memkb < (double)peer_most_memkb(g))
                sum += prefers_memkb(g);
        }
        if (sum <= 0)
            return;
        for (size_t i = 0; i < w->scenario->guest_count; i++) {
            struct guest *g = &w->guests[i];
            double part = rest * prefers_memkb(g) / sum, most = (double)peer_most_memkb(g) - g->wished_memkb;

            if (!takes_part(g) || most <= 0)
                continue;
            part = part < most ? part : most;
            g->wished_memkb += part;
            given += part;
        }
        rest -= given;
    }
}

static void plan(struct qmemman *q)
{
    struct world *w = q->peer.w;
    double have = (double)peer_room_memkb(w) - (double)HOST_MEMKB - (double)peer_lacks_memkb(&q->peer), preferred = 0;

    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        struct guest *g = &w->guests[i];

        g->wished_memkb = prefers_memkb(g);
        if (!takes_part(g))
            continue;
        have += (double)g->held_memkb;
        preferred += g->wished_memkb;
    }
    if (have > preferred)
        share_surplus(w, have - preferred);
}

static bool worth_it(struct world *w)
{
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        const struct guest *g = &w->guests[i];
        double by = g->wished_memkb - (double)g->held_memkb;

        if (!takes_part(g))
            continue;
        if (prefers_memkb(g) > (double)g->held_memkb && by >= (double)LACKS_MEMKB)
            return true;
        if (by >= (double)OTHERS_MEMKB || -by >= (double)OTHERS_MEMKB)
            return true;
    }
    return false;
}

/* Donors first; who takes, takes what is free. */
static void act(struct world *w)
{
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        struct guest *g = &w->guests[i];

        if (takes_part(g) && g->wished_memkb < (double)g->held_memkb)
            peer_set(w, g, (uint64_t)g->wished_memkb);
    }
}

/* Returns whether somebody still lacks what was meant for it. */
static bool hand_out(struct world *w)
{
    uint64_t room = peer_room_memkb(w);
    bool lacks = false;

    room = room > HOST_MEMKB ? room - HOST_MEMKB : 0;
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        struct guest *g = &w->guests[i];
        uint64_t by;

        if (!takes_part(g) || g->wished_memkb <= (double)g->held_memkb + (double)MIB)
            continue;
        by = (uint64_t)g->wished_memkb - g->held_memkb;
        if (by > room) {
            by = room;
            lacks = true;
        }
        room -= by;
        if (by >= MIB)
            peer_set(w, g, g->held_memkb + by);
    }
    return lacks;
}

static bool memory_comes(struct qmemman *q)
{
    uint64_t now = q->peer.w->free_memkb;
    bool comes = now != q->last_free_memkb;

    q->last_free_memkb = now;
    return comes;
}

static void wake(void *daemon)
{
    struct qmemman *q = daemon;
    struct world *w = q->peer.w;
    uint64_t starts;

    peer_settle(&q->peer);
    starts = peer_lacks_memkb(&q->peer);
    if (!q->waits && (q->told || starts)) {
        plan(q);
        q->told = false;
        q->waits = starts || worth_it(w);
        if (q->waits)
            act(w);
        q->last_free_memkb = NEVER;
    }
    if (q->waits) {
        q->waits = (starts || hand_out(w)) && memory_comes(q);
        peer_settle(&q->peer);
    }
    peer_wake_at(&q->peer, q->waits || q->told || starts ? w->now_ms + LOOK_MS : NEVER);
}

static void reported(void *daemon, uint32_t domid)
{
    struct qmemman *q = daemon;

    q->told = true;
    if (q->peer.at_ms > q->peer.w->now_ms + LOOK_MS)
        peer_wake_at(&q->peer, q->peer.w->now_ms);
}

const struct policy policy_qmemman = {
    .name = "qmemman",
    .samples = true,
    .start = start,
    PEER_BASICS,
    .gone = peer_ignores,
    .changed = peer_ignores,
    .reported = reported,
    .wake = wake,
};
