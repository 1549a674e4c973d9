/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_COMMANDS_TOP_ROWS_H
#define XLX_BALANCE_COMMANDS_TOP_ROWS_H

/* What mem-top shows: memd's answer to query-balance as rows, sorted and filtered. Knows no terminal. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/gc.h"
#include "base/json.h"

struct top_row {
    const char *name; /* can be printed as it is */
    const char *balloon, *reason;
    uint64_t domid, weight;
    uint64_t actual_memkb, target_memkb, demand_memkb, min_memkb, max_memkb, static_max_memkb, owed_memkb;
    bool managed, pinned, has_demand;
};

struct top_host {
    uint64_t total_memkb, free_memkb, reserve_memkb, reserved_memkb, claimed_memkb, in_flight_memkb, float_memkb;
    uint64_t shortfall_memkb;
    bool feasible;
    const char **warnings; /* can be printed as they are */
    size_t warning_count;
};

struct top_data {
    struct top_host host;
    struct top_row *rows;
    size_t count;
};

/* A copy in the pool. What is missing in the answer is 0. */
struct top_data *top_read(struct gc *gc, const struct json *answer);

enum top_sorting { TOP_BY_DOMID, TOP_BY_NAME, TOP_BY_ACTUAL, TOP_BY_TARGET, TOP_BY_DEMAND, TOP_BY_LACK };
struct top_sorting_key {
    char key;
    const char *label;
};
extern const struct top_sorting_key top_sortings[]; /* in the order of the enum */
#define TOP_SORTINGS 6

/* Names and ids upwards, sizes downwards; then by id. */
void top_sort(struct top_row *rows, size_t count, enum top_sorting sorting);
/* Leaves those rows, in their order, in whose name, WHY or marks ("starves", "stuck", "owes", "pinned") the text occurs, in
 * whatever case; an empty one leaves all. Returns how many. */
size_t top_filter(struct top_row *rows, size_t count, const char *text);

/* What should catch the eye, the worst first. */
enum top_mark {
    TOP_PLAIN,
    TOP_STARVES, /* lacks more than a tenth of what it needs */
    TOP_STUCK,
    TOP_OWES,
    TOP_PINNED,
    TOP_MARKS,
};
extern const char *const top_mark_names[TOP_MARKS];
/* A domain may have several; TOP_PLAIN is none of them. */
bool top_has_mark(const struct top_row *row, enum top_mark mark);
/* The worst that it has. */
enum top_mark top_mark_of(const struct top_row *row);
/* What stands in the column WHY. */
const char *top_note(const struct top_row *row);

#endif
