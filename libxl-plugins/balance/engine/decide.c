/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the policy's plan to what each guest is asked for now: others stand in for those that are slow. */
#include "balance/engine/state.h"
#include "base/least.h"

#define CALM_MS 5000u
#define TIME_LEAST_MS 500u
#define TIME_MOST_MS 3600000u
/* So many are asked anew what they need when somebody is short. */
#define RENEWED_MOST 8u

/* What it must not be asked to go below for the sake of others' haste. */
static uint64_t needed_memkb(const struct dom *d, uint64_t target_memkb)
{
    return most(d->plan.min_memkb, least(d->plan.demand_memkb, target_memkb));
}

/* What must come from guests before all that is needed is there. */
static int64_t missing_memkb(const struct balancer *b, const struct plan *plan)
{
    int64_t missing = -ledger_room_memkb(b);

    for (size_t i = 0; i < b->count; i++) {
        const struct dom *d = b->doms[i];
        uint64_t from = most(d->target_memkb, least(d->actual_memkb, plan->targets[i].target_memkb));
        uint64_t needs = least(plan->targets[i].target_memkb, d->plan.demand_memkb);

        if (plan_participates(&d->plan) && needs > from)
            missing += (int64_t)(needs - from);
    }
    return missing;
}

/* What all can give in that time without going below what they need. */
static int64_t gives_memkb(const struct balancer *b, const struct plan *plan, uint64_t within_ms)
{
    int64_t sum = 0;

    for (size_t i = 0; i < b->count; i++) {
        const struct dom *d = b->doms[i];
        uint64_t kept;

        if (!plan_participates(&d->plan))
            continue;
        kept = most(dom_kept_memkb(d, within_ms, true), needed_memkb(d, plan->targets[i].target_memkb));
        if (d->actual_memkb > kept)
            sum += (int64_t)(d->actual_memkb - kept);
    }
    return sum;
}

/* In need: the shortest time in which all guests together can give what is missing, each at its rate. NEVER: they
 * cannot. */
