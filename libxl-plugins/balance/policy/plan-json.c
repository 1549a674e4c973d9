/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/policy/plan-json.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

const char *const plan_type_names[] = {[PLAN_PV] = "pv", [PLAN_PVH] = "pvh", [PLAN_HVM] = "hvm", NULL};
const char *const plan_state_names[] = {
    [PLAN_RUNNING] = "running",     [PLAN_PAUSED] = "paused", [PLAN_BUILDING] = "building", [PLAN_BOOTING] = "booting",
    [PLAN_MIGRATING] = "migrating", [PLAN_DYING] = "dying",   [PLAN_DYING + 1] = NULL,
};
const char *const plan_balloon_names[] = {
    [PLAN_BALLOON_OK] = "ok",     [PLAN_BALLOON_SLOW] = "slow",   [PLAN_BALLOON_STUCK] = "stuck",
    [PLAN_BALLOON_NONE] = "none", [PLAN_BALLOON_NONE + 1] = NULL,
};

/* ---- reading ---- */

/* Reading stops at the first fault, whose sentence stays. */
struct reader {
    struct gc *gc;
    const char *where; /* "host", "domain 3" */
    const char *cause;
};

static void fault(struct reader *r, const char *key, const char *what)
{
    if (!r->cause)
        r->cause = gc_printf(r->gc, "%s: \"%s\" %s", r->where, key, what);
}

static uint64_t read_number(struct reader *r, const struct json *node, const char *key)
{
    uint64_t value = 0;

    if (!json_member(node, key))
        fault(r, key, "is missing");
    else if (!json_member_u64(node, key, &value))
        fault(r, key, "must be a whole number that is not negative");
    return value;
}

/* Absent or null: 0. More than can be asked for is asked for: it is clamped to the maximum anyway. */
static uint64_t read_optional(struct reader *r, const struct json *node, const char *key)
{
    const struct json *member = json_member(node, key);
    uint64_t value = !member || member->type == JSON_NULL ? 0 : read_number(r, node, key);

    return value > PLAN_MEMKB_MAX ? PLAN_MEMKB_MAX : value;
}

static int read_name(struct reader *r, const struct json *node, const char *key, const char *const *names,
                     int otherwise)
{
    const struct json *member = json_member(node, key);

    if (!member && otherwise >= 0)
        return otherwise;
    for (size_t i = 0; member && member->type == JSON_STRING && names[i]; i++) {
        if (!strcmp(member->string.text, names[i]))
            return (int)i;
    }
    fault(r, key, member ? "has a value that is not known" : "is missing");
    return 0;
}

static const struct json *read_array(struct reader *r, const struct json *root, const char *key)
{
    const struct json *list = json_member(root, key);

    if (!list || list->type != JSON_ARRAY) {
        fault(r, key, list ? "must be an array" : "is missing");
        return NULL;
    }
    return list;
}

static void read_host(struct reader *r, const struct json *root, struct plan_input *input)
{
    const struct json *host = json_member(root, "host");

    if (!host || host->type != JSON_OBJECT) {
        fault(r, "host", host ? "must be an object" : "is missing");
        return;
    }
    r->where = "host";
    input->total_memkb = read_number(r, host, "total_memkb");
    input->free_memkb = read_number(r, host, "free_memkb");
    input->claimed_memkb = read_number(r, host, "claimed_memkb");
    input->reserve_memkb = read_number(r, host, "reserve_memkb");
    input->float_memkb = read_optional(r, host, "float_memkb");
}

static void read_reservations(struct reader *r, const struct json *root, struct plan_input *input)
{
    const struct json *list = read_array(r, root, "reservations");

    for (size_t i = 0; list && i < list->list.count && !r->cause; i++) {
        uint64_t memkb;

        r->where = gc_printf(r->gc, "reservation %zu", i);
        memkb = read_number(r, list->list.items[i], "memkb");
        if (memkb > PLAN_MEMKB_MAX || input->reservations_memkb + memkb > PLAN_MEMKB_MAX)
            fault(r, "memkb", "is beyond any machine");
        input->reservations_memkb += memkb;
    }
}

static void read_demand(struct reader *r, const struct json *node, struct plan_domain *d)
{
    const struct json *demand = json_member(node, "demand_memkb");

    if (!demand || demand->type == JSON_NULL)
        return;
    d->demand_known = true;
    d->demand_memkb = read_optional(r, node, "demand_memkb");
}

