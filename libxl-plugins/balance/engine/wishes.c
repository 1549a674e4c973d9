/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "balance/engine/state.h"

#define PROBE_MEMKB 4096u

enum plan_state dom_state(const struct balancer *b, const struct dom *d)
{
    if (!d->seen || d->sample.dying || d->sample.shut_down)
        return PLAN_DYING;
    if (d->facts.migrating)
        return PLAN_MIGRATING;
    if (d->facts.building || d->never_ran)
        return PLAN_BUILDING;
    if (d->sample.paused)
        return PLAN_PAUSED;
    if (b->now_ms < d->boot_until_ms && !d->has_report)
        return PLAN_BOOTING;
    return PLAN_RUNNING;
}

bool dom_balanced(const struct balancer *b, const struct dom *d)
{
    return d->facts.managed && !d->facts.fixed && !d->pinned && d->facts.has_target && dom_state(b, d) == PLAN_RUNNING;
}

uint64_t dom_pending(const struct balancer *b, const struct dom *d)
{
    uint64_t has = d->actual_memkb + d->sample.claimed_memkb;

    /* A dying domain takes nothing more; one that memory was reserved for is counted there. */
    if (!d->seen || !d->facts.has_target || d->sample.dying || reserve_handed_memkb(b, d->domid))
        return 0;
    return d->promise_memkb > has ? d->promise_memkb - has : 0;
}

static uint64_t clamp(uint64_t value, uint64_t lo, uint64_t hi)
{
    return value < lo ? lo : value > hi ? hi : value;
}

/* Stuck when giving it can only grow: it takes part when it wants to. Stuck when taking it can only give. */
static void bound_by_health(struct dom *d)
{
    struct plan_domain *p = &d->plan;
    uint64_t actual = p->actual_memkb - p->actual_memkb % PLAN_PAGE_KB;
    uint64_t hi = plan_hi_memkb(p);

    if (health_stuck(&d->health, HEALTH_GIVING)) {
        if (!p->demand_known || p->demand_memkb <= actual + actual / 50 || health_stuck(&d->health, HEALTH_TAKING))
            p->balloon = PLAN_BALLOON_STUCK;
    } else if (health_stuck(&d->health, HEALTH_TAKING)) {
        p->max_memkb = clamp(actual, p->min_memkb, hi);
    } else if (d->health.sides[HEALTH_TAKING].state == HEALTH_PROBATION) {
        /* A little shows whether it takes again; nobody has to make room for all of it on a mere try. */
        p->max_memkb = clamp(actual + PROBE_MEMKB, p->min_memkb, hi);
    }
}

static void wish_fill(struct balancer *b, struct dom *d)
{
    struct plan_domain *p = &d->plan;
    uint64_t pending = dom_pending(b, d);

    *p = (struct plan_domain){
        .domid = d->domid,
        .type = d->facts.type,
        .state = dom_state(b, d),
        .balloon = health_slow(&d->health) ? PLAN_BALLOON_SLOW : PLAN_BALLOON_OK,
        .fixed = d->facts.fixed || d->pinned || !d->facts.managed || !d->facts.has_target,
        .demand_known = d->demand.known,
        .actual_memkb = d->actual_memkb,
        .target_memkb = d->target_memkb,
        .static_max_memkb = d->facts.static_max_memkb,
        .min_memkb = d->facts.min_memkb,
        .max_memkb = d->facts.max_memkb,
        .weight = d->facts.weight ? d->facts.weight : 1,
        .demand_memkb = d->demand.seen_memkb,
    };
    if (p->min_memkb > plan_hi_memkb(p))
        p->min_memkb = plan_hi_memkb(p);
    if (dom_balanced(b, d))
        bound_by_health(d);
    /* Claims and reservations are in the host's sums already. */
    if (!plan_participates(p))
        p->target_memkb = d->actual_memkb + pending;
}

void wishes_fill(struct balancer *b)
{
    for (size_t i = 0; i < b->count; i++)
        wish_fill(b, b->doms[i]);
}

uint64_t wish_kept_memkb(const struct dom *d, uint64_t within_ms, bool by_rate)
{
    uint64_t give = health_can_give(&d->health, within_ms, by_rate);
    uint64_t kept = d->actual_memkb > give ? d->actual_memkb - give : 0;

    kept -= kept % PLAN_PAGE_KB;
    return kept > d->plan.min_memkb ? kept : d->plan.min_memkb;
}

int64_t wishes_kept_memkb(const struct balancer *b, uint64_t within_ms)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < b->count; i++) {
        if (plan_participates(&b->doms[i]->plan))
            sum += wish_kept_memkb(b->doms[i], within_ms, true);
    }
    return (int64_t)sum;
}

struct plan_domain *wishes_domains(struct balancer *b, struct gc *gc)
{
    struct plan_domain *domains = gc_array(gc, b->count, sizeof(*domains));

    for (size_t i = 0; i < b->count; i++)
        domains[i] = b->doms[i]->plan;
    return domains;
}

struct plan_input wishes_input(struct balancer *b, const struct plan_domain *domains)
{
    return (struct plan_input){
        .total_memkb = b->memory.total_memkb,
        .free_memkb = b->memory.free_memkb,
        .claimed_memkb = b->memory.claimed_memkb,
        .reserve_memkb = b->config.reserve_memkb,
        .reservations_memkb = reserved_memkb(b, true),
        .domains = domains,
        .count = b->count,
    };
}
