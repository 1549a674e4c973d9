/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <string.h>

#include "balance/policy/lend.h"
#include "balance/service/service.h"
#include "balance/policy/plan-json.h"
#include "memd-client/control.h"
#include "balance/service/history.h"
#include "balance/service/recorder.h"
#include "balance/service/metrics-page.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "core/domain.h"

#define FAIL(call, ...) monitor_call_fail((call), MONITOR_GENERIC, __VA_ARGS__)
#define LEASE_MS 30000u

/* ---- arguments ---- */

/* An argument that is a size or a time: absent gives 0; false after an error. */
static bool whole_number(struct monitor_call *call, size_t index, const char *name, uint64_t *value)
{
    const struct json *arg = call->args[index];

    *value = arg ? (uint64_t)arg->integer : 0;
    if (!arg || arg->integer >= 0)
        return true;
    FAIL(call, "Parameter '%s' must not be negative", name);
    return false;
}

/* False after an error. */
static bool domain_arg(struct monitor_call *call, size_t index, uint32_t *domid)
{
    struct balance_service *s = call->target;
    int64_t number = call->args[index]->integer;

    *domid = (uint32_t)number;
    if (number >= 0 && number < UINT32_MAX && s->host->ops->name(s->host, *domid))
        return true;
    FAIL(call, "there is no domain %lld", (long long)number);
    return false;
}

static bool uuid_arg(struct monitor_call *call, size_t index, char uuid[XLX_UUID_LEN])
{
    const char *text = call->args[index]->string.text;

    if (!domain_is_uuid(text)) {
        FAIL(call, "'%.40s' is no UUID", text);
        return false;
    }
    for (size_t i = 0; i < XLX_UUID_LEN; i++)
        uuid[i] = (char)tolower((unsigned char)text[i]);
    return true;
}

static const struct monitor_arg domain_args[] = {{"domain", MONITOR_INT, false, NULL}};
static const struct monitor_arg id_args[] = {{"id", MONITOR_STRING, false, NULL}};

/* ---- ranges ---- */

/* False, with an error, on a host that has no such operation. */
#define can(call, operation) ((operation) || (FAIL((call), "this host keeps no ranges"), false))

static const struct monitor_arg range_args[] = {
    {"domain", MONITOR_INT, false, NULL},    {"min_memkb", MONITOR_INT, false, NULL},
    {"max_memkb", MONITOR_INT, false, NULL}, {"weight", MONITOR_INT, true, NULL},
    {"lend", MONITOR_STRING, true, NULL},
};

static void run_range(struct monitor_call *call)
{
    struct balance_service *s = call->target;
    struct settings range = {.lend.kind = HOST_LEND_DEFAULT};
    const char *fault;
    uint32_t domid;
    int rc;

    if (!domain_arg(call, 0, &domid) || !whole_number(call, 1, "min_memkb", &range.min_memkb) ||
        !whole_number(call, 2, "max_memkb", &range.max_memkb) || !whole_number(call, 3, "weight", &range.weight))
        return;
    if (call->args[3] && !range.weight) {
        FAIL(call, "weight 0 is not within 1 to %d", SETTINGS_WEIGHT_MAX);
        return;
    }
    if (call->args[4] && lend_parse(call->args[4]->string.text, &range.lend, &fault)) {
        FAIL(call, "lend: %s", fault);
        return;
    }
    if (!can(call, s->host->ops->range_set))
        return;
    rc = s->host->ops->range_set(s->host, call->gc, domid, &range, &fault);
    if (rc == ERROR_INVAL)
        FAIL(call, "%s", fault);
    else if (rc == ERROR_DOMAIN_NOTFOUND)
        FAIL(call, "domain %u is gone", domid);
    else if (rc)
        FAIL(call, "the range could not be kept");
    else if (balancer_auto(s->balancer, domid))
        FAIL(call, "the range is kept, but domain %u has no target that could be balanced", domid);
}

static const struct monitor_command cmd_range = {CONTROL_RANGE, range_args, ARRAY_LEN(range_args), NULL, run_range};

