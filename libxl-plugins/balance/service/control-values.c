/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/service/service.h"
#include "balance/policy/plan-json.h"

static void put_or_null(struct gc *gc, struct json *dict, const char *key, uint64_t value, bool known)
{
    json_set(gc, dict, key, known ? json_new_u64(gc, value) : json_new_null(gc));
}

struct json *control_reservation(struct gc *gc, struct balance_service *s, const struct reserve_info *r)
{
    struct json *v = json_new_object(gc);
    uint64_t now = s->host->ops->now_ms(s->host);

    json_set_string(gc, v, "id", r->id);
    json_set_string(gc, v, "state", reserve_state_name(r->state));
    json_set_u64(gc, v, "size_memkb", r->request.size_memkb);
    json_set_u64(gc, v, "min_memkb", r->request.min_memkb);
    json_set_u64(gc, v, "memkb", r->memkb);
    json_set_u64(gc, v, "counted_memkb", r->counted_memkb);
    put_or_null(gc, v, "domain", r->request.domid, r->request.domid != RESERVE_NO_DOMAIN);
    json_set_u64(gc, v, "age_ms", now > r->since_ms ? now - r->since_ms : 0);
    put_or_null(gc, v, "expires_ms", r->expires_ms > now ? r->expires_ms - now : 0, r->expires_ms != UINT64_MAX);
    json_set_u64(gc, v, "shortfall_memkb", r->shortfall_memkb);
    return v;
}

struct texts {
    struct gc *gc;
    struct json *list;
};

static void append_text(void *arg, const char *text)
{
    struct texts *t = arg;

    json_append(t->gc, t->list, json_new_string(t->gc, text));
}

struct json *control_host(struct gc *gc, struct balance_service *s)
{
    struct json *v = json_new_object(gc);
    struct texts warnings = {gc, json_new_array(gc)};
    struct balancer_host h;

    balancer_view_host(s->balancer, &h);
    json_set_u64(gc, v, "total_memkb", h.memory.total_memkb);
    json_set_u64(gc, v, "free_memkb", h.memory.free_memkb);
    json_set_u64(gc, v, "claimed_memkb", h.memory.claimed_memkb);
    json_set_u64(gc, v, "reserve_memkb", h.reserve_memkb);
    json_set_u64(gc, v, "reserved_memkb", h.reserved_memkb);
    json_set_u64(gc, v, "in_flight_memkb", h.in_flight_memkb);
    json_set_integer(gc, v, "budget_memkb", h.budget_memkb);
    json_set_bool(gc, v, "feasible", h.feasible);
    json_set_u64(gc, v, "shortfall_memkb", h.shortfall_memkb);
    if (s->host->ops->warnings)
        s->host->ops->warnings(s->host, append_text, &warnings);
    json_set(gc, v, "warnings", warnings.list);
    return v;
}

static struct json *history_of(struct gc *gc, const struct balancer_domain *d, uint64_t now_ms)
{
    struct json *list = json_new_array(gc);

    for (size_t i = 0; i < d->history_count; i++) {
        struct json *v = json_new_object(gc);

        json_set_u64(gc, v, "age_ms", now_ms > d->history[i].at_ms ? now_ms - d->history[i].at_ms : 0);
        json_set_u64(gc, v, "old_memkb", d->history[i].old_memkb);
        json_set_u64(gc, v, "new_memkb", d->history[i].new_memkb);
        json_set_string(gc, v, "reason", d->history[i].reason);
        json_append(gc, list, v);
    }
    return list;
}

struct json *control_domain(struct gc *gc, const struct balancer_domain *d, uint64_t now_ms, bool history)
{
    static const char *const types[] = {[PLAN_PV] = "pv", [PLAN_PVH] = "pvh", [PLAN_HVM] = "hvm"};
    struct json *v = json_new_object(gc);

    json_set_u64(gc, v, "domid", d->plan.domid);
    json_set_string(gc, v, "name", d->facts.name);
    json_set_string(gc, v, "uuid", d->facts.uuid);
    json_set_string(gc, v, "type", types[d->facts.type]);
    json_set_string(gc, v, "state", plan_state_name(d->plan.state));
    json_set_string(gc, v, "balloon", plan_balloon_name(d->balloon));
    json_set_bool(gc, v, "managed", d->facts.managed);
    json_set_bool(gc, v, "pinned", d->pinned);
    json_set_bool(gc, v, "fixed", d->facts.fixed);
    json_set_u64(gc, v, "actual_memkb", d->plan.actual_memkb);
    json_set_u64(gc, v, "target_memkb", d->plan.target_memkb);
    json_set_u64(gc, v, "planned_memkb", d->planned_memkb);
    json_set_u64(gc, v, "static_max_memkb", d->facts.static_max_memkb);
    json_set_u64(gc, v, "min_memkb", d->facts.min_memkb);
    json_set_u64(gc, v, "max_memkb", d->facts.max_memkb);
    json_set_u64(gc, v, "weight", d->facts.weight);
    put_or_null(gc, v, "demand_memkb", d->plan.demand_memkb, d->plan.demand_known);
    put_or_null(gc, v, "reported_memkb", d->reported_memkb, d->has_report);
    put_or_null(gc, v, "rate_kb_per_s", d->rate_kb_per_s, d->rate_known);
    put_or_null(gc, v, "left_ms", d->left_ms, d->left_ms != UINT64_MAX);
    put_or_null(gc, v, "probe_ms", d->probe_ms, d->probe_ms != UINT64_MAX);
    json_set_string(gc, v, "reason", d->reason);
    json_set_string(gc, v, "why", d->why);
    if (history)
        json_set(gc, v, "history", history_of(gc, d, now_ms));
    return v;
}

