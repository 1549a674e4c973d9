/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ranges.cfg as people write it and mem-range --save changes it. The first line is the key that is put in and taken
 * out, all else the file.
 *
 * FUZZ_SRCS: libxl-plugins/balance/xen/ranges.c libxl-plugins/balance/policy/lend.c libxl-plugins/balloon/floor.c libxl-plugins/core/uuid.c
 * FUZZ_SRCS: base/gc.c base/parse.c base/text.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "balance/xen/ranges.h"
#include "base/cleanup.h"
#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The most that parse_size_kb takes but for bytes; 64 bits of these are more than their text may say again. */
#define MEMKB_MAX (UINT64_C(16) << 40)

static void must(bool ok)
{
    if (!ok)
        abort();
}

static unsigned lines_of(const char *text)
{
    unsigned lines = 1;

    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void parse_again(struct gc *gc, const char *text, struct ranges *ranges)
{
    const char *cause;
    unsigned line;

    must(!ranges_parse(gc, "again", text, ranges, &line, &cause));
}

static bool same_rule(const struct range_rule *a, const struct range_rule *b)
{
    return a->min_memkb == b->min_memkb && a->max_memkb == b->max_memkb && a->weight == b->weight &&
           a->lend.kind == b->lend.kind && a->lend.amount == b->lend.amount;
}

static bool can_be_said_again(const struct range_rule *r)
{
    return (r->min_memkb == RANGE_ABSENT || r->min_memkb <= MEMKB_MAX) &&
           (r->max_memkb == RANGE_ABSENT || r->max_memkb <= MEMKB_MAX);
}

/* All of it is what was there, but for the entry of one key. */
static void change(struct gc *gc, const char *text, const struct ranges *ranges, const char *key)
{
    const struct range_rule *old = ranges_find(ranges, NULL, key), *now;
    struct range_rule rule = {.min_memkb = 1024, .max_memkb = RANGE_ABSENT, .weight = 7};
    struct ranges with = {0}, without = {0};

    if (ranges->count && can_be_said_again(&ranges->rules[0]))
        rule = ranges->rules[0];
    parse_again(gc, ranges_with(gc, text, key, &rule), &with);
    now = ranges_find(&with, NULL, key);
    must(now && same_rule(now, &rule));
    must(with.count == ranges->count + !old);
    parse_again(gc, ranges_with(gc, text, key, NULL), &without);
    must(without.count == ranges->count - !!old && !ranges_find(&without, NULL, key));
    for (size_t i = 0; i < without.count; i++)
        must(same_rule(&without.rules[i], ranges_find(ranges, NULL, without.rules[i].key)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GC_SCOPE(gc);
    char *key = gc_strndup(gc, (const char *)data, size), *text = strchr(key, '\n');
    struct ranges ranges = {0};
    const char *cause = NULL;
    unsigned line = 0;

    if (!text)
        return 0;
    *text++ = 0;
    if (ranges_parse(gc, "f", text, &ranges, &line, &cause)) {
        must(cause && *cause && line >= 1 && line <= lines_of(text) && !ranges.count);
        return 0;
    }
    for (size_t i = 0; i < ranges.count; i++) {
        const struct range_rule *r = &ranges.rules[i];

        must(ranges_find(&ranges, NULL, r->key) == r && r->weight <= SETTINGS_WEIGHT_MAX);
        must(r->min_memkb != RANGE_ABSENT || r->max_memkb != RANGE_ABSENT);
        must(r->min_memkb == RANGE_ABSENT || r->min_memkb <= r->max_memkb);
    }
    if (ranges_can_name(key))
        change(gc, text, &ranges, key);
    if (ranges.count)
        change(gc, text, &ranges, ranges.rules[ranges.count / 2].key);
    return 0;
}
