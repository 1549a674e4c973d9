/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/sim/peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

void *peer_new(struct world *w, size_t size)
{
    struct peer *p = calloc(1, size);

    if (!p)
        abort();
    p->w = w;
    peer_wake_at(p, w->now_ms);
    return p;
}

void peer_free(void *daemon)
{
    free(daemon);
}

/* What stands is its own from now on. */
static void take_over(struct world *w, uint32_t domid)
{
    struct guest *g = world_guest(w, domid);

    if (g && g->managed && !g->has_own)
        w->host.ops->target_accept(&w->host, domid, g->target_memkb);
}

void peer_appeared(void *daemon, uint32_t domid, bool initial)
{
    struct peer *p = daemon;

    take_over(p->w, domid);
}

void peer_ignores(void *daemon, uint32_t domid)
{
}

void peer_ignores_emergency(void *daemon)
{
}

int peer_take_back(void *daemon, uint32_t domid)
{
    struct peer *p = daemon;
    struct guest *g = world_guest(p->w, domid);

    return g ? p->w->host.ops->target_accept(&p->w->host, domid, g->target_memkb) : ERROR_DOMAIN_NOTFOUND;
}

/* ---- reservations ---- */

static void record(struct peer *p, size_t i)
{
    char text[192];

    snprintf(text, sizeof(text), "%d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32, (int)p->bookings[i].state,
             p->bookings[i].memkb, p->bookings[i].least_memkb, p->bookings[i].memkb, p->bookings[i].domid);
    p->w->host.ops->keep(&p->w->host, p->bookings[i].id, text);
}

static void become(struct peer *p, size_t i, enum reserve_state state)
{
    p->bookings[i].state = state;
    p->w->host.ops->event(&p->w->host, &(struct host_event){.type = HOST_EVENT_RESERVATION,
                                                            .what = p->bookings[i].id,
                                                            .why = reserve_state_names[state]});
    if (state <= RESERVE_HANDED) {
        record(p, i);
        return;
    }
    p->w->host.ops->keep(&p->w->host, p->bookings[i].id, NULL);
    p->booking_count--;
    memmove(&p->bookings[i], &p->bookings[i + 1], (p->booking_count - i) * sizeof(p->bookings[0]));
}

static size_t find(const struct peer *p, const char *id)
{
    size_t i = 0;

    while (i < p->booking_count && strcmp(p->bookings[i].id, id))
        i++;
    return i;
}

int peer_reserve(void *daemon, const struct reserve_request *request, char id[RESERVE_ID_LEN])
{
    struct peer *p = daemon;
    size_t i = p->booking_count;

    if (i == sizeof(p->bookings) / sizeof(p->bookings[0]))
        return ERROR_BUFFERFULL;
    p->booking_count++;
    memset(&p->bookings[i], 0, sizeof(p->bookings[i]));
    snprintf(id, RESERVE_ID_LEN, "p%u", ++p->next_id);
    memcpy(p->bookings[i].id, id, RESERVE_ID_LEN);
    p->bookings[i].memkb = request->size_memkb;
    p->bookings[i].least_memkb = request->min_memkb ? request->min_memkb : request->size_memkb;
    p->bookings[i].deadline_ms = request->timeout_ms ? p->w->now_ms + request->timeout_ms : NEVER;
    p->bookings[i].expires_ms = request->lease_ms ? p->w->now_ms + request->lease_ms : NEVER;
    p->bookings[i].domid = RESERVE_NO_DOMAIN;
    record(p, i);
    peer_wake_at(p, p->w->now_ms);
    return 0;
}

int peer_release(void *daemon, const char *id)
{
    struct peer *p = daemon;
    size_t i = find(p, id);

    if (i == p->booking_count)
        return ERROR_NOTFOUND;
    become(p, i, RESERVE_RELEASED);
    return 0;
}

int peer_hand(void *daemon, const char *id, uint32_t domid)
{
    struct peer *p = daemon;
    size_t i = find(p, id);

    if (i == p->booking_count)
        return ERROR_NOTFOUND;
    p->bookings[i].domid = domid;
    p->bookings[i].expires_ms = NEVER;
    become(p, i, RESERVE_HANDED);
    return 0;
}

int peer_lease(void *daemon, const char *id, uint64_t lease_ms)
{
    return find(daemon, id) == ((struct peer *)daemon)->booking_count ? ERROR_NOTFOUND : 0;
}

static bool over(struct peer *p, size_t i)
{
    const struct guest *g;

    if (p->bookings[i].state == RESERVE_HANDED) {
        g = world_guest(p->w, p->bookings[i].domid);
        if (g && g->state == GUEST_BUILDING)
            return false;
        become(p, i, RESERVE_DONE);
        return true;
    }
    if (p->w->now_ms < p->bookings[i].expires_ms &&
        (p->bookings[i].state == RESERVE_READY || p->w->now_ms < p->bookings[i].deadline_ms))
        return false;
    become(p, i, p->bookings[i].state == RESERVE_READY ? RESERVE_EXPIRED : RESERVE_TIMED_OUT);
    return true;
}

void peer_settle(struct peer *p)
{
    for (size_t i = 0; i < p->booking_count;) {
        uint64_t room;

        if (over(p, i))
            continue;
        room = peer_room_memkb(p->w);
        if (p->bookings[i].state == RESERVE_WAITING && room >= p->bookings[i].least_memkb) {
            if (p->bookings[i].memkb > room)
                p->bookings[i].memkb = room;
            become(p, i, RESERVE_READY);
        }
        i++;
    }
}

uint64_t peer_lacks_memkb(struct peer *p)
{
    uint64_t room = peer_room_memkb(p->w);

    for (size_t i = 0; i < p->booking_count; i++) {
        if (p->bookings[i].state == RESERVE_WAITING)
            return p->bookings[i].least_memkb > room ? p->bookings[i].least_memkb - room : 0;
    }
    return 0;
}

/* ---- memory ---- */

uint64_t peer_room_memkb(struct world *w)
{
    int64_t room = (int64_t)w->free_memkb - (int64_t)w->claim_memkb - (int64_t)w->scenario->reserve_memkb -
                   (int64_t)promised_memkb(w, NULL);

    return room > 0 ? (uint64_t)room : 0;
}

bool peer_balances(const struct guest *g)
{
    return g->state == GUEST_LIVE && g->managed && !g->fixed && !g->migrating && !g->paused && g->has_own &&
           g->own_memkb == g->target_memkb;
}

uint64_t peer_most_memkb(const struct guest *g)
{
    return g->max_memkb < g->static_max_memkb ? g->max_memkb : g->static_max_memkb;
}

void peer_set(struct world *w, struct guest *g, uint64_t target_memkb)
{
    uint64_t most = peer_most_memkb(g), old = g->target_memkb;

    if (target_memkb > most)
        target_memkb = most;
    if (target_memkb < g->min_memkb)
        target_memkb = g->min_memkb;
    target_memkb -= target_memkb % PLAN_PAGE_KB;
    if (target_memkb == old || w->host.ops->target_set(&w->host, g->domid, old, target_memkb, 0))
        return;
    w->host.ops->event(&w->host, &(struct host_event){.type = HOST_EVENT_TARGET,
                                                      .domid = g->domid,
                                                      .old_memkb = old,
                                                      .new_memkb = target_memkb,
                                                      .what = w->policy->name});
}

void peer_wake_at(struct peer *p, uint64_t at_ms)
{
    p->at_ms = at_ms;
    p->w->host.ops->wake_at(&p->w->host, at_ms);
}
