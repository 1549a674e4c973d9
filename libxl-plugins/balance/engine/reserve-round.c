/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "balance/engine/state.h"

bool reserve_waits(const struct balancer *b, bool admitted)
{
    for (size_t i = 0; i < b->reservation_count; i++) {
        if (b->reservations[i]->info.state == RESERVE_WAITING && (b->reservations[i]->admitted || !admitted))
            return true;
    }
    return false;
}

uint64_t reserve_lacks_memkb(const struct balancer *b)
{
    uint64_t lacks = 0;

    for (size_t i = 0; i < b->reservation_count; i++) {
        const struct reserve_info *r = &b->reservations[i]->info;

        if (r->state == RESERVE_WAITING && r->shortfall_memkb && (!lacks || r->shortfall_memkb < lacks))
            lacks = r->shortfall_memkb;
    }
    return lacks;
}

uint64_t reserve_handed_memkb(const struct balancer *b, uint32_t domid)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < b->reservation_count; i++) {
        const struct reserve_info *r = &b->reservations[i]->info;

        if (r->state == RESERVE_HANDED && r->request.domid == domid)
            sum += r->counted_memkb;
    }
    return sum;
}

static const struct host_sample *sample_of(const struct balancer *b, uint32_t domid)
{
    for (size_t i = 0; i < b->sample_count; i++) {
        if (b->samples[i].domid == domid)
            return &b->samples[i];
    }
    return NULL;
}

/* Xen knows a domain while it is built, the toolstack tells of it when that is done. One that ran when the memory was
 * asked for is another of that UUID: a guest that migrates within this host, until it has arrived. */
static bool is_built_for(struct balancer *b, const struct reservation *r, const struct host_sample *s)
{
    const struct dom *d;

    if (strcmp(s->uuid, r->info.request.uuid) != 0 || s->dying || s->shut_down)
        return false;
    d = dom_find(b, s->domid);
    return !d || s->paused || d->appeared_ms >= r->info.since_ms;
}

static void hand_by_uuid(struct balancer *b, struct reservation *r)
{
    for (size_t i = 0; i < b->sample_count; i++) {
        if (!is_built_for(b, r, &b->samples[i]))
            continue;
        r->info.request.domid = b->samples[i].domid;
        reserve_become(b, r, RESERVE_HANDED);
        return;
    }
}

/* What its domain was asked for and gave is for others: kept for it, it would be missing twice. */
static void give_back(struct balancer *b, struct reservation *r, uint64_t has_memkb)
{
    uint64_t gave = r->has_memkb > has_memkb ? r->has_memkb - has_memkb : 0;

    if (!gave)
        return;
    r->info.memkb -= gave < r->info.memkb ? gave : r->info.memkb;
    reserve_keep(b, r);
}

/* What a handed one still counts: the domain may go for it, or for its target when that is higher. */
static void review_handed(struct balancer *b, struct reservation *r)
{
    const struct dom *d = dom_find(b, r->info.request.domid);
    const struct host_sample *s = sample_of(b, r->info.request.domid);
    uint64_t has, goal;

    /* Also one that was given up before it was complete, of whose end nobody tells. */
    if (!s || s->dying || s->shut_down) {
        reserve_become(b, r, RESERVE_RELEASED);
        return;
    }
    has = s->held_memkb + s->claimed_memkb;
    if (d && dom_balanced(b, d))
        give_back(b, r, has);
    r->has_memkb = has;
    goal = r->info.memkb;
    if (d && d->facts.has_target && d->target_memkb + s->held_memkb > goal + d->actual_memkb)
        goal = d->target_memkb + s->held_memkb - d->actual_memkb;
    r->info.counted_memkb = goal > has ? goal - has : 0;
    /* One that was built with it has all of it when it runs, be that less than was thought. */
    if ((!r->info.counted_memkb || *r->info.request.uuid) && d && !d->never_ran && !s->paused)
        reserve_become(b, r, RESERVE_DONE);
}

void reserve_review(struct balancer *b)
{
    for (size_t i = 0; i < b->reservation_count; i++) {
        struct reservation *r = b->reservations[i];

        if (r->info.state == RESERVE_READY && r->info.request.domid != RESERVE_NO_DOMAIN)
            reserve_become(b, r, RESERVE_HANDED);
        else if (r->info.state == RESERVE_READY && *r->info.request.uuid)
            hand_by_uuid(b, r);
        if (b->now_ms >= r->info.expires_ms)
            reserve_become(b, r, RESERVE_EXPIRED);
        else if (r->info.state == RESERVE_HANDED)
            review_handed(b, r);
    }
    reserve_sweep(b);
}

