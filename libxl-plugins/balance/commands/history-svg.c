/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A history as a picture. */
#include <inttypes.h>
#include <string.h>

#include "balance/commands/history-data.h"
#include "balance/commands/top-layout.h"
#include "base/cleanup.h"
#include "base/text.h"

#define WIDTH 960
#define HEIGHT 420
#define LEFT 70
#define RIGHT 24
#define TOP 64
#define BOTTOM 60
#define AREA_WIDTH (WIDTH - LEFT - RIGHT)
#define AREA_HEIGHT (HEIGHT - TOP - BOTTOM)
#define BASE (HEIGHT - BOTTOM)

struct svg {
    struct gc *gc;
    const struct history_data *data;
    uint64_t top_memkb;
    struct text out;
};

static const struct {
    const char *name, *colour, *dashes;
} series[HISTORY_SERIES] = {
    [HISTORY_HELD] = {"held", "#c9d8ea", ""},
    [HISTORY_TARGET] = {"target", "#1f4e79", "6 3"},
    [HISTORY_NEED] = {"needed", "#d1495b", ""},
    [HISTORY_AVAILABLE] = {"available", "#3a7d44", ""},
};

__attribute__((format(printf, 2, 3))) static void put(struct svg *s, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = gc_vprintf(s->gc, format, args);
    va_end(args);
    text_add(&s->out, text, strlen(text));
}

/* Text between tags. */
static const char *escaped(struct gc *gc, const char *text)
{
    struct text out = {.gc = gc};

    for (; *text; text++) {
        const char *as = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : NULL;

        text_add(&out, as ? as : text, as ? strlen(as) : 1);
    }
    return gc_strndup(gc, out.len ? out.bytes : "", out.len);
}

static double x_of(const struct svg *s, uint64_t time)
{
    const struct history_data *d = s->data;

    time = time < d->from ? d->from : time > d->to ? d->to : time;
    return LEFT + (double)AREA_WIDTH * (double)(time - d->from) / (double)(d->to - d->from);
}

static double y_of(const struct svg *s, uint64_t memkb)
{
    return BASE - (double)AREA_HEIGHT * (double)memkb / (double)s->top_memkb;
}

/* ---- scales ---- */

/* About five lines, at sizes that people count in. */
static uint64_t size_step_memkb(uint64_t top_memkb)
{
    uint64_t step = 1024;

    while (top_memkb / step > 6)
        step *= 2;
    return step;
}

static void put_size_lines(struct svg *s)
{
    uint64_t step = size_step_memkb(s->top_memkb);

    for (uint64_t memkb = 0; memkb <= s->top_memkb; memkb += step) {
        put(s, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#dddddd\"/>\n", LEFT, y_of(s, memkb),
            WIDTH - RIGHT, y_of(s, memkb));
        put(s, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - 8, y_of(s, memkb) + 4,
            top_size_text(s->gc, memkb));
    }
}

static void put_time_lines(struct svg *s)
{
    static const uint64_t steps[] = {10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 21600, 86400};
    const struct history_data *d = s->data;
    uint64_t step = steps[ARRAY_LEN(steps) - 1];

    for (size_t i = ARRAY_LEN(steps); i--;) {
        if ((d->to - d->from) / steps[i] <= 8)
            step = steps[i];
    }
    for (uint64_t t = (d->from + step - 1) / step * step; t <= d->to; t += step) {
        put(s, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#eeeeee\"/>\n", x_of(s, t), TOP, x_of(s, t),
            BASE);
        put(s, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x_of(s, t), BASE + 34,
            history_clock(s->gc, t, step < 60));
    }
}

/* ---- curves ---- */

/* The steps from i on of which the series is known, without a gap. Returns where that ends. */
static size_t run_end(const struct history_data *d, enum history_series which, size_t i)
{
    while (i < d->count && d->times[i].known[which])
        i++;
    return i;
}

