/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/service/recorder.h"
#include "balance/service/service.h"
#include "balance/policy/plan-json.h"

/* ---- reservations ---- */

struct reservation {
    struct reserve_info info;
    bool has_domain;
    uint64_t age_ms, expires_ms;
};

static const struct json_field reservation_fields[] = {
    JSON_CHARS(struct reservation, info.id, "id"),
    JSON_NAME(struct reservation, info.state, "state", "ReservationState", reserve_state_names),
    JSON_U64(struct reservation, info.request.size_memkb, "size_memkb"),
    JSON_U64(struct reservation, info.request.min_memkb, "min_memkb"),
    JSON_U64(struct reservation, info.memkb, "memkb"),
    JSON_U64(struct reservation, info.counted_memkb, "counted_memkb"),
    JSON_U32_IF(struct reservation, has_domain, info.request.domid, "domain"),
    JSON_U64(struct reservation, age_ms, "age_ms"),
    JSON_U64_EVER(struct reservation, expires_ms, "expires_ms"),
    JSON_U64(struct reservation, info.shortfall_memkb, "shortfall_memkb"),
};
static const struct json_record reservation_record = JSON_RECORD("Reservation", reservation_fields);

struct json *control_reservation(struct gc *gc, struct balance_service *s, const struct reserve_info *info)
{
    uint64_t now = s->host->ops->now_ms(s->host);
    struct reservation r = {
        .info = *info,
        .has_domain = info->request.domid != RESERVE_NO_DOMAIN,
        .age_ms = now > info->since_ms ? now - info->since_ms : 0,
        .expires_ms = info->expires_ms == UINT64_MAX ? UINT64_MAX
                      : info->expires_ms > now       ? info->expires_ms - now
                                                     : 0,
    };

    return json_new_record(gc, &reservation_record, &r);
}

/* ---- the host ---- */

static const struct json_field host_fields[] = {
    JSON_U64(struct balancer_host, memory.total_memkb, "total_memkb"),
    JSON_U64(struct balancer_host, memory.free_memkb, "free_memkb"),
    JSON_U64(struct balancer_host, memory.claimed_memkb, "claimed_memkb"),
    JSON_U64(struct balancer_host, reserve_memkb, "reserve_memkb"),
    JSON_U64(struct balancer_host, reserved_memkb, "reserved_memkb"),
    JSON_U64(struct balancer_host, in_flight_memkb, "in_flight_memkb"),
    JSON_U64(struct balancer_host, float_memkb, "float_memkb"),
    JSON_I64(struct balancer_host, budget_memkb, "budget_memkb"),
    JSON_BOOLEAN(struct balancer_host, feasible, "feasible"),
    JSON_U64(struct balancer_host, shortfall_memkb, "shortfall_memkb"),
    {.name = "warnings", .type = "[str]"},
};
static const struct json_record host_record = JSON_RECORD("Host", host_fields);

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
    struct texts warnings = {gc, json_new_array(gc)};
    struct balancer_host h;
    struct json *v;

    balancer_view_host(s->balancer, &h);
    v = json_new_record(gc, &host_record, &h);
    if (s->host->ops->warnings)
        s->host->ops->warnings(s->host, append_text, &warnings);
    json_set(gc, v, "warnings", warnings.list);
    return v;
}

/* ---- domains ---- */

struct change {
    struct balancer_change change;
    uint64_t age_ms;
};

static const struct json_field change_fields[] = {
    JSON_U64(struct change, age_ms, "age_ms"),
    JSON_U64(struct change, change.old_memkb, "old_memkb"),
    JSON_U64(struct change, change.new_memkb, "new_memkb"),
    JSON_TEXT(struct change, change.reason, "reason"),
};
static const struct json_record change_record = JSON_RECORD("Change", change_fields);

static struct json *history_of(struct gc *gc, const struct balancer_domain *d, uint64_t now_ms)
{
    struct json *list = json_new_array(gc);

    for (size_t i = 0; i < d->history_count; i++) {
        struct change c = {.change = d->history[i]};

        c.age_ms = now_ms > c.change.at_ms ? now_ms - c.change.at_ms : 0;
        json_append(gc, list, json_new_record(gc, &change_record, &c));
    }
    return list;
}

#define DOMAIN(kind, member, key) JSON_##kind(struct balancer_domain, member, key)
static const struct json_field domain_fields[] = {
    DOMAIN(U32, plan.domid, "domid"),
    DOMAIN(TEXT, facts.name, "name"),
    DOMAIN(TEXT, facts.uuid, "uuid"),
    JSON_NAME(struct balancer_domain, facts.type, "type", "DomainType", plan_type_names),
    JSON_NAME(struct balancer_domain, plan.state, "state", "DomainState", plan_state_names),
    JSON_NAME(struct balancer_domain, balloon, "balloon", "BalloonState", plan_balloon_names),
    DOMAIN(BOOLEAN, facts.managed, "managed"),
    DOMAIN(BOOLEAN, pinned, "pinned"),
    DOMAIN(BOOLEAN, facts.fixed, "fixed"),
    DOMAIN(U64, plan.actual_memkb, "actual_memkb"),
    DOMAIN(U64, plan.target_memkb, "target_memkb"),
    DOMAIN(U64, planned_memkb, "planned_memkb"),
    DOMAIN(U64, facts.static_max_memkb, "static_max_memkb"),
    DOMAIN(U64, facts.min_memkb, "min_memkb"),
    DOMAIN(U64, facts.max_memkb, "max_memkb"),
    DOMAIN(U64, facts.weight, "weight"),
    DOMAIN(TEXT, range_source, "range_source"),
    JSON_U64_IF(struct balancer_domain, plan.demand_known, plan.demand_memkb, "demand_memkb"),
    JSON_U64_IF(struct balancer_domain, has_report, reported_memkb, "reported_memkb"),
    DOMAIN(TEXT, agent, "agent"),
    DOMAIN(U64_EVER, report_age_ms, "report_age_ms"),
    JSON_U64_IF(struct balancer_domain, rate_known, rate_kb_per_s, "rate_kb_per_s"),
    DOMAIN(U64_EVER, left_ms, "left_ms"),
    DOMAIN(U64_EVER, probe_ms, "probe_ms"),
    DOMAIN(U64, fair_memkb, "fair_memkb"),
    DOMAIN(U64, lent_memkb, "lent_memkb"),
    DOMAIN(U64, owed_memkb, "owed_memkb"),
    DOMAIN(TEXT, reason, "reason"),
    DOMAIN(TEXT, why, "why"),
    {.name = "history", .type = "[Change]", .optional = true},
};
static const struct json_record domain_record = JSON_RECORD("Domain", domain_fields);

