/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "balance/policy/plan.h"
#include "base/cleanup.h"

static int compare_domids(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static const char *domain_fault(struct gc *gc, const struct plan_domain *d)
{
    const uint64_t sizes[] = {d->actual_memkb, d->target_memkb, d->static_max_memkb,
                              d->min_memkb,    d->max_memkb,    d->demand_known ? d->demand_memkb : 0,
                              d->keep_memkb,   d->use_memkb};

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        if (sizes[i] > PLAN_MEMKB_MAX)
            return gc_printf(gc, "domain %u: a size of %" PRIu64 " KiB is beyond any machine", d->domid, sizes[i]);
    }
    if (d->weight < 1 || d->weight > PLAN_WEIGHT_MAX)
        return gc_printf(gc, "domain %u: weight %" PRIu64 " is not within 1 to %" PRIu64, d->domid, d->weight,
                         PLAN_WEIGHT_MAX);
    if (d->min_memkb > plan_hi_memkb(d))
        return gc_printf(gc, "domain %u: the minimum of %" PRIu64 " KiB is above the maximum of %" PRIu64 " KiB",
                         d->domid, d->min_memkb, plan_hi_memkb(d));
    return NULL;
}

const char *plan_fault(struct gc *gc, const struct plan_input *in)
{
    const uint64_t sizes[] = {in->total_memkb,   in->free_memkb,         in->claimed_memkb,
                              in->reserve_memkb, in->reservations_memkb, in->float_memkb};
    uint32_t *domids = gc_array(gc, in->count, sizeof(*domids));
    const char *fault;

    if (in->count > PLAN_DOMAINS_MAX)
        return gc_printf(gc, "%zu domains are more than Xen knows", in->count);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        if (sizes[i] > PLAN_MEMKB_MAX)
            return gc_printf(gc, "host: a size of %" PRIu64 " KiB is beyond any machine", sizes[i]);
    }
    for (size_t i = 0; i < in->count; i++) {
        fault = domain_fault(gc, &in->domains[i]);
        if (fault)
            return fault;
        domids[i] = in->domains[i].domid;
    }
    qsort(domids, in->count, sizeof(*domids), compare_domids);
    for (size_t i = 1; i < in->count; i++) {
        if (domids[i] == domids[i - 1])
            return gc_printf(gc, "domain %u is there twice", domids[i]);
    }
    return NULL;
}

const char *plan_reason_name(enum plan_reason reason)
{
    static const char *const names[] = {
        [PLAN_REASON_MINIMUM] = "minimum",       [PLAN_REASON_SHARE] = "share",
        [PLAN_REASON_DEMAND] = "demand",         [PLAN_REASON_WARM] = "warm",
        [PLAN_REASON_SURPLUS] = "surplus",       [PLAN_REASON_RANGE] = "range",
        [PLAN_REASON_MAXIMUM] = "maximum",       [PLAN_REASON_KEPT] = "kept",
        [PLAN_REASON_SHORT] = "short",           [PLAN_REASON_FIXED] = "fixed",
        [PLAN_REASON_PAUSED] = "paused",         [PLAN_REASON_BUILDING] = "building",
        [PLAN_REASON_BOOTING] = "booting",       [PLAN_REASON_MIGRATING] = "migrating",
        [PLAN_REASON_DYING] = "dying",           [PLAN_REASON_STUCK] = "stuck",
        [PLAN_REASON_NO_BALLOON] = "no-balloon",
    };

    return names[reason];
}
