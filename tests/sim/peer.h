/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_TESTS_SIM_PEER_H
#define XLX_TESTS_SIM_PEER_H

/* What the other policies share: reservations that are granted when there is enough free memory, and targets. */

#include "tests/sim/policy.h"
#include "tests/sim/world.h"

struct peer {
    struct world *w;
    struct {
        char id[RESERVE_ID_LEN];
        enum reserve_state state;
        uint64_t memkb, least_memkb, deadline_ms, expires_ms;
        uint32_t domid;
    } bookings[64];
    size_t booking_count;
    unsigned next_id;
    uint64_t at_ms; /* it does something then; NEVER: when something happens */
};

void *peer_new(struct world *w, size_t size);
void peer_free(void *daemon);
void peer_appeared(void *daemon, uint32_t domid, bool initial);
void peer_ignores(void *daemon, uint32_t domid);
void peer_ignores_emergency(void *daemon);
int peer_take_back(void *daemon, uint32_t domid);
int peer_reserve(void *daemon, const struct reserve_request *request, char id[RESERVE_ID_LEN]);
int peer_release(void *daemon, const char *id);
int peer_hand(void *daemon, const char *id, uint32_t domid);
int peer_lease(void *daemon, const char *id, uint64_t lease_ms);

/* Time-outs, and those for which there is enough now are ready. */
void peer_settle(struct peer *p);
/* What the oldest that waits lacks; 0: none waits. */
uint64_t peer_lacks_memkb(struct peer *p);
/* Free memory that is promised to nobody; not below 0. */
uint64_t peer_room_memkb(struct world *w);
/* Managed, running, and its target not another's. */
bool peer_balances(const struct guest *g);
uint64_t peer_most_memkb(const struct guest *g);
/* Within its range and in whole pages. */
void peer_set(struct world *w, struct guest *g, uint64_t target_memkb);
void peer_wake_at(struct peer *p, uint64_t at_ms);

#define PEER_BASICS                                                                                                    \
    .stop = peer_free, .appeared = peer_appeared, .target_written = peer_ignores, .emergency = peer_ignores_emergency, \
    .take_back = peer_take_back, .reserve = peer_reserve, .release = peer_release, .hand = peer_hand,                  \
    .lease = peer_lease

#endif
