/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/commands/top-layout.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

#define NAME_MIN 16
#define BAR_MIN 10
#define BAR_MAX 60

#define ID_COLUMNS 6
#define STATE_COLUMNS 18 /* BALL. and WHY, with what stands between them and the bar */
#define WEIGHT_COLUMNS 8

/* ---- sizes ---- */

const char *top_size_text(struct gc *gc, uint64_t memkb)
{
    static const char units[] = "MGTP";
    double value = (double)memkb / 1024;
    size_t unit = 0;

    while (value >= 999.5 && unit + 1 < strlen(units)) {
        value /= 1024;
        unit++;
    }
    if (!unit)
        return gc_printf(gc, "%.0f%c", value, units[unit]);
    return gc_printf(gc, "%.*f%c", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, units[unit]);
}

static const char *size(struct gc *gc, const struct top_layout *l, uint64_t memkb, bool known)
{
    if (!known)
        return "-";
    return l->human ? top_size_text(gc, memkb) : gc_printf(gc, "%" PRIu64, (memkb + 512) / 1024);
}

/* ---- who gets how many columns ---- */

static uint64_t scale_for(const struct top_data *data)
{
    uint64_t scale = 1;

    for (size_t i = 0; i < data->count; i++) {
        const struct top_row *r = &data->rows[i];
        uint64_t high = r->static_max_memkb > r->actual_memkb ? r->static_max_memkb : r->actual_memkb;

        if (r->managed && high > scale)
            scale = high;
    }
    return scale;
}

static size_t longest_name(const struct top_data *data)
{
    size_t longest = NAME_MIN;

    for (size_t i = 0; i < data->count; i++) {
        size_t width = utf8_width(data->rows[i].name);

        if (width > longest)
            longest = width;
    }
    return longest;
}

/* Of all but name and bar. */
static size_t other_columns(const struct top_layout *l)
{
    return ID_COLUMNS + 3 * (l->number + 1) + (l->wide ? 2 * (l->number + 1) + WEIGHT_COLUMNS : 0) + STATE_COLUMNS;
}

struct top_layout top_layout_for(const struct top_data *data, size_t columns)
{
    struct top_layout l = {.human = true, .number = 6, .wide = true, .name = longest_name(data)};
    size_t left;

    l.scale_memkb = scale_for(data);
    l.wide = columns >= other_columns(&l) + NAME_MIN + BAR_MIN;
    left = columns > other_columns(&l) + NAME_MIN ? columns - other_columns(&l) : NAME_MIN;
    if (l.name + BAR_MIN > left)
        l.name = left > NAME_MIN + BAR_MIN ? left - BAR_MIN : NAME_MIN;
    l.bar = left - l.name;
    if (l.bar > BAR_MAX)
        l.bar = BAR_MAX;
    return l;
}

struct top_layout top_layout_once(const struct top_data *data)
{
    return (struct top_layout){
        .wide = true,
        .number = 7,
        .name = longest_name(data),
        .bar = 32,
        .scale_memkb = scale_for(data),
    };
}

/* ---- rows ---- */

/* What it holds as #, up to what it is asked to hold as -, what it is to give as =; minimum, maximum and demand as
 * [ ] ! */
static char *bar(struct gc *gc, const struct top_layout *l, const struct top_row *r)
{
    struct {
        uint64_t value;
        char mark;
    } marks[] = {{r->min_memkb, '['}, {r->max_memkb, ']'}, {r->demand_memkb, '!'}};
    size_t width = l->bar;
    char *out = gc_alloc(gc, width + 1);

    for (size_t i = 0; i < width; i++) {
        uint64_t at = (2 * i + 1) * l->scale_memkb / (2 * width);

        out[i] = at < r->actual_memkb ? '#' : at < r->target_memkb ? '-' : ' ';
        if (at >= r->target_memkb && at < r->actual_memkb)
            out[i] = '=';
    }
    for (size_t i = 0; i < ARRAY_LEN(marks) && width; i++) {
        size_t at = (size_t)(marks[i].value * width / l->scale_memkb);

        if (marks[i].value && (marks[i].mark != '!' || r->has_demand))
            out[at < width ? at : width - 1] = marks[i].mark;
    }
    return out;
}