/* What the participants could give up at most, beyond what is free: the budget less their minimums. */
static int64_t spare_memkb(struct balancer *b)
{
    int64_t spare = (int64_t)b->memory.free_memkb - (int64_t)b->memory.claimed_memkb -
                    (int64_t)b->config.reserve_memkb - (int64_t)ledger_reserved_memkb(b, false);

    for (size_t i = 0; i < b->count; i++) {
        const struct plan_domain *p = &b->doms[i]->plan;

        if (plan_participates(p))
            spare += (int64_t)p->actual_memkb - (int64_t)p->min_memkb - PLAN_PAGE_KB;
        else if (p->target_memkb > p->actual_memkb)
            spare -= (int64_t)(p->target_memkb - p->actual_memkb);
    }
    return spare;
}

/* What the domain that it is for holds, claims and may take anyhow; none: 0. */
static uint64_t has_memkb(struct balancer *b, const struct reservation *r)
{
    uint32_t domid = r->info.request.domid;
    const struct host_sample *s = domid == RESERVE_NO_DOMAIN ? NULL : sample_of(b, domid);
    const struct dom *d = s ? dom_find(b, domid) : NULL;

    return s ? s->held_memkb + s->claimed_memkb + (d ? ledger_pending_memkb(b, d) : 0) : 0;
}

static uint64_t beyond(uint64_t memkb, uint64_t has_memkb)
{
    return memkb > has_memkb ? memkb - has_memkb : 0;
}

void reserve_admit(struct balancer *b)
{
    int64_t spare = spare_memkb(b);

    for (size_t i = 0; i < b->reservation_count; i++) {
        struct reservation *r = b->reservations[i];
        uint64_t has = has_memkb(b, r), size = r->info.request.size_memkb;
        int64_t least = (int64_t)beyond(r->info.request.min_memkb, has), wanted = (int64_t)beyond(size, has);

        if (r->info.state != RESERVE_WAITING)
            continue;
        r->info.shortfall_memkb = 0;
        if (wanted > spare && spare >= least)
            wanted = spare - spare % (int64_t)PLAN_PAGE_KB;
        /* Squeezing everybody to the minimum for what cannot be had would help nobody. */
        r->admitted = (wanted <= spare && wanted > 0) || has >= size;
        if (r->admitted)
            spare -= wanted;
        else
            r->info.shortfall_memkb = beyond((uint64_t)least, spare > 0 ? (uint64_t)spare : 0);
        r->info.counted_memkb = r->admitted ? (uint64_t)wanted : beyond(size, has);
        r->info.memkb = r->admitted && size > has ? has + (uint64_t)wanted : size;
    }
}

void reserve_settle(struct balancer *b)
{
    /* Room for reservations: what waits is not taken off, what acceptors were granted is. */
    int64_t room = ledger_room_memkb(b) + (int64_t)(ledger_reserved_memkb(b, true) - ledger_reserved_memkb(b, false));

    for (size_t i = 0; i < b->reservation_count; i++) {
        struct reservation *r = b->reservations[i];

        if (r->info.state != RESERVE_WAITING)
            continue;
        if (b->now_ms >= r->info.deadline_ms && room < (int64_t)r->info.counted_memkb) {
            /* What it can have by now, or could have had. */
            r->info.counted_memkb = room > 0 ? (uint64_t)room : 0;
            r->info.memkb = has_memkb(b, r) + r->info.counted_memkb;
            if (r->info.memkb < r->info.request.min_memkb) {
                reserve_become(b, r, RESERVE_TIMED_OUT);
                continue;
            }
        }
        if (room < (int64_t)r->info.counted_memkb)
            continue;
        room -= (int64_t)r->info.counted_memkb;
        reserve_become(b, r, r->info.request.domid == RESERVE_NO_DOMAIN ? RESERVE_READY : RESERVE_HANDED);
    }
    reserve_sweep(b);
}

uint64_t reserve_next_ms(const struct balancer *b)
{
    uint64_t next = NEVER;

    for (size_t i = 0; i < b->reservation_count; i++) {
        const struct reserve_info *r = &b->reservations[i]->info;

        if (r->expires_ms < next)
            next = r->expires_ms;
        if (r->state == RESERVE_WAITING && r->deadline_ms < next)
            next = r->deadline_ms;
    }
    return next;
}

uint64_t balancer_could_hold_memkb(struct balancer *b, uint32_t domid)
{
    const struct host_sample *s;
    int64_t room;

    balancer_look(b);
    /* It may be known by its UUID alone. */
    reserve_review(b);
    s = sample_of(b, domid);
    if (!s || s->dying)
        return 0;
    room = ledger_room_memkb(b);
    return s->held_memkb + reserve_handed_memkb(b, domid) + (room > 0 ? (uint64_t)room : 0);
}
