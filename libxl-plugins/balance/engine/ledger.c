/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who could hold how much: what guests could take, not what they should. A balanced one goes to its limit when it wants
 * to, dom0 to its target, another to its target and what libxl leaves above that. The sum of these, of claims,
 * reservations and the reserve is within what there is.
 */
#include "balance/engine/state.h"
#include "base/least.h"

/* By its target, whoever wrote it. */
static uint64_t by_target_memkb(const struct dom *d)
{
    return d->promise_memkb + d->facts.slack_memkb;
}

uint64_t ledger_could_memkb(const struct balancer *b, const struct dom *d)
{
    uint64_t held = d->sample.held_memkb;
    int64_t dom0 = (int64_t)d->promise_memkb + d->facts.offset_memkb;

    if (!d->seen || !d->facts.has_target || d->sample.dying)
        return held;
    if (d->facts.dom0)
        return dom0 > (int64_t)held ? (uint64_t)dom0 : held;
    if (dom_balanced(b, d) || dom_paused(b, d))
        return most(held, d->promise_limit_memkb);
    return most(held, least(d->promise_limit_memkb, by_target_memkb(d)));
}

uint64_t ledger_pending_memkb(const struct balancer *b, const struct dom *d)
{
    uint64_t could = ledger_could_memkb(b, d), has = d->sample.held_memkb + d->sample.claimed_memkb;
    uint64_t handed = reserve_handed_memkb(b, d->domid);

    return could > has + handed ? could - has - handed : 0;
}

bool ledger_idle(const struct balancer *b, const struct dom *d)
{
    enum plan_state state = dom_state(b, d);

    if (!d->facts.has_target || d->facts.dom0 || dom_balanced(b, d) || reserve_handed_memkb(b, d->domid))
        return false;
    if (state == PLAN_PAUSED)
        return true;
    return state == PLAN_RUNNING && b->now_ms >= d->still_since_ms + STILL_MS;
}

uint64_t ledger_expected_memkb(const struct balancer *b, const struct dom *d)
{
    uint64_t has = d->sample.held_memkb + d->sample.claimed_memkb;

    if (ledger_idle(b, d))
        return 0;
    if (d->closed && by_target_memkb(d) > has)
        return by_target_memkb(d) - has;
    return ledger_pending_memkb(b, d);
}

uint64_t ledger_reserved_memkb(const struct balancer *b, bool waiting)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < b->reservation_count; i++) {
        const struct reservation *r = b->reservations[i];

        if (r->info.state != RESERVE_WAITING || (waiting && r->admitted))
            sum += r->info.counted_memkb;
    }
    return sum;
}

int64_t ledger_room_memkb(const struct balancer *b)
{
    int64_t room = (int64_t)b->memory.free_memkb - (int64_t)b->memory.claimed_memkb - (int64_t)b->config.reserve_memkb -
                   (int64_t)ledger_reserved_memkb(b, true);

    for (size_t i = 0; i < b->count; i++) {
        uint64_t pending = ledger_pending_memkb(b, b->doms[i]);

        /* A limit that is none is as much as there is. */
        room -= (int64_t)least(pending, PLAN_MEMKB_MAX);
    }
    return room;
}

uint64_t ledger_slack_memkb(const struct balancer *b)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < b->count; i++) {
        const struct dom *d = b->doms[i];
        int64_t slack = (int64_t)d->facts.slack_memkb - d->facts.offset_memkb;

        if (plan_participates(&d->plan) && !d->facts.dom0 && !(d->facts.tight && d->facts.offset_known) && slack > 0)
            sum += (uint64_t)slack;
    }
    return sum;
}