struct json *control_domain(struct gc *gc, const struct balancer_domain *d, uint64_t now_ms, bool history)
{
    struct json *v = json_new_record(gc, &domain_record, d);

    if (history)
        json_set(gc, v, "history", history_of(gc, d, now_ms));
    return v;
}

/* ---- the plan ---- */

struct json *control_plan_input(struct gc *gc, struct balance_service *s, const struct plan_input *input)
{
    const char **names = gc_array(gc, input->count + 1, sizeof(*names));
    struct plan_reservation *reservations;
    const struct reserve_info **infos;
    uint64_t left = input->reservations_memkb;
    size_t count, counted = 0;

    infos = balancer_reservations(s->balancer, gc, &count);
    reservations = gc_array(gc, count + 1, sizeof(*reservations));
    for (size_t i = 0; i < count && left; i++) {
        /* One that waits for what cannot be had is not in the plan. */
        if (infos[i]->shortfall_memkb || infos[i]->counted_memkb > left)
            continue;
        left -= infos[i]->counted_memkb;
        reservations[counted++] = (struct plan_reservation){infos[i]->id, infos[i]->counted_memkb};
    }
    for (size_t i = 0; i < input->count; i++) {
        names[i] = s->host->ops->name(s->host, input->domains[i].domid);
        if (!names[i])
            names[i] = "";
    }
    return plan_json_input(gc, input, names, reservations, counted);
}

/* ---- events ---- */

#define EVENT(kind, member, key) JSON_##kind(struct host_event, member, key)
static const struct json_field target_fields[] = {
    EVENT(U32, domid, "domid"),
    EVENT(U64, old_memkb, "old_memkb"),
    EVENT(U64, new_memkb, "new_memkb"),
    EVENT(TEXT, what, "reason"),
};
static const struct json_field health_fields[] = {
    EVENT(U32, domid, "domid"),
    EVENT(TEXT, what, "balloon"),
    EVENT(TEXT, why, "why"),
};
static const struct json_field pinned_fields[] = {EVENT(U32, domid, "domid"), EVENT(U64, new_memkb, "target_memkb")};
static const struct json_field short_fields[] = {EVENT(U64, new_memkb, "shortfall_memkb")};
static const struct json_field emergency_fields[] = {EVENT(U64, new_memkb, "free_memkb")};

static const struct json_record event_records[] = {
    [HOST_EVENT_TARGET] = JSON_RECORD("TargetData", target_fields),
    [HOST_EVENT_HEALTH] = JSON_RECORD("HealthData", health_fields),
    [HOST_EVENT_PINNED] = JSON_RECORD("PinnedData", pinned_fields),
    [HOST_EVENT_SHORT] = JSON_RECORD("ShortData", short_fields),
    [HOST_EVENT_EMERGENCY] = JSON_RECORD("EmergencyData", emergency_fields),
};

struct json *control_event(struct gc *gc, const struct host_event *e)
{
    return json_new_record(gc, &event_records[e->type], e);
}

/* ---- the schema ---- */

static const struct json_field balance_fields[] = {
    {.name = "host", .type = "Host"},
    {.name = "domains", .type = "[Domain]"},
};
static const struct json_field plan_with_input_fields[] = {
    {.name = "input", .type = "PlanInput"},
    {.name = "plan", .type = "Plan"},
};
static const struct json_record balance_record = JSON_RECORD("Balance", balance_fields);
static const struct json_record plan_with_input_record = JSON_RECORD("PlanWithInput", plan_with_input_fields);

static const struct json_field metrics_fields[] = {{.name = "text", .type = "str"}};
static const struct json_record metrics_record = JSON_RECORD("Metrics", metrics_fields);

const struct json_record *const control_records[] = {
    &reservation_record,
    &host_record,
    &change_record,
    &domain_record,
    &balance_record,
    &plan_with_input_record,
    &metrics_record,
    &recorder_record,
    &recorder_point_record,
    &recorder_mark_record,
    &plan_json_input_record,
    &plan_json_host_record,
    &plan_json_reservation_record,
    &plan_json_domain_record,
    &plan_json_record,
    &plan_json_target_record,
    &plan_json_step_record,
    &event_records[HOST_EVENT_TARGET],
    &event_records[HOST_EVENT_HEALTH],
    &event_records[HOST_EVENT_PINNED],
    &event_records[HOST_EVENT_SHORT],
    &event_records[HOST_EVENT_EMERGENCY],
    NULL,
};
