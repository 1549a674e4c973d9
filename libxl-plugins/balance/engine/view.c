/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "balance/policy/plan-json.h"
#include "balance/engine/state.h"
#include "base/error.h"

void balancer_view_host(struct balancer *b, struct balancer_host *view)
{
    *view = (struct balancer_host){
        .memory = b->memory,
        .reserve_memkb = b->config.reserve_memkb,
        .reserved_memkb = ledger_reserved_memkb(b, true),
        .float_memkb = b->float_memkb,
        .budget_memkb = b->budget_memkb,
        .feasible = b->feasible,
        .shortfall_memkb = b->shortfall_memkb,
    };
    for (size_t i = 0; i < b->count; i++) {
        const struct dom *d = b->doms[i];
        uint64_t pending = ledger_pending_memkb(b, d);
        uint64_t due = d->target_memkb > d->actual_memkb ? d->target_memkb - d->actual_memkb : 0;

        view->in_flight_memkb += due < pending ? due : pending;
    }
}

uint32_t *balancer_domids(struct balancer *b, struct gc *gc, size_t *count)
{
    uint32_t *domids = gc_array(gc, b->count + 1, sizeof(*domids));

    for (size_t i = 0; i < b->count; i++)
        domids[i] = b->doms[i]->domid;
    *count = b->count;
    return domids;
}

static const char *reason_of(const struct balancer *b, const struct dom *d)
{
    if (!d->facts.managed)
        return "unmanaged";
    if (d->pinned)
        return "pinned";
    if (health_stuck(&d->health, HEALTH_GIVING) || health_stuck(&d->health, HEALTH_TAKING))
        return plan_reason_name(PLAN_REASON_STUCK);
    /* Nobody tells of a pause: the last round may have known another state. */
    if (!d->facts.fixed && dom_state(b, d) != PLAN_RUNNING)
        return plan_state_names[dom_state(b, d)];
    return plan_reason_name(d->reason);
}

static uint64_t mib(uint64_t memkb)
{
    return (memkb + 512) / 1024;
}

static const char *balance_sentence(struct gc *gc, const struct dom *d)
{
    uint64_t wants = mib(d->plan.demand_memkb), gets = mib(d->planned_memkb);

    switch (d->reason) {
    case PLAN_REASON_MINIMUM:
        return gc_printf(gc, "gets its minimum of %" PRIu64 " MiB", gets);
    case PLAN_REASON_SHARE:
        return gc_printf(gc, "wants %" PRIu64 " MiB and gets its share by weight, %" PRIu64 " MiB", wants, gets);
    case PLAN_REASON_DEMAND:
        return gc_printf(gc, "gets the %" PRIu64 " MiB that it wants", gets);
    case PLAN_REASON_WARM:
        return gc_printf(gc, "needs %" PRIu64 " MiB and keeps %" PRIu64 " MiB warm, which it needed lately", wants,
                         gets);
    case PLAN_REASON_SURPLUS:
        return gc_printf(gc, "wants %" PRIu64 " MiB and gets %" PRIu64 " MiB, since nobody else needs it", wants, gets);
    case PLAN_REASON_RANGE:
        return gc_printf(gc, "says nothing of its needs and gets %" PRIu64 " MiB by its weight", gets);
    case PLAN_REASON_MAXIMUM:
        return gc_printf(gc, "gets its maximum of %" PRIu64 " MiB", gets);
    case PLAN_REASON_SHORT:
        return gc_printf(gc, "gets its minimum of %" PRIu64 " MiB: the host has not enough for all minimums", gets);
    default:
        return gc_printf(gc, "keeps its %" PRIu64 " MiB, which is near enough to its share", mib(d->target_memkb));
    }
}

/* From whom that is known, where it is not our agent. */
static const char *by_whom(struct gc *gc, const struct balancer *b, const struct dom *d)
{
    uint64_t age_s = dom_report_age_ms(b, d) / 1000;

    if (!d->report.agent_words || !d->report.at_ms || d->report.answers)
        return "";
    if (!d->has_report)
        return gc_printf(gc, "; the last report of %s is %" PRIu64 " s old and counts no more", d->report.agent_words,
                         age_s);
    if (dom_doubted_memkb(b, d) > d->demand.need_memkb)
        return gc_printf(gc, "; %s reported %" PRIu64 " s ago, so not all that it does not use is taken for free",
                         d->report.agent_words, age_s);
    return gc_printf(gc, "; reported by %s %" PRIu64 " s ago", d->report.agent_words, age_s);
}