static struct json *plan_domain(struct gc *gc, struct balance_service *s, const struct plan_domain *d)
{
    static const char *const types[] = {[PLAN_PV] = "pv", [PLAN_PVH] = "pvh", [PLAN_HVM] = "hvm"};
    const char *name = s->host->ops->name(s->host, d->domid);
    struct json *v = json_new_object(gc);

    json_set_u64(gc, v, "domid", d->domid);
    json_set_string(gc, v, "name", name ? name : "");
    json_set_string(gc, v, "type", types[d->type]);
    json_set_string(gc, v, "state", plan_state_name(d->state));
    json_set_u64(gc, v, "actual_memkb", d->actual_memkb);
    json_set_u64(gc, v, "target_memkb", d->target_memkb);
    json_set_u64(gc, v, "static_max_memkb", d->static_max_memkb);
    json_set_u64(gc, v, "min_memkb", d->min_memkb);
    json_set_u64(gc, v, "max_memkb", d->max_memkb);
    json_set_u64(gc, v, "weight", d->weight);
    put_or_null(gc, v, "demand_memkb", d->demand_memkb, d->demand_known);
    json_set_string(gc, v, "balloon", plan_balloon_name(d->balloon));
    json_set_bool(gc, v, "fixed", d->fixed);
    return v;
}

struct json *control_plan_input(struct gc *gc, struct balance_service *s, const struct plan_input *input)
{
    struct json *v = json_new_object(gc), *host = json_new_object(gc), *reservations = json_new_array(gc),
                *domains = json_new_array(gc);
    const struct reserve_info **infos;
    uint64_t left = input->reservations_memkb;
    size_t count;

    json_set_u64(gc, host, "total_memkb", input->total_memkb);
    json_set_u64(gc, host, "free_memkb", input->free_memkb);
    json_set_u64(gc, host, "claimed_memkb", input->claimed_memkb);
    json_set_u64(gc, host, "reserve_memkb", input->reserve_memkb);
    json_set(gc, v, "host", host);
    infos = balancer_reservations(s->balancer, gc, &count);
    for (size_t i = 0; i < count && left; i++) {
        struct json *r = json_new_object(gc);

        /* One that waits for what cannot be had is not in the plan. */
        if (infos[i]->shortfall_memkb || infos[i]->counted_memkb > left)
            continue;
        left -= infos[i]->counted_memkb;
        json_set_string(gc, r, "id", infos[i]->id);
        json_set_u64(gc, r, "memkb", infos[i]->counted_memkb);
        json_append(gc, reservations, r);
    }
    json_set(gc, v, "reservations", reservations);
    for (size_t i = 0; i < input->count; i++)
        json_append(gc, domains, plan_domain(gc, s, &input->domains[i]));
    json_set(gc, v, "domains", domains);
    return v;
}

struct json *control_plan(struct gc *gc, const struct plan_input *input, const struct plan *plan)
{
    struct json *v = json_new_object(gc), *domains = json_new_array(gc), *steps = json_new_array(gc), *d;

    json_set_bool(gc, v, "feasible", plan->feasible);
    json_set_u64(gc, v, "shortfall_memkb", plan->shortfall_memkb);
    json_set_integer(gc, v, "host_free_after_memkb", plan->host_free_after_memkb);
    for (size_t i = 0; i < input->count; i++) {
        d = json_new_object(gc);
        json_set_u64(gc, d, "domid", input->domains[i].domid);
        json_set_u64(gc, d, "target_memkb", plan->targets[i].target_memkb);
        json_set_string(gc, d, "reason", plan_reason_name(plan->targets[i].reason));
        json_append(gc, domains, d);
    }
    json_set(gc, v, "domains", domains);
    for (size_t i = 0; i < plan->step_count; i++) {
        d = json_new_object(gc);
        json_set_u64(gc, d, "domid", plan->steps[i].domid);
        json_set_u64(gc, d, "target_memkb", plan->steps[i].target_memkb);
        json_append(gc, steps, d);
    }
    json_set(gc, v, "steps", steps);
    return v;
}
