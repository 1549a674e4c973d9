/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/service/service.h"
#include "balance/policy/plan-json.h"

static void put_uint(struct gc *gc, struct qmp_value *dict, const char *key, uint64_t value)
{
    qmp_put(gc, dict, key, value > INT64_MAX ? qmp_uint(gc, value) : qmp_int(gc, (int64_t)value));
}

static void put_or_null(struct gc *gc, struct qmp_value *dict, const char *key, uint64_t value, bool known)
{
    if (known)
        put_uint(gc, dict, key, value);
    else
        qmp_put(gc, dict, key, qmp_null(gc));
}

static void put_text(struct gc *gc, struct qmp_value *dict, const char *key, const char *text)
{
    qmp_put(gc, dict, key, qmp_string(gc, text));
}

struct qmp_value *control_reservation(struct gc *gc, struct balance_service *s, const struct reserve_info *r)
{
    struct qmp_value *v = qmp_dict(gc);
    uint64_t now = s->host->ops->now_ms(s->host);

    put_text(gc, v, "id", r->id);
    put_text(gc, v, "state", reserve_state_name(r->state));
    put_uint(gc, v, "size_memkb", r->request.size_memkb);
    put_uint(gc, v, "min_memkb", r->request.min_memkb);
    put_uint(gc, v, "memkb", r->memkb);
    put_uint(gc, v, "counted_memkb", r->counted_memkb);
    put_or_null(gc, v, "domain", r->request.domid, r->request.domid != RESERVE_NO_DOMAIN);
    put_uint(gc, v, "age_ms", now > r->since_ms ? now - r->since_ms : 0);
    put_or_null(gc, v, "expires_ms", r->expires_ms > now ? r->expires_ms - now : 0, r->expires_ms != UINT64_MAX);
    put_uint(gc, v, "shortfall_memkb", r->shortfall_memkb);
    return v;
}

struct texts {
    struct gc *gc;
    struct qmp_value *list;
};

static void append_text(void *arg, const char *text)
{
    struct texts *t = arg;

    qmp_append(t->gc, t->list, qmp_string(t->gc, text));
}

struct qmp_value *control_host(struct gc *gc, struct balance_service *s)
{
    struct qmp_value *v = qmp_dict(gc);
    struct texts warnings = {gc, qmp_list(gc)};
    struct balancer_host h;

    balancer_view_host(s->balancer, &h);
    put_uint(gc, v, "total_memkb", h.memory.total_memkb);
    put_uint(gc, v, "free_memkb", h.memory.free_memkb);
    put_uint(gc, v, "claimed_memkb", h.memory.claimed_memkb);
    put_uint(gc, v, "reserve_memkb", h.reserve_memkb);
    put_uint(gc, v, "reserved_memkb", h.reserved_memkb);
    put_uint(gc, v, "in_flight_memkb", h.in_flight_memkb);
    qmp_put(gc, v, "budget_memkb", qmp_int(gc, h.budget_memkb));
    qmp_put(gc, v, "feasible", qmp_bool(gc, h.feasible));
    put_uint(gc, v, "shortfall_memkb", h.shortfall_memkb);
    if (s->host->ops->warnings)
        s->host->ops->warnings(s->host, append_text, &warnings);
    qmp_put(gc, v, "warnings", warnings.list);
    return v;
}

static struct qmp_value *history_of(struct gc *gc, const struct balancer_domain *d, uint64_t now_ms)
{
    struct qmp_value *list = qmp_list(gc);

    for (size_t i = 0; i < d->history_count; i++) {
        struct qmp_value *v = qmp_dict(gc);

        put_uint(gc, v, "age_ms", now_ms > d->history[i].at_ms ? now_ms - d->history[i].at_ms : 0);
        put_uint(gc, v, "old_memkb", d->history[i].old_memkb);
        put_uint(gc, v, "new_memkb", d->history[i].new_memkb);
        put_text(gc, v, "reason", d->history[i].reason);
        qmp_append(gc, list, v);
    }
    return list;
}

struct qmp_value *control_domain(struct gc *gc, const struct balancer_domain *d, uint64_t now_ms, bool history)
{
    static const char *const types[] = {[PLAN_PV] = "pv", [PLAN_PVH] = "pvh", [PLAN_HVM] = "hvm"};
    struct qmp_value *v = qmp_dict(gc);