static const char *why(struct gc *gc, const struct balancer *b, const struct dom *d)
{
    if (d->closed || (ledger_idle(b, d) && d->target_memkb > d->actual_memkb + HEALTH_NEAR_KB))
        return gc_printf(gc,
                         "has not moved towards its target of %" PRIu64 " MiB for minutes, or is paused: it counts for "
                         "the %" PRIu64 " MiB that it holds, and the rest is for others",
                         mib(d->target_memkb), mib(d->actual_memkb));
    if (!d->facts.managed)
        return "has no range (mem-range), so it is left alone";
    if (d->facts.fixed)
        return "cannot be balanced: a stub domain, a device passed through, or no balloon";
    if (d->pinned)
        return gc_printf(gc,
                         "pinned: somebody else wrote its target of %" PRIu64
                         " MiB; 'mem-range DOMAIN auto' has it balanced again",
                         mib(d->target_memkb));
    if (d->facts.held)
        return "held by 'mem-range DOMAIN hold': left alone until 'mem-range DOMAIN auto'";
    if (dom_state(b, d) != PLAN_RUNNING)
        return gc_printf(gc, "left alone while it is %s", plan_state_names[dom_state(b, d)]);
    if (health_stuck(&d->health, HEALTH_GIVING))
        return gc_printf(gc, "does not give memory back: its target stands at what it holds, %" PRIu64 " MiB%s%s",
                         mib(d->actual_memkb), d->credit.owed_memkb ? "; it owes others " : "",
                         d->credit.owed_memkb ? gc_printf(gc, "%" PRIu64 " MiB", mib(d->credit.owed_memkb)) : "");
    if (d->credit.owed_memkb)
        return gc_printf(gc,
                         "was lent memory beyond its share of %" PRIu64 " MiB and did not give %" PRIu64
                         " MiB of it back: it gets nothing beyond its share until it has",
                         mib(d->fair_memkb), mib(d->credit.owed_memkb));
    if (health_stuck(&d->health, HEALTH_TAKING))
        return gc_printf(gc, "does not take memory: it stays at %" PRIu64 " MiB", mib(d->actual_memkb));
    return gc_printf(gc, "%s%s", balance_sentence(gc, d), by_whom(gc, b, d));
}

static uint64_t probe_in(const struct balancer *b, const struct dom *d)
{
    uint64_t at = NEVER;

    for (enum health_way way = HEALTH_GIVING; way <= HEALTH_TAKING; way++) {
        if (health_stuck(&d->health, way) && d->health.sides[way].probe_at_ms < at)
            at = d->health.sides[way].probe_at_ms;
    }
    return at == NEVER ? NEVER : at > b->now_ms ? at - b->now_ms : 0;
}

int balancer_view_domain(struct balancer *b, struct gc *gc, uint32_t domid, struct balancer_domain *view)
{
    const struct dom *d = dom_find(b, domid);
    const struct health_side *side;

    if (!d)
        return ERROR_DOMAIN_NOTFOUND;
    side = &d->health.sides[d->health.way];
    *view = (struct balancer_domain){
        .plan = d->plan,
        .facts = d->facts,
        .balloon = d->told,
        .pinned = d->pinned,
        .planned_memkb = d->planned_memkb,
        .fair_memkb = d->fair_memkb,
        .lent_memkb = d->actual_memkb > d->fair_memkb && dom_balanced(b, d) ? d->actual_memkb - d->fair_memkb : 0,
        .owed_memkb = d->credit.owed_memkb,
        .reason = reason_of(b, d),
        .has_report = d->has_report,
        .report = d->report,
        .reported_memkb = d->demand.reported_memkb,
        .agent = d->report.agent ? d->report.agent : "none",
        .report_age_ms = d->report.agent && d->report.at_ms ? dom_report_age_ms(b, d) : NEVER,
        .range_source = d->facts.range_source ? d->facts.range_source : "none",
        .rate_known = d->health.moving && side->rate_known,
        .rate_kb_per_s = side->rate_kb_per_s,
        .left_ms = d->health.moving ? d->health.left_ms : NEVER,
        .probe_ms = probe_in(b, d),
        .history_count = d->history_count,
        .why = why(gc, b, d),
    };
    view->plan.target_memkb = d->target_memkb;
    view->plan.actual_memkb = d->actual_memkb;
    for (size_t i = 0; i < d->history_count; i++)
        view->history[i] = d->history[(d->history_next + 2 * BALANCER_HISTORY - 1 - i) % BALANCER_HISTORY];
    return 0;
}

struct plan *balancer_view_plan(struct balancer *b, struct gc *gc, struct plan_input *input)
{
    *input = dom_wishes_input(b, dom_wishes(b, gc));
    return plan_make(gc, input);
}
