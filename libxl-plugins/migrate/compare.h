/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MIGRATE_COMPARE_H
#define XLX_MIGRATE_COMPARE_H

/*
 * Two CPU policies compared leaf by leaf, register by register. Every bit of every leaf and MSR that either policy has
 * is looked at; what a leaf's numbers mean decides how (compare.c has the table).
 */

#include "migrate/policy.h"

enum difference_kind {
    DIFFERENCE_FEATURE, /* a bit with a meaning of its own */
    DIFFERENCE_LIMIT,   /* a number that a guest counts on: widths, sizes, highest leaves, vendor */
    DIFFERENCE_DETAIL,  /* describes the machine (model, brand, caches, topology); no program can need it */
};

struct difference {
    enum difference_kind kind;
    const char *name;  /* "aesni", "physical address bits" */
    const char *where; /* "0x00000001.ecx" */
    const char *a, *b; /* what either has: "yes" and "no", or numbers */
    bool b_lacks;      /* a guest that has a's cannot go on with b's */
};

struct comparison {
    struct difference *items; /* features first, then limits, then details; by leaf in each */
    size_t count;
    size_t lacking; /* items with b_lacks */
};

/* All differences, in the pool. */
struct comparison *policy_compare(struct gc *gc, const struct cpu_policy *a, const struct cpu_policy *b);

#endif