    put_uint(gc, v, "domid", d->plan.domid);
    put_text(gc, v, "name", d->facts.name);
    put_text(gc, v, "uuid", d->facts.uuid);
    put_text(gc, v, "type", types[d->facts.type]);
    put_text(gc, v, "state", plan_state_name(d->plan.state));
    put_text(gc, v, "balloon", plan_balloon_name(d->balloon));
    qmp_put(gc, v, "managed", qmp_bool(gc, d->facts.managed));
    qmp_put(gc, v, "pinned", qmp_bool(gc, d->pinned));
    qmp_put(gc, v, "fixed", qmp_bool(gc, d->facts.fixed));
    put_uint(gc, v, "actual_memkb", d->plan.actual_memkb);
    put_uint(gc, v, "target_memkb", d->plan.target_memkb);
    put_uint(gc, v, "planned_memkb", d->planned_memkb);
    put_uint(gc, v, "static_max_memkb", d->facts.static_max_memkb);
    put_uint(gc, v, "min_memkb", d->facts.min_memkb);
    put_uint(gc, v, "max_memkb", d->facts.max_memkb);
    put_uint(gc, v, "weight", d->facts.weight);
    put_or_null(gc, v, "demand_memkb", d->plan.demand_memkb, d->plan.demand_known);
    put_or_null(gc, v, "reported_memkb", d->reported_memkb, d->has_report);
    put_or_null(gc, v, "rate_kb_per_s", d->rate_kb_per_s, d->rate_known);
    put_or_null(gc, v, "left_ms", d->left_ms, d->left_ms != UINT64_MAX);
    put_or_null(gc, v, "probe_ms", d->probe_ms, d->probe_ms != UINT64_MAX);
    put_text(gc, v, "reason", d->reason);
    put_text(gc, v, "why", d->why);
    if (history)
        qmp_put(gc, v, "history", history_of(gc, d, now_ms));
    return v;
}

static struct qmp_value *plan_domain(struct gc *gc, struct balance_service *s, const struct plan_domain *d)
{
    static const char *const types[] = {[PLAN_PV] = "pv", [PLAN_PVH] = "pvh", [PLAN_HVM] = "hvm"};
    const char *name = s->host->ops->name(s->host, d->domid);
    struct qmp_value *v = qmp_dict(gc);

    put_uint(gc, v, "domid", d->domid);
    put_text(gc, v, "name", name ? name : "");
    put_text(gc, v, "type", types[d->type]);
    put_text(gc, v, "state", plan_state_name(d->state));
    put_uint(gc, v, "actual_memkb", d->actual_memkb);
    put_uint(gc, v, "target_memkb", d->target_memkb);
    put_uint(gc, v, "static_max_memkb", d->static_max_memkb);
    put_uint(gc, v, "min_memkb", d->min_memkb);
    put_uint(gc, v, "max_memkb", d->max_memkb);
    put_uint(gc, v, "weight", d->weight);
    put_or_null(gc, v, "demand_memkb", d->demand_memkb, d->demand_known);
    put_text(gc, v, "balloon", plan_balloon_name(d->balloon));
    qmp_put(gc, v, "fixed", qmp_bool(gc, d->fixed));
    return v;
}

struct qmp_value *control_plan_input(struct gc *gc, struct balance_service *s, const struct plan_input *input)
{
    struct qmp_value *v = qmp_dict(gc), *host = qmp_dict(gc), *reservations = qmp_list(gc), *domains = qmp_list(gc);
    const struct reserve_info **infos;
    uint64_t left = input->reservations_memkb;
    size_t count;

    put_uint(gc, host, "total_memkb", input->total_memkb);
    put_uint(gc, host, "free_memkb", input->free_memkb);
    put_uint(gc, host, "claimed_memkb", input->claimed_memkb);
    put_uint(gc, host, "reserve_memkb", input->reserve_memkb);
    qmp_put(gc, v, "host", host);
    infos = balancer_reservations(s->balancer, gc, &count);
    for (size_t i = 0; i < count && left; i++) {
        struct qmp_value *r = qmp_dict(gc);

        /* One that waits for what cannot be had is not in the plan. */
        if (infos[i]->shortfall_memkb || infos[i]->counted_memkb > left)
            continue;
        left -= infos[i]->counted_memkb;
        put_text(gc, r, "id", infos[i]->id);
        put_uint(gc, r, "memkb", infos[i]->counted_memkb);
        qmp_append(gc, reservations, r);
    }
    qmp_put(gc, v, "reservations", reservations);
    for (size_t i = 0; i < input->count; i++)
        qmp_append(gc, domains, plan_domain(gc, s, &input->domains[i]));
    qmp_put(gc, v, "domains", domains);
    return v;
}

struct qmp_value *control_plan(struct gc *gc, const struct plan_input *input, const struct plan *plan)
{
    struct qmp_value *v = qmp_dict(gc), *domains = qmp_list(gc), *steps = qmp_list(gc), *d;

    qmp_put(gc, v, "feasible", qmp_bool(gc, plan->feasible));
    put_uint(gc, v, "shortfall_memkb", plan->shortfall_memkb);
    qmp_put(gc, v, "host_free_after_memkb", qmp_int(gc, plan->host_free_after_memkb));
    for (size_t i = 0; i < input->count; i++) {
        d = qmp_dict(gc);
        put_uint(gc, d, "domid", input->domains[i].domid);
        put_uint(gc, d, "target_memkb", plan->targets[i].target_memkb);
        put_text(gc, d, "reason", plan_reason_name(plan->targets[i].reason));
        qmp_append(gc, domains, d);
    }
    qmp_put(gc, v, "domains", domains);
    for (size_t i = 0; i < plan->step_count; i++) {
        d = qmp_dict(gc);
        put_uint(gc, d, "domid", plan->steps[i].domid);
        put_uint(gc, d, "target_memkb", plan->steps[i].target_memkb);
        qmp_append(gc, steps, d);
    }
    qmp_put(gc, v, "steps", steps);
    return v;
}