static void run_auto(struct monitor_call *call)
{
    struct balance_service *s = call->target;
    struct host_domain facts;
    uint32_t domid;

    if (!domain_arg(call, 0, &domid))
        return;
    if (s->host->ops->hold && s->host->ops->hold(s->host, domid, false))
        FAIL(call, "that domain %u is held could not be forgotten", domid);
    else if (s->host->ops->facts(s->host, domid, &facts) || !facts.managed)
        FAIL(call, "domain %u has no range: give it one with mem-range DOMAIN MIN MAX", domid);
    else if (balancer_auto(s->balancer, domid))
        FAIL(call, "domain %u has no target that could be balanced", domid);
}

static const struct monitor_command cmd_auto = {CONTROL_RANGE_AUTO, domain_args, ARRAY_LEN(domain_args), NULL,
                                                run_auto};

static void run_hold_domain(struct monitor_call *call)
{
    struct balance_service *s = call->target;
    uint32_t domid;

    if (!domain_arg(call, 0, &domid) || !can(call, s->host->ops->hold))
        return;
    if (s->host->ops->hold(s->host, domid, true))
        FAIL(call, "that domain %u is held could not be kept", domid);
    else
        balancer_domain_changed(s->balancer, domid);
}

static const struct monitor_command cmd_hold_domain = {CONTROL_RANGE_HOLD, domain_args, ARRAY_LEN(domain_args), NULL,
                                                       run_hold_domain};

static void run_forget(struct monitor_call *call)
{
    struct balance_service *s = call->target;
    uint32_t domid;

    if (!domain_arg(call, 0, &domid) || !can(call, s->host->ops->range_forget))
        return;
    if (s->host->ops->range_forget(s->host, domid))
        FAIL(call, "the range could not be removed");
    else
        balancer_domain_changed(s->balancer, domid);
}

static const struct monitor_command cmd_forget = {CONTROL_RANGE_FORGET, domain_args, ARRAY_LEN(domain_args), NULL,
                                                  run_forget};

static const struct monitor_arg ranges_args[] = {{"domain", MONITOR_INT, true, NULL}};

static void run_ranges(struct monitor_call *call)
{
    struct balance_service *s = call->target;
    const char *fault;
    uint32_t domid;
    int rc;

    if (!can(call, s->host->ops->ranges_read) || (call->args[0] && !domain_arg(call, 0, &domid)))
        return;
    if (balance_ranges_read(s, call->gc, &fault)) {
        FAIL(call, "%s", fault);
        return;
    }
    rc = call->args[0] ? s->host->ops->range_lasts(s->host, domid) : 0;
    if (rc)
        FAIL(call,
             rc == ERROR_NOTFOUND ? "ranges.cfg of memd has no range for domain %u"
                                  : "the range of domain %u could not be forgotten",
             domid);
    else if (call->args[0])
        balancer_domain_changed(s->balancer, domid);
}

static const struct monitor_command cmd_ranges = {CONTROL_RANGES_READ, ranges_args, ARRAY_LEN(ranges_args), NULL,
                                                  run_ranges};

/* ---- reservations ---- */

static const struct monitor_arg reserve_args[] = {
    {"size_memkb", MONITOR_INT, false, NULL}, {"min_memkb", MONITOR_INT, true, NULL},
    {"timeout_ms", MONITOR_INT, true, NULL},  {"lease_ms", MONITOR_INT, true, NULL},
    {"domain", MONITOR_INT, true, NULL},      {"uuid", MONITOR_STRING, true, NULL},
};

static void run_reserve(struct monitor_call *call)
{
    struct balance_service *s = call->target;
    struct reserve_request request = {.domid = RESERVE_NO_DOMAIN};
    char id[RESERVE_ID_LEN];
    int rc;

    if (!whole_number(call, 0, "size_memkb", &request.size_memkb) ||
        !whole_number(call, 1, "min_memkb", &request.min_memkb) ||
        !whole_number(call, 2, "timeout_ms", &request.timeout_ms) ||
        !whole_number(call, 3, "lease_ms", &request.lease_ms))
        return;
    if (!request.lease_ms)
        request.lease_ms = LEASE_MS;
    if (call->args[4] && !domain_arg(call, 4, &request.domid))
        return;
    if (call->args[5] && !uuid_arg(call, 5, request.uuid))
        return;
    rc = balancer_reserve(s->balancer, &request, id);
    if (rc == ERROR_INVAL)
        FAIL(call, "the size must be above 0, and the minimum not above the size");
    else if (rc == ERROR_BUFFERFULL)
        FAIL(call, "there are %d reservations already", RESERVE_MAX);
    else if (rc)
        FAIL(call, "the reservation could not be kept in xenstore");
    else
        call->result = control_reservation(call->gc, s, balancer_reservation(s->balancer, id));
}

