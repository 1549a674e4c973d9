/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long one plan takes, by the number of domains: the median of many. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "balance/policy/plan.h"
#include "base/cleanup.h"

#define RUNS 51

static uint64_t seed = 1;

static uint64_t draw(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % below;
}

/* A mix: short of memory, some demands unknown, weights that differ. */
static void fill(struct plan_domain *d, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        d[i] = (struct plan_domain){
            .domid = (uint32_t)i + 1,
            .actual_memkb = (draw(1 << 20) + 65536) * 4,
            .min_memkb = 65536 * 4,
            .max_memkb = (1 << 21) * UINT64_C(4),
            .static_max_memkb = (1 << 21) * UINT64_C(4),
            .weight = 1 + draw(1000),
            .demand_known = draw(5),
            .demand_memkb = draw(1 << 21) * 4,
        };
        d[i].target_memkb = d[i].actual_memkb;
    }
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static double plan_us(const struct plan_input *input)
{
    struct timespec from, to;
    GC_SCOPE(gc);

    clock_gettime(CLOCK_MONOTONIC, &from);
    plan_make(gc, input);
    clock_gettime(CLOCK_MONOTONIC, &to);
    return (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3;
}

int main(void)
{
    static const size_t counts[] = {10, 100, 1000, 10000};

    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        GC_SCOPE(gc);
        struct plan_domain *d = gc_array(gc, counts[i], sizeof(*d));
        struct plan_input input = {.free_memkb = 1 << 20, .domains = d, .count = counts[i], .damped = true};
        double us[RUNS];

        fill(d, counts[i]);
        for (size_t r = 0; r < RUNS; r++)
            us[r] = plan_us(&input);
        qsort(us, RUNS, sizeof(*us), by_size);
        printf("bench balance.plan_us.%zu %.1f\n", counts[i], us[RUNS / 2]);
    }
    return 0;
}