/* How many bytes at the end of a text take no more than so many columns. */
static size_t tail_fit(const char *text, size_t columns)
{
    size_t len = strlen(text), tail = 0;

    for (size_t n = 1; n <= len; n++) {
        if (((unsigned char)text[len - n] & 0xc0) == 0x80)
            continue;
        if (utf8_width(text + len - n) > columns)
            break;
        tail = n;
    }
    return tail;
}

/* A name that is too long loses its middle: names of one kind differ at their end. */
static const char *name_column(struct gc *gc, const char *name, size_t columns)
{
    size_t head, tail;

    if (utf8_width(name) > columns) {
        head = utf8_fit(name, columns / 2);
        tail = tail_fit(name, columns - columns / 2 - 1);
        name = gc_printf(gc, "%.*s~%s", (int)head, name, name + strlen(name) - tail);
    }
    return gc_printf(gc, "%s%*s", name, (int)(columns - utf8_width(name)), "");
}

const char *top_layout_header(struct gc *gc, const struct top_layout *l)
{
    int n = (int)l->number;

    return gc_printf(gc, "%s %5s %*s %*s %*s %s%-5s %-10s", name_column(gc, "NAME", l->name), "ID", n, "ACTUAL", n,
                     "TARGET", n, "DEMAND", l->wide ? gc_printf(gc, "%*s %*s %6s  ", n, "MIN", n, "MAX", "WEIGHT") : "",
                     "BALL.", "WHY");
}

static const char *range(struct gc *gc, const struct top_layout *l, const struct top_row *r)
{
    int n = (int)l->number;

    return gc_printf(gc, "%*s %*s %6s  ", n, size(gc, l, r->min_memkb, r->managed), n,
                     size(gc, l, r->max_memkb, r->managed), r->managed ? gc_printf(gc, "%" PRIu64, r->weight) : "-");
}

const char *top_layout_row(struct gc *gc, const struct top_layout *l, const struct top_row *r)
{
    int n = (int)l->number;

    return gc_printf(gc, "%s %5" PRIu64 " %*s %*s %*s %s%-5s %-10s %s", name_column(gc, r->name, l->name), r->domid, n,
                     size(gc, l, r->actual_memkb, true), n, size(gc, l, r->target_memkb, r->target_memkb), n,
                     size(gc, l, r->demand_memkb, r->has_demand), l->wide ? range(gc, l, r) : "",
                     r->managed ? r->balloon : "-", top_note(r), r->managed ? bar(gc, l, r) : "");
}

/* ---- the host ---- */

const char *top_layout_host(struct gc *gc, const struct top_host *h)
{
    const struct {
        const char *name;
        uint64_t memkb;
        bool always;
    } parts[] = {
        {"free", h->free_memkb, true},
        {"reserve", h->reserve_memkb, true},
        {"reserved", h->reserved_memkb, false},
        {"claimed", h->claimed_memkb, false},
        {"in flight", h->in_flight_memkb, false},
        {"float", h->float_memkb, false},
    };
    const char *text = gc_printf(gc, "host: %s", top_size_text(gc, h->total_memkb));

    if (!h->feasible)
        text = gc_printf(gc, "%s, SHORT by %s", text, top_size_text(gc, h->shortfall_memkb));
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i].memkb || parts[i].always)
            text = gc_printf(gc, "%s, %s %s", text, parts[i].name, top_size_text(gc, parts[i].memkb));
    }
    return text;
}

const char *top_layout_host_once(struct gc *gc, const struct top_host *h)
{
    return gc_printf(gc,
                     "host: %" PRIu64 " MiB, free %" PRIu64 ", reserve %" PRIu64 ", reserved %" PRIu64
                     ", claimed %" PRIu64 ", in flight %" PRIu64 ", float %" PRIu64 "%s",
                     h->total_memkb / 1024, h->free_memkb / 1024, h->reserve_memkb / 1024, h->reserved_memkb / 1024,
                     h->claimed_memkb / 1024, h->in_flight_memkb / 1024, h->float_memkb / 1024,
                     h->feasible ? "" : gc_printf(gc, "; SHORT by %" PRIu64 " MiB", h->shortfall_memkb / 1024));
}