static const struct monitor_command cmd_reserve = {CONTROL_RESERVE, reserve_args, ARRAY_LEN(reserve_args),
                                                   "Reservation", run_reserve};

/* NULL after an error. */
static const struct reserve_info *reservation_arg(struct monitor_call *call)
{
    struct balance_service *s = call->target;
    const struct reserve_info *info = balancer_reservation(s->balancer, call->args[0]->string.text);

    if (!info)
        FAIL(call, "there is no reservation '%.32s'", call->args[0]->string.text);
    return info;
}

static const struct monitor_arg hold_args[] = {
    {"id", MONITOR_STRING, false, NULL},
    {"keep_ms", MONITOR_INT, true, NULL},
};

static void run_hold(struct monitor_call *call)
{
    const struct reserve_info *info = reservation_arg(call);
    uint64_t keep_ms;

    if (info && whole_number(call, 1, "keep_ms", &keep_ms))
        control_hold(call->target, call, info->id, keep_ms);
}

static const struct monitor_command cmd_hold = {CONTROL_RESERVE_HOLD, hold_args, ARRAY_LEN(hold_args), "Reservation",
                                                run_hold};

static void run_release(struct monitor_call *call)
{
    struct balance_service *s = call->target;

    if (reservation_arg(call))
        balancer_release(s->balancer, call->args[0]->string.text);
}

static const struct monitor_command cmd_release = {CONTROL_RESERVE_RELEASE, id_args, ARRAY_LEN(id_args), NULL,
                                                   run_release};

static const struct monitor_arg hand_args[] = {
    {"id", MONITOR_STRING, false, NULL},
    {"domain", MONITOR_INT, false, NULL},
};

static void run_hand(struct monitor_call *call)
{
    struct balance_service *s = call->target;
    uint32_t domid;

    if (!reservation_arg(call) || !domain_arg(call, 1, &domid))
        return;
    if (balancer_hand(s->balancer, call->args[0]->string.text, domid))
        FAIL(call, "there is no domain %u", domid);
}

static const struct monitor_command cmd_hand = {CONTROL_RESERVE_HAND, hand_args, ARRAY_LEN(hand_args), NULL, run_hand};

static void run_reservations(struct monitor_call *call)
{
    struct balance_service *s = call->target;
    const struct reserve_info **infos;
    size_t count;

    infos = balancer_reservations(s->balancer, call->gc, &count);
    call->result = json_new_array(call->gc);
    for (size_t i = 0; i < count; i++)
        json_append(call->gc, call->result, control_reservation(call->gc, s, infos[i]));
}

static const struct monitor_command cmd_reservations = {CONTROL_RESERVATIONS, NULL, 0, "[Reservation]",
                                                        run_reservations};

/* ---- views ---- */

static struct json *view(struct monitor_call *call, uint32_t domid, bool history)
{
    struct balance_service *s = call->target;
    struct balancer_domain d;

    if (balancer_view_domain(s->balancer, call->gc, domid, &d))
        return NULL;
    return control_domain(call->gc, &d, s->host->ops->now_ms(s->host), history);
}

static void run_balance(struct monitor_call *call)
{
    struct balance_service *s = call->target;
    struct json *domains = json_new_array(call->gc), *d;
    uint32_t *domids;
    size_t count;

    balancer_look(s->balancer);
    domids = balancer_domids(s->balancer, call->gc, &count);
    for (size_t i = 0; i < count; i++) {
        d = view(call, domids[i], false);
        if (d)
            json_append(call->gc, domains, d);
    }
    call->result = json_new_object(call->gc);
    json_set(call->gc, call->result, "host", control_host(call->gc, s));
    json_set(call->gc, call->result, "domains", domains);
}