static uint64_t time_for_all(const struct balancer *b, const struct plan *plan, int64_t missing_memkb)
{
    uint64_t low = TIME_LEAST_MS, high = TIME_MOST_MS;

    if (gives_memkb(b, plan, low) >= missing_memkb)
        return low;
    if (gives_memkb(b, plan, high) < missing_memkb)
        return NEVER;
    while (high - low > high / 16) {
        uint64_t middle = low + (high - low) / 2;

        if (gives_memkb(b, plan, middle) < missing_memkb)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* Guests that will not have given their part in time are taken for what they will still hold then; the others share
 * what is left, and none gives what it needs itself. */
static const struct plan *cover_the_slow(struct balancer *b, struct gc *gc, struct plan_input input,
                                         const struct plan *ideal, int64_t missing_memkb)
{
    uint64_t within = b->hurry ? time_for_all(b, ideal, missing_memkb) : HEALTH_SLOW_MS;
    struct plan_domain *domains = dom_wishes(b, gc);
    struct plan *plan;
    bool lags = false;

    input.domains = domains;
    if (!ideal->feasible || within == NEVER)
        return ideal;
    for (size_t i = 0; i < b->count; i++) {
        uint64_t kept = dom_kept_memkb(b->doms[i], within, b->hurry);

        if (!plan_participates(&domains[i]) || kept <= ideal->targets[i].target_memkb + HEALTH_NEAR_KB)
            continue;
        /* Even above its maximum, as long as it holds that. */
        domains[i].min_memkb = domains[i].max_memkb = domains[i].static_max_memkb = kept;
        lags = true;
    }
    if (!lags)
        return ideal;
    plan = plan_make(gc, &input);
    if (!plan->feasible)
        return ideal;
    for (size_t i = 0; i < b->count; i++) {
        struct plan_target *t = &plan->targets[i];
        uint64_t wanted = ideal->targets[i].target_memkb, needed = needed_memkb(b->doms[i], wanted);

        if (!plan_participates(&b->doms[i]->plan))
            continue;
        /* One that lags goes on towards its own share. */
        if (domains[i].min_memkb == domains[i].static_max_memkb || t->target_memkb > wanted)
            t->target_memkb = wanted;
        else if (t->target_memkb < needed)
            t->target_memkb = needed - needed % PLAN_PAGE_KB;
    }
    return plan;
}

static void tell_short(struct balancer *b, const struct plan *plan)
{
    if (plan->feasible != b->feasible)
        balancer_tell(b, &(struct host_event){.type = HOST_EVENT_SHORT, .new_memkb = plan->shortfall_memkb});
    b->feasible = plan->feasible;
    b->shortfall_memkb = plan->shortfall_memkb;
    b->budget_memkb = plan->budget_memkb;
}

/* A guest on its way down is not called back for a trifle, nor for what it does not need while others wait or just did:
 * who grows may say something else with each report. */
static uint64_t let_go_on(const struct balancer *b, const struct dom *d, uint64_t target_memkb)
{
    bool down = d->actual_memkb > d->target_memkb + HEALTH_NEAR_KB && d->target_memkb >= d->plan.min_memkb;

    if (down && target_memkb > d->target_memkb && d->target_memkb >= d->plan.demand_memkb &&
        b->now_ms < b->hurried_ms + CALM_MS)
        return d->target_memkb;
    if (down && target_memkb > d->target_memkb && target_memkb - d->target_memkb < d->target_memkb / 16)
        return d->target_memkb;
    return target_memkb;
}

/* A guest that is known to give nothing is never asked to give, not even when the minimums do not fit. */
static uint64_t not_out_of_reach(const struct dom *d, uint64_t target_memkb)
{
    uint64_t actual = d->actual_memkb - d->actual_memkb % PLAN_PAGE_KB;

    if (!health_stuck(&d->health, HEALTH_GIVING) || target_memkb >= actual)
        return target_memkb;
    return actual > plan_hi_memkb(&d->plan) ? target_memkb : actual;
}

static void decide_one(struct balancer *b, struct dom *d, uint64_t target_memkb, bool urgent)
{
    target_memkb = not_out_of_reach(d, target_memkb);
    if (!urgent)
        target_memkb = let_go_on(b, d, target_memkb);
    /* Memory is taken on a word of today only. */
    if (plan_participates(&d->plan) && !urgent && target_memkb < d->target_memkb && target_memkb < d->actual_memkb &&
        !dom_report_confirmed(b, d))
        target_memkb = d->target_memkb;
    d->planned_memkb = target_memkb;
}

/* It needs more than in the last plan, and this plan does not give it that. */
static bool newly_short(const struct dom *d, const struct plan_target *t)
{
    uint64_t needs = least(d->plan.demand_memkb, plan_hi_memkb(&d->plan)), then = d->planned_demand_memkb;

    return plan_participates(&d->plan) && d->demand.known && d->demand.need_memkb > then + then / 100 &&
           t->target_memkb + needs / 100 < needs;
}

/* What a plan leaves it because it said so, and what others might have instead. */
static uint64_t kept_on_its_word_memkb(const struct dom *d, const struct plan_target *t)
{
    return plan_participates(&d->plan) && d->demand.known && t->target_memkb > d->plan.min_memkb
               ? t->target_memkb - d->plan.min_memkb
               : 0;
}

/* A program that has ended is not worth a report: who is short would wait until the guest in which it ran tells again by
 * itself. Those that keep most are asked, once for each that begins to be short. */
static void renew_reports(struct balancer *b, const struct plan *plan)
{
    bool is_short = false;

    for (size_t i = 0; i < b->count; i++)
        is_short = is_short || newly_short(b->doms[i], &plan->targets[i]);
    for (unsigned asked = 0; is_short && asked < RENEWED_MOST; asked++) {
        uint64_t most_memkb = 0;
        struct dom *from = NULL;

        for (size_t i = 0; i < b->count; i++) {
            uint64_t keeps = kept_on_its_word_memkb(b->doms[i], &plan->targets[i]);

            if (keeps > most_memkb && !newly_short(b->doms[i], &plan->targets[i]) &&
                dom_report_can_renew(b, b->doms[i])) {
                most_memkb = keeps;
                from = b->doms[i];
            }
        }
        if (!from)
            return;
        dom_report_renew(b, from);
    }
}

void round_decide(struct balancer *b, struct gc *gc, bool urgent)
{
    struct plan_input input = dom_wishes_input(b, dom_wishes(b, gc));
    const struct plan *ideal, *plan;
    int64_t missing;

    input.damped = true;
    ideal = plan_make(gc, &input);
    tell_short(b, ideal);
    missing = missing_memkb(b, ideal);
    b->hurry = urgent || reserve_waits(b, true) || missing > 0;
    if (b->hurry) {
        b->hurried_ms = b->now_ms;
        input.hurry = true;
        ideal = plan_make(gc, &input);
    }
    renew_reports(b, ideal);
    plan = cover_the_slow(b, gc, input, ideal, missing);
    for (size_t i = 0; i < b->count; i++) {
        struct dom *d = b->doms[i];

        d->planned_demand_memkb = d->demand.need_memkb;
        d->reason = ideal->targets[i].reason;
        decide_one(b, d, plan->targets[i].target_memkb, urgent);
    }
}
