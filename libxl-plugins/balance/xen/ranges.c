/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/xen/ranges.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "balance/policy/lend.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"
#include "core/domain.h"
#include "xlx.h"

/* ---- one value ---- */

static int parse_word(const char *word, struct range_rule *rule, const char **cause)
{
    if (!strncmp(word, "min=", 4))
        return parse_size_kb(word + 4, &rule->min_memkb, cause);
    if (!strncmp(word, "max=", 4))
        return parse_size_kb(word + 4, &rule->max_memkb, cause);
    if (!strncmp(word, "lend=", 5))
        return lend_parse(word + 5, &rule->lend, cause);
    if (!strncmp(word, "weight=", 7)) {
        if (parse_u64(word + 7, SETTINGS_WEIGHT_MAX, &rule->weight, cause))
            return ERROR_INVAL;
        *cause = "a weight of 0 would give it nothing: use 1 or more";
        return rule->weight ? 0 : ERROR_INVAL;
    }
    *cause = "known words are min=, max=, weight= and lend=";
    return ERROR_INVAL;
}

static const char *fault_of(const struct range_rule *rule)
{
    if (rule->min_memkb == RANGE_ABSENT && rule->max_memkb == RANGE_ABSENT)
        return "neither min= nor max= is given";
    if (rule->min_memkb != RANGE_ABSENT && rule->max_memkb != RANGE_ABSENT && rule->min_memkb > rule->max_memkb)
        return "the minimum is above the maximum";
    return NULL;
}

int range_rule_parse(const char *text, struct range_rule *rule, const char **cause)
{
    GC_SCOPE(gc);
    char *words = gc_strdup(gc, text), *rest = NULL;

    rule->min_memkb = rule->max_memkb = RANGE_ABSENT;
    rule->weight = 0;
    rule->lend = (struct host_lend){.kind = HOST_LEND_DEFAULT};
    for (char *word = strtok_r(words, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
        if (parse_word(word, rule, cause))
            return ERROR_INVAL;
    }
    *cause = fault_of(rule);
    return *cause ? ERROR_INVAL : 0;
}

static const char *size_text(struct gc *gc, uint64_t memkb)
{
    if (memkb && !(memkb % (UINT64_C(1) << 20)))
        return gc_printf(gc, "%" PRIu64 "g", memkb >> 20);
    return memkb % 1024 ? gc_printf(gc, "%" PRIu64 "k", memkb) : gc_printf(gc, "%" PRIu64, memkb / 1024);
}

const char *range_rule_text(struct gc *gc, const struct range_rule *rule)
{
    const char *text = "";

    if (rule->min_memkb != RANGE_ABSENT)
        text = gc_printf(gc, " min=%s", size_text(gc, rule->min_memkb));
    if (rule->max_memkb != RANGE_ABSENT)
        text = gc_printf(gc, "%s max=%s", text, size_text(gc, rule->max_memkb));
    if (rule->weight)
        text = gc_printf(gc, "%s weight=%" PRIu64, text, rule->weight);
    if (rule->lend.kind != HOST_LEND_DEFAULT)
        text = gc_printf(gc, "%s lend=%s", text, lend_text(gc, &rule->lend));
    return text + (*text == ' ');
}

void range_rule_resolve(const struct range_rule *rule, uint64_t static_max_memkb, struct settings *settings)
{
    *settings = (struct settings){
        .min_memkb = rule->min_memkb == RANGE_ABSENT ? xlx_mem_floor_memkb(static_max_memkb) : rule->min_memkb,
        .max_memkb = rule->max_memkb == RANGE_ABSENT ? static_max_memkb : rule->max_memkb,
        .weight = rule->weight ? rule->weight : SETTINGS_WEIGHT,
        .lend = rule->lend,
    };
}

/* ---- a file ---- */

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
        p++;
    return p;
}

/* One word, in quotes or not; NULL: there is none, or its quote does not end. */
static const char *word_at(struct gc *gc, const char **p, const char *end)
{
    const char *start = *p;
    char quote = start < end && (*start == '"' || *start == '\'') ? *start : 0;

    if (quote) {
        const char *last = memchr(start + 1, quote, (size_t)(end - start - 1));

        if (!last)
            return NULL;
        *p = last + 1;
        return gc_strndup(gc, start + 1, (size_t)(last - start - 1));
    }
    while (*p < end && !strchr(" \t\r=#\"';", **p))
        ++*p;
    return *p == start ? NULL : gc_strndup(gc, start, (size_t)(*p - start));
}