static const struct monitor_command cmd_balance = {CONTROL_BALANCE, NULL, 0, "Balance", run_balance};

static void run_why(struct monitor_call *call)
{
    struct balance_service *s = call->target;
    uint32_t domid;

    if (!domain_arg(call, 0, &domid))
        return;
    balancer_look(s->balancer);
    call->result = view(call, domid, true);
    if (!call->result)
        FAIL(call, "domain %u is gone", domid);
}

static const struct monitor_command cmd_why = {CONTROL_WHY, domain_args, ARRAY_LEN(domain_args), "Domain", run_why};

static void run_plan(struct monitor_call *call)
{
    struct balance_service *s = call->target;
    struct plan_input input;
    struct plan *plan;

    balancer_look(s->balancer);
    plan = balancer_view_plan(s->balancer, call->gc, &input);
    call->result = json_new_object(call->gc);
    json_set(call->gc, call->result, "input", control_plan_input(call->gc, s, &input));
    json_set(call->gc, call->result, "plan", plan_json(call->gc, &input, plan));
}

static const struct monitor_command cmd_plan = {CONTROL_PLAN, NULL, 0, "PlanWithInput", run_plan};

static void run_metrics(struct monitor_call *call)
{
    struct text page = metrics_page(call->gc, call->target);

    call->result = json_new_object(call->gc);
    json_set(call->gc, call->result, "text", json_new_string(call->gc, gc_strndup(call->gc, page.bytes, page.len)));
}

static const struct monitor_command cmd_metrics = {CONTROL_METRICS, NULL, 0, "Metrics", run_metrics};

static const struct monitor_arg history_args[] = {
    {"domain", MONITOR_INT, true, NULL},
    {"last_ms", MONITOR_INT, true, NULL},
};

static void run_history(struct monitor_call *call)
{
    struct balance_service *s = call->target;
    uint32_t domid = HISTORY_HOST;
    uint64_t last_ms;

    if ((call->args[0] && !domain_arg(call, 0, &domid)) || !whole_number(call, 1, "last_ms", &last_ms))
        return;
    call->result = recorder_json(call->gc, s->recorder, domid, call->args[1] ? last_ms : HISTORY_SPAN_MS);
    if (!call->result)
        FAIL(call, "domain %u has no history yet: it has just come", domid);
}

static const struct monitor_command cmd_history = {CONTROL_HISTORY, history_args, ARRAY_LEN(history_args), "History",
                                                   run_history};

/* ---- all of it ---- */

static const struct monitor_command *const commands[] = {
    &cmd_range,   &cmd_ranges, &cmd_auto,    &cmd_hold_domain, &cmd_forget,
    &cmd_reserve, &cmd_hold,   &cmd_release, &cmd_hand,        &cmd_reservations,
    &cmd_balance, &cmd_why,    &cmd_plan,    &cmd_metrics,     &cmd_history,
};
static const struct monitor_command *const look_commands[] = {
    &cmd_reservations, &cmd_balance, &cmd_why, &cmd_plan, &cmd_metrics, &cmd_history,
};

static const struct monitor_enum enums[] = {
    {"BalloonState", plan_balloon_names}, {"DomainState", plan_state_names},         {"DomainType", plan_type_names},
    {"HistoryKind", history_kind_names},  {"ReservationState", reserve_state_names},
};

static const struct monitor_event_type events[] = {
    {CONTROL_EVENT_TARGET, "TargetData", 0}, {CONTROL_EVENT_HEALTH, "HealthData", 0},
    {CONTROL_EVENT_PINNED, "PinnedData", 0}, {CONTROL_EVENT_RESERVATION, "Reservation", 0},
    {CONTROL_EVENT_SHORT, "ShortData", 0},   {CONTROL_EVENT_EMERGENCY, "EmergencyData", 0},
};

#define KIND(which)                                                                                                    \
    {                                                                                                                  \
        .commands = (which), .command_count = ARRAY_LEN(which), .objects = control_records, .enums = enums,            \
        .enum_count = ARRAY_LEN(enums), .events = events, .event_count = ARRAY_LEN(events),                            \
    }

const struct monitor_kind control_kind = KIND(commands), control_look_kind = KIND(look_commands);
