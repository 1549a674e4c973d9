/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the policy's plan to what each guest is asked for now: others stand in for those that are slow or stuck. */
#include "balance/engine/state.h"

/* In need: the shortest time in which all guests together can give what is asked for, each at its rate. NEVER: they
 * cannot. */
static uint64_t time_for_all(struct balancer *b, int64_t budget_memkb)
{
    uint64_t low = 1000, high = 3600000;

    if (wishes_kept_memkb(b, low) <= budget_memkb)
        return low;
    if (wishes_kept_memkb(b, high) > budget_memkb)
        return NEVER;
    while (high - low > high / 16) {
        uint64_t middle = low + (high - low) / 2;

        if (wishes_kept_memkb(b, middle) > budget_memkb)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* Taking some for what they keep asks others for more, who may be known to give nothing. */
#define COVER_ROUNDS 4

/* Guests that will not have given their part in time are taken for what they will still hold then; the others share
 * what is left. */
static const struct plan *cover_the_slow(struct balancer *b, struct gc *gc, struct plan_input input,
                                         const struct plan *ideal, bool urgent)
{
    uint64_t within = urgent ? time_for_all(b, ideal->budget_memkb) : HEALTH_SLOW_MS;
    struct plan_domain *domains = wishes_domains(b, gc);
    const struct plan *plan = ideal, *next;
    bool lags = ideal->feasible && within != NEVER;

    input.domains = domains;
    for (unsigned n = 0; lags && n < COVER_ROUNDS; n++) {
        lags = false;
        for (size_t i = 0; i < b->count; i++) {
            uint64_t kept = wish_kept_memkb(b->doms[i], within, urgent);

            if (!plan_participates(&domains[i]) || kept <= plan->targets[i].target_memkb + HEALTH_NEAR_KB)
                continue;
            if (n && !health_stuck(&b->doms[i]->health, HEALTH_GIVING))
                continue;
            /* Even above its maximum, as long as it holds that. */
            domains[i].min_memkb = domains[i].max_memkb = domains[i].static_max_memkb = kept;
            lags = true;
        }
        next = lags ? plan_make(gc, &input) : plan;
        if (!next->feasible)
            break;
        plan = next;
    }
    return plan;
}

static void tell_short(struct balancer *b, const struct plan *plan)
{
    if (plan->feasible != b->feasible)
        tell(b, &(struct host_event){.type = HOST_EVENT_SHORT, .new_memkb = plan->shortfall_memkb});
    b->feasible = plan->feasible;
    b->shortfall_memkb = plan->shortfall_memkb;
    b->budget_memkb = plan->budget_memkb;
}

/* A guest on its way down is not called back for a trifle. */
static uint64_t let_go_on(const struct dom *d, uint64_t target_memkb)
{
    bool down = d->actual_memkb > d->target_memkb + HEALTH_NEAR_KB && d->target_memkb >= d->plan.min_memkb;

    if (down && target_memkb > d->target_memkb && target_memkb - d->target_memkb < d->target_memkb / 16)
        return d->target_memkb;
    return target_memkb;
}

/* Of one that is known to give nothing nothing is asked, not even when the minimums do not fit. */
static uint64_t not_out_of_reach(const struct dom *d, uint64_t target_memkb)
{
    uint64_t actual = d->actual_memkb - d->actual_memkb % PLAN_PAGE_KB;

    if (!health_stuck(&d->health, HEALTH_GIVING) || target_memkb >= actual)
        return target_memkb;
    return actual > plan_hi_memkb(&d->plan) ? target_memkb : actual;
}

void round_decide(struct balancer *b, struct gc *gc, bool urgent)
{
    struct plan_input input = wishes_input(b, wishes_domains(b, gc));
    const struct plan *ideal, *plan;

    /* In need everybody gives at once what is his to give: that is quicker than much from few. */
    input.damped = !urgent && !reserve_waits(b, true);
    ideal = plan_make(gc, &input);
    tell_short(b, ideal);
    plan = cover_the_slow(b, gc, input, ideal, urgent || reserve_waits(b, true));
    for (size_t i = 0; i < b->count; i++) {
        struct dom *d = b->doms[i];
        uint64_t target = plan->targets[i].target_memkb, wanted = ideal->targets[i].target_memkb;

        d->planned_demand_memkb = d->demand.known ? d->demand.seen_memkb : 0;
        /* A guest that lags goes on towards its own share; not one that is known to be stuck. */
        if (plan_participates(&d->plan) && wanted < target && wanted < d->actual_memkb &&
            !health_stuck(&d->health, HEALTH_GIVING))
            target = wanted;
        if (target > plan_hi_memkb(&d->plan) && plan_participates(&d->plan))
            target = wanted;
        target = not_out_of_reach(d, target);
        d->planned_memkb = urgent ? target : let_go_on(d, target);
        d->reason = ideal->targets[i].reason;
    }
}
