/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_POLICY_PLAN_JSON_H
#define XLX_BALANCE_POLICY_PLAN_JSON_H

/* The plan's input and result as JSON; docs/balance.md lists the members. */

#include "balance/policy/plan.h"
#include "base/json.h"

/* A host with its domains as it is read from a file. names: one for each domain. All in the pool. */
struct plan_document {
    struct plan_input input;
    const char **names;
};

/* Reads and checks (plan_fault). ERROR_INVAL with a sentence in *cause. Members that are not known are left alone;
 * "name", "type" and "fixed" may be absent, "demand_memkb" too, which then is not known. */
int plan_json_read(struct gc *gc, const char *text, size_t len, struct plan_document *document, const char **cause);

/* {"feasible","shortfall_memkb","host_free_after_memkb","domains":[...],"steps":[...]} */
void plan_json_write(struct json_writer *w, const struct plan_input *input, const struct plan *plan);

const char *plan_state_name(enum plan_state state);
const char *plan_balloon_name(enum plan_balloon balloon);

#endif
