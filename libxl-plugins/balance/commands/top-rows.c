/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/commands/top-rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/visible.h"

/* ---- reading ---- */

static uint64_t number_of(const struct json *node, const char *key)
{
    uint64_t value = 0;

    json_member_u64(node, key, &value);
    return value;
}

static const char *text_of(struct gc *gc, const struct json *node, const char *key)
{
    const char *text;

    return json_member_string(node, key, &text) ? visible_copy(gc, text) : "";
}

static bool flag_of(const struct json *node, const char *key)
{
    bool value;

    return json_member_bool(node, key, &value) && value;
}

static size_t items_of(const struct json *node, const char *key, struct json *const **items)
{
    const struct json *list = json_member(node, key);

    if (!list || list->type != JSON_ARRAY)
        return 0;
    *items = list->list.items;
    return list->list.count;
}

static struct top_row read_row(struct gc *gc, const struct json *d)
{
    const struct json *demand = json_member(d, "demand_memkb");

    return (struct top_row){
        .name = text_of(gc, d, "name"),
        .balloon = text_of(gc, d, "balloon"),
        .reason = text_of(gc, d, "reason"),
        .domid = number_of(d, "domid"),
        .weight = number_of(d, "weight"),
        .actual_memkb = number_of(d, "actual_memkb"),
        .target_memkb = number_of(d, "target_memkb"),
        .demand_memkb = number_of(d, "demand_memkb"),
        .min_memkb = number_of(d, "min_memkb"),
        .max_memkb = number_of(d, "max_memkb"),
        .static_max_memkb = number_of(d, "static_max_memkb"),
        .owed_memkb = number_of(d, "owed_memkb"),
        .managed = flag_of(d, "managed"),
        .pinned = flag_of(d, "pinned"),
        .has_demand = demand && demand->type == JSON_INTEGER,
    };
}

static struct top_host read_host(struct gc *gc, const struct json *host)
{
    struct json *const *warnings = NULL;
    struct top_host h = {
        .total_memkb = number_of(host, "total_memkb"),
        .free_memkb = number_of(host, "free_memkb"),
        .reserve_memkb = number_of(host, "reserve_memkb"),
        .reserved_memkb = number_of(host, "reserved_memkb"),
        .claimed_memkb = number_of(host, "claimed_memkb"),
        .in_flight_memkb = number_of(host, "in_flight_memkb"),
        .float_memkb = number_of(host, "float_memkb"),
        .shortfall_memkb = number_of(host, "shortfall_memkb"),
        .feasible = flag_of(host, "feasible"),
    };
    size_t count = items_of(host, "warnings", &warnings);

    h.warnings = gc_array(gc, count + 1, sizeof(*h.warnings));
    for (size_t i = 0; i < count; i++) {
        if (warnings[i]->type == JSON_STRING)
            h.warnings[h.warning_count++] = visible_copy(gc, warnings[i]->string.text);
    }
    return h;
}

struct top_data *top_read(struct gc *gc, const struct json *answer)
{
    struct top_data *data = GC_NEW(gc, struct top_data);
    struct json *const *domains = NULL;

    data->host = read_host(gc, json_member(answer, "host"));
    data->count = items_of(answer, "domains", &domains);
    data->rows = gc_array(gc, data->count + 1, sizeof(*data->rows));
    for (size_t i = 0; i < data->count; i++)
        data->rows[i] = read_row(gc, domains[i]);
    return data;
}

/* ---- marks ---- */

const char *const top_mark_names[TOP_MARKS] = {"", "starves", "stuck", "owes", "pinned"};

bool top_has_mark(const struct top_row *r, enum top_mark mark)
{
    switch (mark) {
    case TOP_STARVES:
        return r->managed && r->has_demand && r->actual_memkb < r->demand_memkb - r->demand_memkb / 10;
    case TOP_STUCK:
        return r->managed && !strcmp(r->balloon, "stuck");
    case TOP_OWES:
        return r->managed && r->owed_memkb;
    case TOP_PINNED:
        return r->managed && r->pinned;
    default:
        return false;
    }
}

enum top_mark top_mark_of(const struct top_row *r)
{
    for (enum top_mark m = TOP_PLAIN + 1; m < TOP_MARKS; m++) {
        if (top_has_mark(r, m))
            return m;
    }
    return TOP_PLAIN;
}

const char *top_note(const struct top_row *r)
{
    if (!r->managed)
        return "unmanaged";
    if (r->owed_memkb)
        return "owes";
    return r->pinned ? "pinned" : r->reason;
}

/* ---- order ---- */

const struct top_sorting_key top_sortings[TOP_SORTINGS] = {{'i', "id"},     {'n', "name"},   {'a', "actual"},
                                                           {'t', "target"}, {'d', "demand"}, {'l', "lack"}};

static uint64_t key_of(const struct top_row *r, enum top_sorting sorting)
{
    switch (sorting) {
    case TOP_BY_ACTUAL:
        return r->actual_memkb;
    case TOP_BY_TARGET:
        return r->target_memkb;
    case TOP_BY_DEMAND:
        return r->demand_memkb;
    case TOP_BY_LACK:
        return r->demand_memkb > r->actual_memkb ? r->demand_memkb - r->actual_memkb : 0;
    default:
        return UINT64_MAX - r->domid;
    }
}

static int compare(const void *a, const void *b, void *arg)
{
    enum top_sorting sorting = *(enum top_sorting *)arg;
    const struct top_row *x = a, *y = b;
    uint64_t k = key_of(x, sorting), l = key_of(y, sorting);

    if (sorting == TOP_BY_NAME && strcmp(x->name, y->name))
        return strcmp(x->name, y->name);
    if (k != l)
        return k > l ? -1 : 1;
    return x->domid < y->domid ? -1 : x->domid > y->domid;
}

void top_sort(struct top_row *rows, size_t count, enum top_sorting sorting)
{
    qsort_r(rows, count, sizeof(*rows), compare, &sorting);
}

static bool is_marked(const struct top_row *r, const char *text)
{
    for (enum top_mark m = TOP_PLAIN + 1; m < TOP_MARKS; m++) {
        if (top_has_mark(r, m) && strcasestr(top_mark_names[m], text))
            return true;
    }
    return false;
}

size_t top_filter(struct top_row *rows, size_t count, const char *text)
{
    size_t left = 0;

    for (size_t i = 0; i < count; i++) {
        const struct top_row *r = &rows[i];

        if (strcasestr(r->name, text) || strcasestr(top_note(r), text) || is_marked(r, text))
            rows[left++] = *r;
    }
    return left;
}
