/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/xen/ranges.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "balance/policy/lend.h"
#include "base/error.h"
#include "base/parse.h"
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

int range_rule_of_config(struct xlx_ctx *ctx, const struct config *config, const char *name, bool *found,
                         struct range_rule *rule)
{
    int rc;

    *rule = (struct range_rule){.file = name};
    rc = config_size_kb(config, "dynamic_memory_min", RANGE_ABSENT, &rule->min_memkb);
    if (!rc)
        rc = config_size_kb(config, "dynamic_memory_max", RANGE_ABSENT, &rule->max_memkb);
    if (!rc)
        rc = config_u64(config, "memory_weight", 0, SETTINGS_WEIGHT_MAX, &rule->weight);
    if (rc)
        return rc;
    if (!rule->weight && config_has(config, "memory_weight")) {
        LOG(ctx, ERROR, "%s: memory_weight='0': weight 0 is not within 1 to %d", name, SETTINGS_WEIGHT_MAX);
        return ERROR_INVAL;
    }
    *found = rule->min_memkb != RANGE_ABSENT || rule->max_memkb != RANGE_ABSENT;
    if (!*found && rule->weight)
        LOG(ctx, WARN, "%s: memory_weight counts only with dynamic_memory_min or dynamic_memory_max", name);
    return 0;
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

static bool same_key(const char *a, const char *b)
{
    return domain_is_uuid(a) && domain_is_uuid(b) ? !strcasecmp(a, b) : !strcmp(a, b);
}

int ranges_parse(struct gc *gc, const char *file, const char *text, struct ranges *ranges, unsigned *line,
                 const char **cause)
{
    size_t before = ranges->count;

    *line = 1;
    for (const char *p = text, *end; *p; p = end + (*end == '\n'), ++*line) {
        struct range_rule rule = {.file = file, .line = *line};

        end = line_end(p);
        if (parse_line(gc, p, end, &rule.key, &rule, cause)) {
            ranges->count = before;
            return ERROR_INVAL;
        }
        for (size_t i = before; rule.key && i < ranges->count; i++) {
            if (!same_key(ranges->rules[i].key, rule.key))
                continue;
            *cause = "there is an entry for the same domain before";
            ranges->count = before;
            return ERROR_INVAL;
        }
        if (rule.key)
            GC_PUSH(gc, ranges->rules, ranges->count, ranges->capacity) = rule;
    }
    return 0;
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

static const char *key_text(struct gc *gc, const char *key)
{
    if (!key[strcspn(key, " \t=#\"';")])
        return key;
    return gc_printf(gc, strchr(key, '"') ? "'%s'" : "\"%s\"", key);
}

const char *ranges_with(struct gc *gc, const char *text, const char *key, const struct range_rule *rule)
{
    const char *entry = rule ? gc_printf(gc, "%s = \"%s\"\n", key_text(gc, key), range_rule_text(gc, rule)) : "",
               *result = "";

    for (const char *p = text, *end; *p; p = end + (*end == '\n')) {
        const char *is, *cause;
        struct range_rule old;

        end = line_end(p);
        if (!parse_line(gc, p, end, &is, &old, &cause) && is && same_key(is, key)) {
            result = gc_printf(gc, "%s%s", result, entry);
            entry = "";
        } else {
            result = gc_printf(gc, "%s%.*s\n", result, (int)(end - p), p);
        }
    }
    return gc_printf(gc, "%s%s", result, entry);
}
