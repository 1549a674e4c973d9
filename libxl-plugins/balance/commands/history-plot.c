/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A history as text. */
#include <string.h>

#include "balance/commands/history-data.h"
#include "balance/commands/top-layout.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/utf8.h"

#define LABEL_COLUMNS 7
#define EVENTS_LISTED 10
#define ROWS_MIN 4
#define COLUMNS_MIN 20
/* Title, axis, letters of events, times, legend. */
#define OTHER_LINES 5
#define LEGEND_COLUMNS 39 /* up to the letters of events */

struct plot {
    struct gc *gc;
    const struct history_data *data;
    size_t columns, rows;
    uint64_t top_memkb;
    bool colours;
    struct text out;
};

static const struct {
    const char *mark, *colour;
} series[HISTORY_SERIES] = {
    [HISTORY_TARGET] = {"-", "36"},
    [HISTORY_NEED] = {"!", "1;31"},
    [HISTORY_AVAILABLE] = {".", "32"},
};

static void put(struct plot *p, const char *text)
{
    text_add(&p->out, text, strlen(text));
}

/* The rest of a line, as far as the screen goes. */
static void put_line(struct plot *p, size_t from, const char *text)
{
    size_t columns = p->columns + LABEL_COLUMNS;

    text_add(&p->out, text, columns > from ? utf8_fit(text, columns - from) : 0);
    put(p, "\n");
}

static void put_coloured(struct plot *p, const char *colour, const char *text)
{
    put(p, p->colours ? gc_printf(p->gc, "\033[%sm%s\033[0m", colour, text) : text);
}

/* ---- one column: what was known in its time ---- */

static struct history_time column_time(const struct plot *p, size_t column)
{
    const struct history_data *d = p->data;
    uint64_t span = d->to - d->from;
    uint64_t begin = d->from + span * column / p->columns, end = d->from + span * (column + 1) / p->columns;
    struct history_time merged = {0};

    for (size_t i = 0; i < d->count; i++) {
        const struct history_time *t = &d->times[i];

        /* A step lasts from a step's length before its time up to that. */
        if (t->time <= begin || t->time >= end + d->step)
            continue;
        for (unsigned s = 0; s < HISTORY_SERIES; s++) {
            bool worse = !merged.known[s] || (s == HISTORY_NEED && t->memkb[s] > merged.memkb[s]) ||
                         (s == HISTORY_AVAILABLE && t->memkb[s] < merged.memkb[s]) || s <= HISTORY_TARGET;

            if (t->known[s] && worse) {
                merged.known[s] = true;
                merged.memkb[s] = t->memkb[s];
            }
        }
    }
    return merged;
}

/* In which row, counted from below, a size lies. */
static size_t row_of(const struct plot *p, uint64_t memkb)
{
    size_t row = (size_t)(memkb * p->rows / p->top_memkb);

    return row < p->rows ? row : p->rows - 1;
}

static const char *block(const struct plot *p, uint64_t memkb, size_t row)
{
    static const char *const eighths[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    uint64_t filled = memkb * p->rows * 8 / p->top_memkb, below = row * 8;

    return filled <= below ? " " : eighths[filled - below < 8 ? filled - below : 8];
}

static void put_cell(struct plot *p, const struct history_time *t, size_t row)
{
    static const enum history_series order[] = {HISTORY_NEED, HISTORY_AVAILABLE, HISTORY_TARGET};

    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        enum history_series s = order[i];

        if (t->known[s] && row_of(p, t->memkb[s]) == row) {
            put_coloured(p, series[s].colour, series[s].mark);
            return;
        }
    }
    put(p, t->known[HISTORY_HELD] ? block(p, t->memkb[HISTORY_HELD], row) : " ");
}

/* ---- the parts of a plot ---- */

static void put_area(struct plot *p)
{
    struct history_time *columns = gc_array(p->gc, p->columns, sizeof(*columns));

    for (size_t c = 0; c < p->columns; c++)
        columns[c] = column_time(p, c);
    for (size_t row = p->rows; row--;) {
        bool labelled = row == p->rows - 1 || row == p->rows / 2 - 1;
        const char *label = labelled ? top_size_text(p->gc, p->top_memkb * (row + 1) / p->rows) : "";

        put(p, gc_printf(p->gc, "%*s|", LABEL_COLUMNS - 1, label));
        for (size_t c = 0; c < p->columns; c++)
            put_cell(p, &columns[c], row);
        put(p, "\n");
    }
}

/* The letters of events below their time; * where there are several kinds. */
static void put_letters(struct plot *p)
{
    const struct history_data *d = p->data;
    char *letters = gc_alloc(p->gc, p->columns + 1);

    memset(letters, ' ', p->columns);
    for (size_t i = 0; i < d->event_count; i++) {
        size_t c = (size_t)((d->events[i].time - d->from) * p->columns / (d->to - d->from));
        char *letter = &letters[c < p->columns ? c : p->columns - 1];

        *letter = *letter == ' ' || *letter == d->events[i].letter ? d->events[i].letter : '*';
    }
    put(p, gc_printf(p->gc, "%*s+", LABEL_COLUMNS - 1, "0M"));
    for (size_t c = 0; c < p->columns; c++)
        put(p, "-");
    put(p, gc_printf(p->gc, "\n%*s%s\n", LABEL_COLUMNS, "", letters));
}

static void put_times(struct plot *p)
{
    const struct history_data *d = p->data;
    int half = (int)(p->columns / 2);

    put(p, gc_printf(p->gc, "%*s%-*s%-*s%5s\n", LABEL_COLUMNS, "", half, history_clock(p->gc, d->from, false),
                     (int)p->columns - half - 5, history_clock(p->gc, (d->from + d->to) / 2, false),
                     history_clock(p->gc, d->to, false)));
}

static void put_legend(struct plot *p)
{
    put(p, "█ held  ");
    put_coloured(p, series[HISTORY_TARGET].colour, "- target");
    put(p, "  ");
    put_coloured(p, series[HISTORY_NEED].colour, "! needed");
    put(p, "  ");
    put_coloured(p, series[HISTORY_AVAILABLE].colour, ". available");
    put_line(p, LEGEND_COLUMNS, "  S start E end P pin K kill R reserved");
}

static void put_events(struct plot *p)
{
    const struct history_data *d = p->data;
    size_t first = d->event_count > EVENTS_LISTED ? d->event_count - EVENTS_LISTED : 0;

    if (first)
        put(p, gc_printf(p->gc, "%zu earlier events\n", first));
    for (size_t i = first; i < d->event_count; i++)
        put_line(p, 0,
                 gc_printf(p->gc, "%s %c %s", history_clock(p->gc, d->events[i].time, true), d->events[i].letter,
                           history_event_text(p->gc, &d->events[i])));
}

const char *history_plot(struct gc *gc, const struct history_data *d, size_t columns, size_t lines, bool colours)
{
    size_t listed = d->event_count > EVENTS_LISTED ? EVENTS_LISTED + 1 : d->event_count;
    struct plot p = {.gc = gc, .data = d, .top_memkb = history_data_top_memkb(d), .colours = colours};

    p.out.gc = gc;
    p.columns = columns > LABEL_COLUMNS + COLUMNS_MIN ? columns - LABEL_COLUMNS : COLUMNS_MIN;
    p.rows = lines > OTHER_LINES + listed + ROWS_MIN ? lines - OTHER_LINES - listed : ROWS_MIN;
    put_line(&p, 0, d->title);
    put_area(&p);
    put_letters(&p);
    put_times(&p);
    put_legend(&p);
    put_events(&p);
    return gc_strndup(gc, p.out.bytes, p.out.len);
}
