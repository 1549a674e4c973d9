/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_POLICY_PLAN_TABLE_H
#define XLX_BALANCE_POLICY_PLAN_TABLE_H

/* What plan.c (shares) and plan-damp.c (hysteresis) have in common. Sizes in KiB. */

#include "balance/policy/plan.h"

/* One participant. */
struct seat {
    const struct plan_domain *domain;
    size_t index;
    uint64_t lo, use, demand, warm, hi; /* lo and hi in whole pages */
    uint64_t got;
    bool lost; /* got was rounded down to whole pages */
    /* for one round of filling */
    uint64_t cap, share;
    uint64_t lacks; /* left where it is although it needs that much more */
    enum plan_reason reason;
};

struct plan_table {
    const struct plan_input *input;
    struct plan *plan;
    struct seat *seats; /* ascending domid */
    size_t count;
    bool any_use, any_warmth; /* whether those levels hold anything */
    struct seat **order;      /* scratch for sorting */
    int64_t budget_memkb;
    uint64_t float_memkb;  /* of the budget, kept from what is not needed */
    uint64_t others_memkb; /* what domains that do not take part may still take */
};

static inline uint64_t pages_down(uint64_t memkb)
{
    return memkb - memkb % PLAN_PAGE_KB;
}

static inline uint64_t pages_up(uint64_t memkb)
{
    return pages_down(memkb + PLAN_PAGE_KB - 1);
}

int plan_seat_by_domid(const void *a, const void *b);
enum plan_reason plan_seat_reason(const struct seat *s);
/* Leaves alone what is near enough, within the sum that the table allows. */
void plan_damp(struct plan_table *t);

#endif
