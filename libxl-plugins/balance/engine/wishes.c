/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The domains as the policy sees them: needs and warmth from what they report, within what they may be lent and can do. */
#include <string.h>

#include "balance/engine/state.h"
#include "base/least.h"

static uint64_t clamp(uint64_t value, uint64_t lo, uint64_t hi)
{
    return value < lo ? lo : value > hi ? hi : value;
}

/* More than damping swallows, or it would never be written. */
static uint64_t probe_memkb(uint64_t actual_memkb)
{
    return 4096 + actual_memkb / 16;
}

/* Stuck when giving it can only grow: it takes part when it wants to, and keeps what it holds. Stuck when taking it can
 * only give. */
static void bound_by_health(struct dom *d)
{
    struct plan_domain *p = &d->plan;
    uint64_t stands = dom_stands_at_memkb(d), actual = stands - stands % PLAN_PAGE_KB;
    uint64_t hi = plan_hi_memkb(p);

    if (health_stuck(&d->health, HEALTH_GIVING)) {
        if (!p->demand_known || p->demand_memkb <= actual + actual / 50 || health_stuck(&d->health, HEALTH_TAKING) ||
            actual > hi)
            p->balloon = PLAN_BALLOON_STUCK;
        else
            p->min_memkb = actual > p->min_memkb ? actual : p->min_memkb;
    } else if (health_stuck(&d->health, HEALTH_TAKING)) {
        p->max_memkb = clamp(actual, p->min_memkb, hi);
    } else if (d->health.sides[HEALTH_TAKING].state == HEALTH_PROBATION) {
        /* A little shows whether it takes again; nobody has to make room for all of it on a mere try. */
        p->max_memkb = clamp(actual + probe_memkb(actual), p->min_memkb, hi);
    }
}

static void fill(struct balancer *b, struct dom *d)
{
    struct plan_domain *p = &d->plan;
    const struct demand *want = &d->demand;
    const struct health_side *giving = &d->health.sides[HEALTH_GIVING];

    *p = (struct plan_domain){
        .domid = d->domid,
        .type = d->facts.type,
        .state = dom_state(b, d),
        .balloon = health_slow(&d->health) ? PLAN_BALLOON_SLOW : PLAN_BALLOON_OK,
        .fixed = d->facts.fixed || d->pinned || !d->facts.managed || !d->facts.has_target,
        .demand_known = want->known || want->fading,
        .actual_memkb = d->actual_memkb,
        .target_memkb = d->target_memkb,
        .static_max_memkb = d->facts.static_max_memkb,
        .min_memkb = d->facts.min_memkb,
        .max_memkb = d->facts.max_memkb,
        .weight = d->facts.weight ? d->facts.weight : 1,
        .demand_memkb = want->need_memkb,
        .use_memkb = want->use_memkb,
        .keep_memkb = want->warm_memkb,
        .quick_memkb = giving->rate_known ? giving->rate_kb_per_s / 2 + 1 : 0,
    };
    if (p->min_memkb > plan_hi_memkb(p))
        p->min_memkb = plan_hi_memkb(p);
    /* Claims and reservations are in the host's sums already. */
    if (!plan_participates(p))
        p->target_memkb = d->actual_memkb + ledger_expected_memkb(b, d);
}

/* What it is lent beyond its share has its bound; of one that has fallen silent nobody knows whether it needs that. */
static void bound_by_credit(struct balancer *b, struct dom *d)
{
    struct plan_domain *p = &d->plan;
    uint64_t beyond = credit_beyond_memkb(b, d);

    d->cap_memkb = NEVER;
    if (!d->demand.known && p->demand_memkb > d->fair_memkb)
        p->use_memkb = p->demand_memkb = p->keep_memkb = d->fair_memkb;
    if (beyond == NEVER)
        return;
    d->cap_memkb = d->fair_memkb + beyond;
    if (p->max_memkb > d->cap_memkb)
        p->max_memkb = d->cap_memkb > p->min_memkb ? d->cap_memkb : p->min_memkb;
}

/* Up to its share it may need what its old report no longer tells. */
static void doubt(const struct balancer *b, struct dom *d)
{
    uint64_t doubted = dom_doubted_memkb(b, d);

    if (doubted > d->fair_memkb)
        doubted = d->fair_memkb;
    if (doubted <= d->plan.demand_memkb)
        return;
    d->plan.demand_memkb = doubted;
    if (d->plan.keep_memkb < doubted)
        d->plan.keep_memkb = doubted;
}

