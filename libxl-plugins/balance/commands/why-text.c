/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/commands/why-text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/text.h"

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
    va_list args;
    char *line;

    va_start(args, format);
    line = gc_vprintf(t->gc, format, args);
    va_end(args);
    text_add(t, line, strlen(line));
}

static const char *text_of(const struct json *node, const char *key)
{
    const char *text;

    return json_member_string(node, key, &text) ? text : "?";
}

static bool flag_of(const struct json *node, const char *key)
{
    bool value;

    return json_member_bool(node, key, &value) && value;
}

static const char *mib_of(struct gc *gc, const struct json *node, const char *key)
{
    uint64_t memkb;

    return json_member_u64(node, key, &memkb) ? gc_printf(gc, "%.1f MiB", (double)memkb / 1024) : "not known";
}

static const char *span(struct gc *gc, uint64_t ms)
{
    if (ms < 60000)
        return gc_printf(gc, "%.1f s", (double)ms / 1000);
    return ms < 7200000 ? gc_printf(gc, "%" PRIu64 " min", ms / 60000) : gc_printf(gc, "%" PRIu64 " h", ms / 3600000);
}

static void show_movement(struct text *t, const struct json *d)
{
    uint64_t rate, left, probe;

    if (json_member_u64(d, "rate_kb_per_s", &rate))
        put(t, "  moves at %.1f MiB/s%s%s\n", (double)rate / 1024,
            json_member_u64(d, "left_ms", &left) ? ", there in " : "",
            json_member_u64(d, "left_ms", &left) ? span(t->gc, left) : "");
    if (json_member_u64(d, "probe_ms", &probe))
        put(t, "  will be tried again in %s\n", span(t->gc, probe));
}

static void show_history(struct text *t, const struct json *d)
{
    const struct json *history = json_member(d, "history");

    if (!history || history->type != JSON_ARRAY || !history->list.count)
        return;
    put(t, "last changes of its target:\n");
    for (size_t i = 0; i < history->list.count; i++) {
        const struct json *h = history->list.items[i];
        uint64_t age = 0;

        json_member_u64(h, "age_ms", &age);
        put(t, "  %8s ago  %12s -> %12s  %s\n", span(t->gc, age), mib_of(t->gc, h, "old_memkb"),
            mib_of(t->gc, h, "new_memkb"), text_of(h, "reason"));
    }
}

static void show_source(struct text *t, const struct json *d)
{
    uint64_t age;

    if (json_member_u64(d, "report_age_ms", &age))
        put(t, "  reports  by %s, %s ago\n", text_of(d, "agent"), span(t->gc, age));
    else
        put(t, "  reports  none\n");
}

const char *why_text(struct gc *gc, const struct json *d)
{
    struct text text = {.gc = gc}, *t = &text;
    uint64_t lent, owed;

    put(t, "%s: %s\n", text_of(d, "name"), text_of(d, "why"));
    put(t, "  wants    %s\n", mib_of(t->gc, d, "demand_memkb"));
    put(t, "  share    %s (%s)\n", mib_of(t->gc, d, "planned_memkb"), text_of(d, "reason"));
    put(t, "  target   %s\n", mib_of(t->gc, d, "target_memkb"));
    put(t, "  holds    %s\n", mib_of(t->gc, d, "actual_memkb"));
    if (flag_of(d, "managed")) {
        uint64_t weight = 0;

        json_member_u64(d, "weight", &weight);
        put(t, "  range    %s to %s, weight %" PRIu64 " (%s)\n", mib_of(t->gc, d, "min_memkb"),
            mib_of(t->gc, d, "max_memkb"), weight, text_of(d, "range_source"));
    }
    if (json_member_u64(d, "lent_memkb", &lent) && lent)
        put(t, "  lent     %s beyond its share of %s\n", mib_of(t->gc, d, "lent_memkb"),
            mib_of(t->gc, d, "fair_memkb"));
    if (json_member_u64(d, "owed_memkb", &owed) && owed)
        put(t, "  owes     %s\n", mib_of(t->gc, d, "owed_memkb"));
    put(t, "  state    %s, balloon %s\n", text_of(d, "state"), text_of(d, "balloon"));
    show_source(t, d);
    show_movement(t, d);
    show_history(t, d);
    return gc_strndup(gc, text.bytes, text.len);
}