/* Each step is level from its beginning to its end. */
static void put_run(struct svg *s, enum history_series which, size_t begin, size_t end)
{
    const struct history_data *d = s->data;
    bool area = which == HISTORY_HELD;

    put(s, "<path fill=\"%s\" stroke=\"%s\" stroke-width=\"%s\"%s d=\"", area ? series[which].colour : "none",
        series[which].colour, area ? "0" : "1.8",
        *series[which].dashes ? gc_printf(s->gc, " stroke-dasharray=\"%s\"", series[which].dashes) : "");
    for (size_t i = begin; i < end; i++) {
        const struct history_time *t = &d->times[i];
        uint64_t since = i > begin ? d->times[i - 1].time : t->time > d->step ? t->time - d->step : 0;

        if (i == begin && area)
            put(s, "M%.1f %dL", x_of(s, since), BASE);
        else if (i == begin)
            put(s, "M");
        put(s, "%.1f %.1fL%.1f %.1f%s", x_of(s, since), y_of(s, t->memkb[which]), x_of(s, t->time),
            y_of(s, t->memkb[which]), i + 1 < end ? "L" : "");
    }
    if (area)
        put(s, "L%.1f %dZ", x_of(s, d->times[end - 1].time), BASE);
    put(s, "\"/>\n");
}

static void put_curve(struct svg *s, enum history_series which)
{
    for (size_t i = 0; i < s->data->count;) {
        size_t end = run_end(s->data, which, i);

        if (end > i)
            put_run(s, which, i, end);
        i = end > i ? end : i + 1;
    }
}

/* ---- the rest ---- */

static void put_events(struct svg *s)
{
    const struct history_data *d = s->data;

    for (size_t i = 0; i < d->event_count; i++) {
        const struct history_event *e = &d->events[i];
        const char *colour = e->letter == 'K' ? "#d1495b" : "#666666";

        put(s,
            "<g><title>%s %s</title><line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"%s\" "
            "stroke-dasharray=\"2 3\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"%s\" "
            "font-weight=\"bold\">%c</text></g>\n",
            history_clock(s->gc, e->time, true), escaped(s->gc, history_event_text(s->gc, e)), x_of(s, e->time), TOP,
            x_of(s, e->time), BASE + 4, colour, x_of(s, e->time), BASE + 17, colour, e->letter);
    }
}

static void put_legend(struct svg *s)
{
    int x = LEFT;

    for (unsigned i = 0; i < HISTORY_SERIES; i++, x += 100) {
        put(s, "<line x1=\"%d\" y1=\"48\" x2=\"%d\" y2=\"48\" stroke=\"%s\" stroke-width=\"%s\"%s/>\n", x, x + 22,
            series[i].colour, i == HISTORY_HELD ? "9" : "2",
            *series[i].dashes ? gc_printf(s->gc, " stroke-dasharray=\"%s\"", series[i].dashes) : "");
        put(s, "<text x=\"%d\" y=\"52\">%s</text>\n", x + 28, series[i].name);
    }
    put(s, "<text x=\"%d\" y=\"52\" text-anchor=\"end\" fill=\"#666666\">%s</text>\n", WIDTH - RIGHT,
        "S start  E end  P pin  K kill  R reserved");
}

const char *history_svg(struct gc *gc, const struct history_data *d)
{
    struct svg s = {.gc = gc, .data = d, .out = {.gc = gc}};

    s.top_memkb = history_data_top_memkb(d) / 20 * 21;
    put(&s,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
        "font-family=\"sans-serif\" font-size=\"12\" fill=\"#333333\">\n"
        "<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n"
        "<text x=\"%d\" y=\"26\" font-size=\"16\">%s</text>\n",
        WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT, escaped(gc, d->title));
    put_legend(&s);
    put_curve(&s, HISTORY_HELD);
    put_size_lines(&s);
    put_time_lines(&s);
    put_curve(&s, HISTORY_TARGET);
    put_curve(&s, HISTORY_AVAILABLE);
    put_curve(&s, HISTORY_NEED);
    put_events(&s);
    put(&s, "<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"#333333\"/>\n</svg>\n", LEFT, TOP, BASE, WIDTH - RIGHT);
    return gc_strndup(gc, s.out.bytes, s.out.len);
}
