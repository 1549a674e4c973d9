/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the hypervisor lets each domain hold.
 *
 *   At rest:  its target and its offset, or what it holds when that is a little more; never above libxl's.
 *   It owes:  its target and its offset, also below what it holds: then it can take nothing.
 *   Not to be tightened (host_facts.tight), or its offset is not known: libxl's.
 *   Idle (ledger_idle) while memory is wanted: what it holds; it is offered its own again as room allows.
 */
#include "balance/engine/state.h"

/* Between two offers to one that did not take the last. */
#define OFFER_GAP_MS 60000u

uint64_t limit_for_memkb(const struct dom *d, uint64_t target_memkb)
{
    uint64_t loose = target_memkb + d->facts.slack_memkb, held = d->sample.held_memkb, wanted;
    int64_t exact = (int64_t)target_memkb + d->facts.offset_memkb;

    if (!d->facts.tight || !d->facts.offset_known)
        return loose;
    wanted = exact > 0 ? (uint64_t)exact : 0;
    if (held > wanted && held <= wanted + HEALTH_NEAR_KB)
        wanted = held;
    return wanted < loose ? wanted : loose;
}

static void set(struct balancer *b, struct dom *d, uint64_t limit_memkb)
{
    if (b->host->ops->limit_set(b->host, d->domid, limit_memkb)) {
        d->facts_stale = true;
        return;
    }
    d->sample.limit_memkb = limit_memkb;
    if (limit_memkb > d->promise_limit_memkb)
        d->promise_limit_memkb = limit_memkb;
    d->limited = true;
    /* What it took meanwhile, up to the old one, the next look shows. */
    d->written = true;
}

static bool ours(const struct balancer *b, const struct dom *d)
{
    return dom_balanced(b, d) || dom_paused(b, d);
}

/* It is nobody's business any more to hold it down: as libxl would have it. */
static void let_go(struct balancer *b, struct dom *d, int64_t *room)
{
    uint64_t loose = d->target_memkb + d->facts.slack_memkb;
    uint64_t from = d->sample.held_memkb > d->sample.limit_memkb ? d->sample.held_memkb : d->sample.limit_memkb;

    if (loose <= d->sample.limit_memkb) {
        d->limited = false;
        return;
    }
    if (loose > from && (int64_t)(loose - from) > *room)
        return;
    if (loose > from)
        *room -= (int64_t)(loose - from);
    set(b, d, loose);
    d->limited = false;
}

static void close_idle(struct balancer *b, struct dom *d)
{
    if (d->sample.limit_memkb > d->sample.held_memkb)
        set(b, d, d->sample.held_memkb);
    d->closed = true;
    d->closed_at_ms = b->now_ms;
}

void limits_mend(struct balancer *b, uint64_t lacking_memkb)
{
    int64_t room = ledger_room_memkb(b);

    for (size_t i = 0; i < b->count; i++) {
        struct dom *d = b->doms[i];
        uint64_t idle = ledger_idle(b, d) ? ledger_pending_memkb(b, d) : 0;

        if (!d->seen || d->sample.dying || d->facts.dom0 || !d->facts.has_target)
            continue;
        if (ours(b, d)) {
            uint64_t wanted = limit_for_memkb(d, d->target_memkb);

            d->closed = false;
            if (wanted < d->sample.limit_memkb ||
                (wanted > d->sample.limit_memkb && d->target_memkb == d->own_memkb &&
                 (wanted <= d->sample.held_memkb || (int64_t)(wanted - d->sample.limit_memkb) <= room)))
                set(b, d, wanted);
        } else if (idle && lacking_memkb) {
            close_idle(b, d);
            lacking_memkb -= idle < lacking_memkb ? idle : lacking_memkb;
        } else if (d->limited && !d->closed && dom_state(b, d) != PLAN_BUILDING) {
            let_go(b, d, &room);
        }
    }
}

void limits_offer(struct balancer *b)
{
    int64_t room = ledger_room_memkb(b);

    for (size_t i = 0; i < b->count; i++) {
        struct dom *d = b->doms[i];
        bool idle = ledger_idle(b, d);

        if (!d->closed || !d->seen || d->sample.dying || (idle && b->now_ms < d->closed_at_ms + OFFER_GAP_MS))
            continue;
        /* To one that does not take it only what nobody else wants: the float is left. */
        if (idle && room <= (int64_t)b->float_memkb)
            continue;
        let_go(b, d, &room);
        if (!d->limited) {
            d->closed = false;
            d->closed_at_ms = b->now_ms;
        }
    }
}
