/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_POLICY_PLAN_JSON_H
#define XLX_BALANCE_POLICY_PLAN_JSON_H

/* The plan's input and result as JSON; docs/balance.md lists the members. */

#include "balance/policy/plan.h"
#include "base/json-record.h"

/* A host with its domains as it is read from a file. names: one for each domain. All in the pool. */
struct plan_document {
    struct plan_input input;
    const char **names;
};

/* Reads and checks (plan_fault). ERROR_INVAL with a sentence in *cause. Members that are not known are left alone;
 * "name", "type" and "fixed" may be absent, "demand_memkb" too, which then is not known. */
int plan_json_read(struct gc *gc, const char *text, size_t len, struct plan_document *document, const char **cause);

struct plan_reservation {
    const char *id;
    uint64_t memkb;
};

/* A host as plan_json_read reads it. names: one for each domain. */
struct json *plan_json_input(struct gc *gc, const struct plan_input *input, const char *const *names,
                             const struct plan_reservation *reservations, size_t reservation_count);
/* {"feasible","shortfall_memkb","host_free_after_memkb","domains":[...],"steps":[...]} */
struct json *plan_json(struct gc *gc, const struct plan_input *input, const struct plan *plan);

/* The types of what the two make: the input and the plan, and what is in them. */
extern const struct json_record plan_json_input_record, plan_json_host_record, plan_json_reservation_record,
    plan_json_domain_record, plan_json_record, plan_json_target_record, plan_json_step_record;

/* By the enums of plan.h; NULL at the end. */
extern const char *const plan_type_names[], *const plan_state_names[], *const plan_balloon_names[];

#endif