/* What it uses grows, and it has a right to more than that. */
static bool grows_within_its_share(const struct dom *d)
{
    return plan_participates(&d->plan) && d->demand.known && d->demand.grows && d->plan.use_memkb < d->fair_memkb;
}

static uint64_t beyond_its_share_memkb(const struct dom *d)
{
    uint64_t needs = least(d->plan.demand_memkb, plan_hi_memkb(&d->plan));

    return plan_participates(&d->plan) && needs > d->fair_memkb ? needs - d->fair_memkb : 0;
}

/* Who is lent memory may use it, and what is in use nobody can call back: nothing is lent that one whose use grows will
 * have a right to. What the others need not of their shares is lent to those that need more, in proportion. */
static void lend_what_nobody_grows_into(struct balancer *b)
{
    uint64_t spare = 0, wanted = 0;
    bool grows = false;

    for (size_t i = 0; i < b->count; i++) {
        const struct dom *d = b->doms[i];

        if (grows_within_its_share(d))
            grows = true;
        else if (plan_participates(&d->plan) && d->plan.demand_memkb < d->fair_memkb)
            spare += d->fair_memkb - most(d->plan.demand_memkb, least(d->plan.min_memkb, d->fair_memkb));
        wanted += beyond_its_share_memkb(d);
    }
    for (size_t i = 0; grows && i < b->count; i++) {
        struct dom *d = b->doms[i];
        struct plan_domain *p = &d->plan;
        uint64_t wants = beyond_its_share_memkb(d), most_memkb;

        if (!plan_participates(p))
            continue;
        most_memkb = d->fair_memkb + (wanted > spare ? (uint64_t)((unsigned __int128)spare * wants / wanted) : wants);
        most_memkb = most(most(most_memkb, d->target_memkb), p->min_memkb);
        p->use_memkb = least(p->use_memkb, most_memkb);
        p->demand_memkb = least(p->demand_memkb, most_memkb);
        p->keep_memkb = least(p->keep_memkb, most_memkb);
        p->max_memkb = least(p->max_memkb, most_memkb);
    }
}

void dom_wishes_fill(struct balancer *b, struct gc *gc)
{
    uint64_t *fair = gc_array(gc, b->count + 1, sizeof(*fair));
    struct plan_input input;

    for (size_t i = 0; i < b->count; i++)
        fill(b, b->doms[i]);
    input = dom_wishes_input(b, dom_wishes(b, gc));
    plan_fair(gc, &input, fair);
    for (size_t i = 0; i < b->count; i++) {
        struct dom *d = b->doms[i];

        /* What it cannot give makes its share no larger. */
        d->fair_memkb = fair[i];
        if (!dom_balanced(b, d))
            continue;
        credit_settle(b, d);
        doubt(b, d);
        bound_by_health(d);
        if (plan_participates(&d->plan))
            bound_by_credit(b, d);
        else
            d->plan.target_memkb = d->actual_memkb + ledger_expected_memkb(b, d);
    }
    lend_what_nobody_grows_into(b);
}

uint64_t dom_kept_memkb(const struct dom *d, uint64_t within_ms, bool by_rate)
{
    uint64_t give = health_can_give(&d->health, within_ms, by_rate);
    uint64_t kept = d->actual_memkb > give ? d->actual_memkb - give : 0;

    kept -= kept % PLAN_PAGE_KB;
    return kept > d->plan.min_memkb ? kept : d->plan.min_memkb;
}

struct plan_domain *dom_wishes(struct balancer *b, struct gc *gc)
{
    struct plan_domain *domains = gc_array(gc, b->count, sizeof(*domains));

    for (size_t i = 0; i < b->count; i++)
        domains[i] = b->doms[i]->plan;
    return domains;
}

struct plan_input dom_wishes_input(struct balancer *b, const struct plan_domain *domains)
{
    return (struct plan_input){
        .total_memkb = b->memory.total_memkb,
        .free_memkb = b->memory.free_memkb,
        /* What guests can take above their targets is as good as claimed. */
        .claimed_memkb = b->memory.claimed_memkb + ledger_slack_memkb(b),
        .reserve_memkb = b->config.reserve_memkb,
        .reservations_memkb = ledger_reserved_memkb(b, true),
        .float_memkb = b->float_memkb,
        .domains = domains,
        .count = b->count,
    };
}