static void read_domain(struct reader *r, const struct json *node, struct plan_domain *d, const char **name)
{
    uint64_t domid = read_number(r, node, "domid");

    if (domid >= PLAN_DOMAINS_MAX)
        fault(r, "domid", "is not a domid of Xen");
    if (r->cause)
        return;
    d->domid = (uint32_t)domid;
    r->where = gc_printf(r->gc, "domain %u", d->domid);
    *name = "";
    if (json_member(node, "name") && !json_member_string(node, "name", name))
        fault(r, "name", "must be a string");
    d->type = read_name(r, node, "type", plan_type_names, PLAN_PV);
    d->state = read_name(r, node, "state", plan_state_names, -1);
    d->balloon = read_name(r, node, "balloon", plan_balloon_names, -1);
    d->actual_memkb = read_number(r, node, "actual_memkb");
    d->target_memkb = read_number(r, node, "target_memkb");
    d->static_max_memkb = read_number(r, node, "static_max_memkb");
    d->min_memkb = read_number(r, node, "min_memkb");
    d->max_memkb = read_number(r, node, "max_memkb");
    d->weight = read_number(r, node, "weight");
    if (json_member(node, "fixed") && !json_member_bool(node, "fixed", &d->fixed))
        fault(r, "fixed", "must be true or false");
    read_demand(r, node, d);
    d->keep_memkb = read_optional(r, node, "keep_memkb");
}

static void read_domains(struct reader *r, const struct json *root, struct plan_document *document)
{
    const struct json *list = read_array(r, root, "domains");
    struct plan_domain *domains;
    size_t count;

    if (!list)
        return;
    count = list->list.count;
    if (count > PLAN_DOMAINS_MAX) {
        fault(r, "domains", "holds more than Xen knows");
        return;
    }
    domains = gc_array(r->gc, count, sizeof(*domains));
    document->names = gc_array(r->gc, count, sizeof(*document->names));
    for (size_t i = 0; i < count && !r->cause; i++) {
        r->where = gc_printf(r->gc, "domains[%zu]", i);
        read_domain(r, list->list.items[i], &domains[i], &document->names[i]);
    }
    document->input.domains = domains;
    document->input.count = count;
}

int plan_json_read(struct gc *gc, const char *text, size_t len, struct plan_document *document, const char **cause)
{
    struct reader r = {.gc = gc, .where = "the file"};
    struct json *root;
    int rc;

    memset(document, 0, sizeof(*document));
    rc = json_parse(gc, text, len, &root, cause);
    if (rc)
        return ERROR_INVAL;
    if (root->type != JSON_OBJECT)
        r.cause = "not a JSON object";
    if (!r.cause)
        read_host(&r, root, &document->input);
    r.where = "the file";
    if (!r.cause)
        read_reservations(&r, root, &document->input);
    r.where = "the file";
    if (!r.cause)
        read_domains(&r, root, document);
    if (!r.cause)
        r.cause = plan_fault(gc, &document->input);
    *cause = r.cause;
    return r.cause ? ERROR_INVAL : 0;
}

/* ---- the input ---- */

/* What is written of a domain, in the order in which it is. */
struct input_domain {
    struct plan_domain plan;
    const char *name;
};

#define FIELD(kind, member, key) JSON_##kind(struct plan_input, member, key)
static const struct json_field host_fields[] = {
    FIELD(U64, total_memkb, "total_memkb"),     FIELD(U64, free_memkb, "free_memkb"),
    FIELD(U64, claimed_memkb, "claimed_memkb"), FIELD(U64, reserve_memkb, "reserve_memkb"),
    FIELD(U64, float_memkb, "float_memkb"),
};
#undef FIELD

#define FIELD(kind, member, key) JSON_##kind(struct input_domain, member, key)
static const struct json_field domain_fields[] = {
    FIELD(U32, plan.domid, "domid"),
    FIELD(TEXT, name, "name"),
    JSON_NAME(struct input_domain, plan.type, "type", "DomainType", plan_type_names),
    JSON_NAME(struct input_domain, plan.state, "state", "DomainState", plan_state_names),
    FIELD(U64, plan.actual_memkb, "actual_memkb"),
    FIELD(U64, plan.target_memkb, "target_memkb"),
    FIELD(U64, plan.static_max_memkb, "static_max_memkb"),
    FIELD(U64, plan.min_memkb, "min_memkb"),
    FIELD(U64, plan.max_memkb, "max_memkb"),
    FIELD(U64, plan.weight, "weight"),
    JSON_U64_IF(struct input_domain, plan.demand_known, plan.demand_memkb, "demand_memkb"),
    FIELD(U64, plan.keep_memkb, "keep_memkb"),
    JSON_NAME(struct input_domain, plan.balloon, "balloon", "BalloonState", plan_balloon_names),
    FIELD(BOOLEAN, plan.fixed, "fixed"),
};
#undef FIELD