/* The entry of a line; *key is NULL when it has none. */
static int parse_line(struct gc *gc, const char *line, const char *end, const char **key, struct range_rule *rule,
                      const char **cause)
{
    const char *p = skip_blanks(line, end), *value;

    *key = NULL;
    if (p == end || *p == '#')
        return 0;
    *key = word_at(gc, &p, end);
    p = skip_blanks(p, end);
    *cause = "an entry is NAME = \"min=SIZE max=SIZE weight=N lend=LEND\"";
    if (!*key || !**key || p == end || *p != '=')
        return ERROR_INVAL;
    p = skip_blanks(p + 1, end);
    if (p == end || (*p != '"' && *p != '\''))
        return ERROR_INVAL;
    value = word_at(gc, &p, end);
    p = skip_blanks(p, end);
    if (p < end && *p == ';')
        p = skip_blanks(p + 1, end);
    if (!value || (p < end && *p != '#'))
        return ERROR_INVAL;
    return range_rule_parse(value, rule, cause);
}

static const char *line_end(const char *line)
{
    const char *end = strchr(line, '\n');

    return end ? end : line + strlen(line);
}

/* As strcmp; UUIDs come last, whatever the case of their letters. */
static int compare_keys(const char *a, const char *b)
{
    bool a_is_uuid = domain_is_uuid(a), b_is_uuid = domain_is_uuid(b);

    if (a_is_uuid != b_is_uuid)
        return a_is_uuid ? 1 : -1;
    return a_is_uuid ? strcasecmp(a, b) : strcmp(a, b);
}

static bool same_key(const char *a, const char *b)
{
    return !compare_keys(a, b);
}

static int by_key_and_line(const void *a, const void *b)
{
    const struct range_rule *r = *(const struct range_rule *const *)a, *s = *(const struct range_rule *const *)b;
    int order = compare_keys(r->key, s->key);

    return order ? order : (r->line > s->line) - (r->line < s->line);
}

/* The first line with a key that stands before it; 0: there is none. */
static unsigned repeating_line(struct gc *gc, const struct range_rule *rules, size_t count)
{
    const struct range_rule **sorted = gc_array(gc, count + 1, sizeof(*sorted));
    unsigned line = 0;

    for (size_t i = 0; i < count; i++)
        sorted[i] = &rules[i];
    qsort(sorted, count, sizeof(*sorted), by_key_and_line);
    for (size_t i = 1; i < count; i++) {
        if (same_key(sorted[i - 1]->key, sorted[i]->key) && (!line || sorted[i]->line < line))
            line = sorted[i]->line;
    }
    return line;
}

int ranges_parse(struct gc *gc, const char *file, const char *text, struct ranges *ranges, unsigned *line,
                 const char **cause)
{
    size_t before = ranges->count;
    unsigned repeating;

    *line = 1;
    for (const char *p = text, *end; *p; p = end + (*end == '\n'), ++*line) {
        struct range_rule rule = {.file = file, .line = *line};

        end = line_end(p);
        if (parse_line(gc, p, end, &rule.key, &rule, cause)) {
            ranges->count = before;
            return ERROR_INVAL;
        }
        if (rule.key)
            GC_PUSH(gc, ranges->rules, ranges->count, ranges->capacity) = rule;
    }
    repeating = ranges->count == before ? 0 : repeating_line(gc, ranges->rules + before, ranges->count - before);
    if (!repeating)
        return 0;
    *line = repeating;
    *cause = "there is an entry for the same domain before";
    ranges->count = before;
    return ERROR_INVAL;
}

const struct range_rule *ranges_find(const struct ranges *ranges, const char *uuid, const char *name)
{
    const char *const keys[] = {uuid, name};

    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; keys[k] && *keys[k] && i < ranges->count; i++) {
            if (same_key(ranges->rules[i].key, keys[k]))
                return &ranges->rules[i];
        }
    }
    return NULL;
}

bool ranges_can_name(const char *key)
{
    for (const char *c = key; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == '\x7f')
            return false;
    }
    return *key && !(strchr(key, '"') && strchr(key, '\''));
}

static const char *key_text(struct gc *gc, const char *key)
{
    if (!key[strcspn(key, " \t=#\"';")])
        return key;
    return gc_printf(gc, strchr(key, '"') ? "'%s'" : "\"%s\"", key);
}

const char *ranges_with(struct gc *gc, const char *text, const char *key, const struct range_rule *rule)
{
    const char *entry = rule ? gc_printf(gc, "%s = \"%s\"\n", key_text(gc, key), range_rule_text(gc, rule)) : "";
    struct text result = {.gc = gc};

    for (const char *p = text, *end; *p; p = end + (*end == '\n')) {
        const char *is, *cause;
        struct range_rule old;

        end = line_end(p);
        if (!parse_line(gc, p, end, &is, &old, &cause) && is && same_key(is, key)) {
            text_add(&result, entry, strlen(entry));
            entry = "";
        } else {
            text_add(&result, p, (size_t)(end - p));
            text_add(&result, "\n", 1);
        }
    }
    text_add(&result, entry, strlen(entry) + 1);
    return result.bytes;
}
