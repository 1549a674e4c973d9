/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/commands/history-data.h"

#include <string.h>
#include <time.h>

#include "balance/commands/top-layout.h"
#include "base/cleanup.h"
#include "base/visible.h"

static const char *const keys[HISTORY_SERIES] = {"held_memkb", "target_memkb", "need_memkb", "available_memkb"};

static const struct {
    const char *kind;
    char letter;
} letters[] = {{"start", 'S'}, {"end", 'E'}, {"pin", 'P'}, {"kill", 'K'}, {"reservation", 'R'}};

static char letter_of(const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(letters); i++) {
        if (!strcmp(letters[i].kind, kind))
            return letters[i].letter;
    }
    return '?';
}

static const char *text_of(struct gc *gc, const struct json *node, const char *key)
{
    const char *text;

    return json_member_string(node, key, &text) ? visible_copy(gc, text) : "";
}

static size_t items_of(const struct json *node, const char *key, struct json *const **items)
{
    const struct json *list = json_member(node, key);

    if (!list || list->type != JSON_ARRAY)
        return 0;
    *items = list->list.items;
    return list->list.count;
}

static void read_times(struct gc *gc, struct history_data *d, const struct json *answer)
{
    struct json *const *items = NULL;
    size_t count = items_of(answer, "points", &items);

    d->times = gc_array(gc, count + 1, sizeof(*d->times));
    for (size_t i = 0; i < count; i++) {
        struct history_time *t = &d->times[d->count];

        *t = (struct history_time){0};
        json_member_u64(items[i], "time", &t->time);
        for (unsigned s = 0; s < HISTORY_SERIES; s++)
            t->known[s] = json_member_u64(items[i], keys[s], &t->memkb[s]);
        if (t->time >= d->from && t->time <= d->to)
            d->count++;
    }
}

static void read_events(struct gc *gc, struct history_data *d, const struct json *answer)
{
    struct json *const *items = NULL;
    size_t count = items_of(answer, "marks", &items);

    d->events = gc_array(gc, count + 1, sizeof(*d->events));
    for (size_t i = 0; i < count; i++) {
        struct history_event *e = &d->events[d->event_count];

        *e = (struct history_event){.kind = text_of(gc, items[i], "kind"), .name = text_of(gc, items[i], "name")};
        e->letter = letter_of(e->kind);
        json_member_u64(items[i], "time", &e->time);
        e->has_domid = json_member_u64(items[i], "domid", &e->domid);
        e->has_memkb = json_member_u64(items[i], "memkb", &e->memkb);
        if (e->time >= d->from && e->time <= d->to)
            d->event_count++;
    }
}

struct history_data *history_data(struct gc *gc, const struct json *answer, const char *title, uint64_t from,
                                  uint64_t to)
{
    struct history_data *d = GC_NEW(gc, struct history_data);
    uint64_t step_ms = 0;

    json_member_u64(answer, "step_ms", &step_ms);
    *d = (struct history_data){
        .title = visible_copy(gc, title),
        .from = from,
        .to = to > from ? to : from + 1,
        .step = step_ms > 1000 ? step_ms / 1000 : 1,
    };
    read_times(gc, d, answer);
    read_events(gc, d, answer);
    return d;
}

uint64_t history_data_top_memkb(const struct history_data *d)
{
    uint64_t top = 1024;

    for (size_t i = 0; i < d->count; i++) {
        for (unsigned s = 0; s < HISTORY_SERIES; s++) {
            if (d->times[i].known[s] && d->times[i].memkb[s] > top)
                top = d->times[i].memkb[s];
        }
    }
    return top;
}

const char *history_clock(struct gc *gc, uint64_t time, bool seconds)
{
    time_t t = (time_t)time;
    char text[16] = "";
    struct tm tm;

    if (localtime_r(&t, &tm))
        strftime(text, sizeof(text), seconds ? "%H:%M:%S" : "%H:%M", &tm);
    return gc_strdup(gc, text);
}

const char *history_span(struct gc *gc, uint64_t seconds)
{
    bool hours = !(seconds % 3600), minutes = !(seconds % 60);

    return gc_printf(gc, "%llu %s",
                     (unsigned long long)(seconds / (hours     ? 3600
                                                     : minutes ? 60
                                                               : 1)),
                     hours     ? "h"
                     : minutes ? "min"
                               : "s");
}

const char *history_event_text(struct gc *gc, const struct history_event *e)
{
    const char *who = *e->name ? gc_printf(gc, " %s", e->name) : "";

    if (!*who && e->has_domid)
        who = gc_printf(gc, " domain %llu", (unsigned long long)e->domid);
    return gc_printf(gc, "%s%s%s%s", e->kind, who, e->has_memkb ? " " : "",
                     e->has_memkb ? top_size_text(gc, e->memkb) : "");
}
