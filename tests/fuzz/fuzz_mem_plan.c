/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host as mem-plan --from reads it, and the plan for it: within the budget, each target within its range, the same
 * for the same input.
 * FUZZ_SRCS: libxl-plugins/balance/policy/plan*.c base/error.c base/gc.c base/json.c base/json-read.c base/json-write.c base/json-record.c base/text.c base/utf8.c
 * FUZZ_LIBS: -lyajl -luv
 */
#include <stdint.h>
#include <stdlib.h>

#include "balance/policy/plan-json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct plan_input *input, const struct plan *plan)
{
    int64_t sum = 0;

    for (size_t i = 0; i < input->count; i++) {
        const struct plan_domain *d = &input->domains[i];
        uint64_t target = plan->targets[i].target_memkb;

        if (!plan_participates(d))
            continue;
        sum += (int64_t)target;
        if (target > plan_hi_memkb(d) || (target < d->min_memkb && plan_hi_memkb(d) - d->min_memkb >= PLAN_PAGE_KB))
            abort();
    }
    if (plan->feasible && sum > plan->budget_memkb)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plan_document document;
    const char *cause;
    GC_SCOPE(gc);

    if (plan_json_read(gc, (const char *)data, size, &document, &cause)) {
        if (!cause)
            abort();
        return 0;
    }
    check(&document.input, plan_make(gc, &document.input));
    document.input.damped = true;
    check(&document.input, plan_make(gc, &document.input));
    return 0;
}