static const struct json_field reservation_fields[] = {
    JSON_TEXT(struct plan_reservation, id, "id"),
    JSON_U64(struct plan_reservation, memkb, "memkb"),
};

static const struct json_field input_fields[] = {
    {.name = "host", .type = "PlanHost"},
    {.name = "reservations", .type = "[PlanReservation]"},
    {.name = "domains", .type = "[PlanDomain]"},
};

const struct json_record plan_json_input_record = JSON_RECORD("PlanInput", input_fields);
const struct json_record plan_json_host_record = JSON_RECORD("PlanHost", host_fields);
const struct json_record plan_json_reservation_record = JSON_RECORD("PlanReservation", reservation_fields);
const struct json_record plan_json_domain_record = JSON_RECORD("PlanDomain", domain_fields);

struct json *plan_json_input(struct gc *gc, const struct plan_input *input, const char *const *names,
                             const struct plan_reservation *reservations, size_t reservation_count)
{
    struct json *v = json_new_object(gc), *list = json_new_array(gc), *domains = json_new_array(gc);

    json_set(gc, v, "host", json_new_record(gc, &plan_json_host_record, input));
    for (size_t i = 0; i < reservation_count; i++)
        json_append(gc, list, json_new_record(gc, &plan_json_reservation_record, &reservations[i]));
    json_set(gc, v, "reservations", list);
    for (size_t i = 0; i < input->count; i++) {
        struct input_domain d = {.plan = input->domains[i], .name = names[i]};

        json_append(gc, domains, json_new_record(gc, &plan_json_domain_record, &d));
    }
    json_set(gc, v, "domains", domains);
    return v;
}

/* ---- the plan ---- */

/* An item of both lists; a step has no reason. */
struct planned {
    uint32_t domid;
    uint64_t target_memkb;
    const char *reason;
};

static const struct json_field target_fields[] = {
    JSON_U32(struct planned, domid, "domid"),
    JSON_U64(struct planned, target_memkb, "target_memkb"),
    JSON_TEXT(struct planned, reason, "reason"),
};

static const struct json_field step_fields[] = {
    JSON_U32(struct planned, domid, "domid"),
    JSON_U64(struct planned, target_memkb, "target_memkb"),
};

static const struct json_field plan_fields[] = {
    JSON_BOOLEAN(struct plan, feasible, "feasible"),
    JSON_U64(struct plan, shortfall_memkb, "shortfall_memkb"),
    JSON_I64(struct plan, host_free_after_memkb, "host_free_after_memkb"),
    {.name = "domains", .type = "[PlanTarget]"},
    {.name = "steps", .type = "[PlanStep]"},
};

const struct json_record plan_json_target_record = JSON_RECORD("PlanTarget", target_fields);
const struct json_record plan_json_step_record = JSON_RECORD("PlanStep", step_fields);
const struct json_record plan_json_record = JSON_RECORD("Plan", plan_fields);

struct json *plan_json(struct gc *gc, const struct plan_input *input, const struct plan *plan)
{
    struct json *v = json_new_record(gc, &plan_json_record, plan), *domains = json_new_array(gc),
                *steps = json_new_array(gc);

    for (size_t i = 0; i < input->count; i++) {
        struct planned p = {input->domains[i].domid, plan->targets[i].target_memkb,
                            plan_reason_name(plan->targets[i].reason)};

        json_append(gc, domains, json_new_record(gc, &plan_json_target_record, &p));
    }
    json_set(gc, v, "domains", domains);
    for (size_t i = 0; i < plan->step_count; i++) {
        struct planned p = {plan->steps[i].domid, plan->steps[i].target_memkb, NULL};

        json_append(gc, steps, json_new_record(gc, &plan_json_step_record, &p));
    }
    json_set(gc, v, "steps", steps);
    return v;
}
