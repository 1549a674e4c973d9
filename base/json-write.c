/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

/* Deeper than any reader goes, with room for what a value is put into. */
#define LEVELS_MAX 1100
#define INDENT "    "
#define REPLACEMENT 0xfffd /* U+FFFD */

struct json_writer {
    struct text text;
    enum json_style style;
    size_t depth;
    bool has_key; /* a member's name stands there, its value comes next */
    struct level {
        bool is_object, has_items;
    } levels[LEVELS_MAX]; /* the value itself, then what is open */
};

/* Wrong use of a writer is a fault of the program, not of the input. */
static void must(bool condition)
{
    if (!condition) {
        fputs("xl-ext: JSON written out of order\n", stderr);
        abort();
    }
}

static void add(struct json_writer *w, const char *s)
{
    text_add(&w->text, s, strlen(s));
}

/* ---- what stands between values ---- */

static void line_break(struct json_writer *w)
{
    add(w, "\n");
    for (size_t i = 0; i < w->depth; i++)
        add(w, INDENT);
}

static void separate(struct json_writer *w, struct level *level)
{
    if (level->has_items)
        add(w, w->style == JSON_QMP ? ", " : ",");
    if (w->style == JSON_PRETTY && w->depth)
        line_break(w);
    level->has_items = true;
}

static void value_begins(struct json_writer *w)
{
    struct level *level = &w->levels[w->depth];

    if (level->is_object) {
        must(w->has_key);
        w->has_key = false;
    } else {
        must(w->depth || !level->has_items);
        separate(w, level);
    }
}

static void value_ended(struct json_writer *w)
{
    if (!w->depth && w->style == JSON_PRETTY)
        add(w, "\n");
}

static void atom(struct json_writer *w, const char *text)
{
    value_begins(w);
    add(w, text);
    value_ended(w);
}

static void begin(struct json_writer *w, bool is_object)
{
    value_begins(w);
    must(w->depth + 1 < LEVELS_MAX);
    w->levels[++w->depth] = (struct level){.is_object = is_object};
    add(w, is_object ? "{" : "[");
}

static void end(struct json_writer *w, bool is_object)
{
    struct level *level = &w->levels[w->depth];

    must(w->depth && level->is_object == is_object && !w->has_key);
    w->depth--;
    if (w->style == JSON_PRETTY) {
        /* An empty one has an empty line within. */
        if (!level->has_items)
            add(w, "\n");
        line_break(w);
    }
    add(w, is_object ? "}" : "]");
    value_ended(w);
}

/* ---- strings ---- */

/* What must be escaped in every style; false: nothing has been written. */
static bool add_escaped(struct json_writer *w, int c)
{
    static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *e = c > 0 && c < 0x80 ? strchr(escaped, c) : NULL;
    char buffer[8];

    if (!e && (c < 0 || c >= 0x20))
        return false;
    if (e)
        snprintf(buffer, sizeof(buffer), "\\%c", letters[e - escaped]);
    else
        snprintf(buffer, sizeof(buffer), "\\u%04X", (unsigned)c);
    add(w, buffer);
    return true;
}

/* A code point in ASCII. */
static void add_ascii(struct json_writer *w, int c)
{
    char buffer[16];

    if (add_escaped(w, c))
        return;
    if (c > 0xffff)
        snprintf(buffer, sizeof(buffer), "\\u%04X\\u%04X", 0xd800 + ((unsigned)(c - 0x10000) >> 10),
                 0xdc00 + ((unsigned)(c - 0x10000) & 0x3ff));
    else if (c >= 0x7f)
        snprintf(buffer, sizeof(buffer), "\\u%04X", (unsigned)c);
    else
        snprintf(buffer, sizeof(buffer), "%c", c);
    add(w, buffer);
}

/* One character at s; returns how many bytes it has. */
static size_t add_character(struct json_writer *w, const char *s, size_t len)
{
    size_t used;
    int c;

    if (w->style == JSON_QMP) {
        c = utf8_decode(s, len, &used);
        add_ascii(w, c < 0 ? REPLACEMENT : c);
        return used;
    }
    used = utf8_sequence((const unsigned char *)s, len);
    if (!used)
        add(w, "\xef\xbf\xbd");
    else if (used > 1 || !add_escaped(w, *s))
        text_add(&w->text, s, used);
    return used ? used : 1;
}

static void add_quoted(struct json_writer *w, const char *s, size_t len)
{
    size_t used;

    add(w, "\"");
    for (; len; s += used, len -= used)
        used = add_character(w, s, len);
    add(w, "\"");
}

/* ---- piece by piece ---- */

struct json_writer *json_writer_new(struct gc *gc, bool pretty)
{
    struct json_writer *w = GC_NEW(gc, struct json_writer);

    w->text.gc = gc;
    w->style = pretty ? JSON_PRETTY : JSON_COMPACT;
    return w;
}

void json_object_begin(struct json_writer *w)
{
    begin(w, true);
}

void json_object_end(struct json_writer *w)
{
    end(w, true);
}

void json_array_begin(struct json_writer *w)
{
    begin(w, false);
}

void json_array_end(struct json_writer *w)
{
    end(w, false);
}

void json_key(struct json_writer *w, const char *key)
{
    struct level *level = &w->levels[w->depth];

    must(level->is_object && !w->has_key);
    separate(w, level);
    add_quoted(w, key, strlen(key));
    add(w, w->style == JSON_COMPACT ? ":" : ": ");
    w->has_key = true;
}

void json_string(struct json_writer *w, const char *text)
{
    json_string_len(w, text, strlen(text));
}

void json_string_len(struct json_writer *w, const char *text, size_t len)
{
    value_begins(w);
    add_quoted(w, text, len);
    value_ended(w);
}

void json_integer(struct json_writer *w, int64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, value);
    atom(w, text);
}

void json_u64(struct json_writer *w, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    atom(w, text);
}

void json_double(struct json_writer *w, double value)
{
    char text[40];

    if (w->style != JSON_QMP && !isfinite(value)) {
        json_null(w);
        return;
    }
    /* No -0: it would come back as the integer 0. QEMU does not mind. */
    if (w->style != JSON_QMP && value == 0)
        value = 0;
    snprintf(text, sizeof(text), "%.17g", value);
    atom(w, text);
}

void json_bool(struct json_writer *w, bool value)
{
    atom(w, value ? "true" : "false");
}

void json_null(struct json_writer *w)
{
    atom(w, "null");
}

void json_put_string(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, key);
    if (text)
        json_string(w, text);
    else
        json_null(w);
}

void json_put_integer(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, key);
    json_integer(w, value);
}

void json_put_u64(struct json_writer *w, const char *key, uint64_t value)
{
    json_key(w, key);
    json_u64(w, value);
}

void json_put_bool(struct json_writer *w, const char *key, bool value)
{
    json_key(w, key);
    json_bool(w, value);
}

const char *json_text(struct json_writer *w, size_t *len)
{
    if (len)
        *len = w->text.len;
    /* The byte behind the text is not part of it. */
    text_add(&w->text, "", 1);
    w->text.len--;
    return w->text.bytes;
}

/* ---- a tree ---- */

void json_tree(struct json_writer *w, const struct json *node)
{
    switch (node->type) {
    case JSON_NULL:
        json_null(w);
        break;
    case JSON_BOOL:
        json_bool(w, node->boolean);
        break;
    case JSON_INTEGER:
        json_integer(w, node->integer);
        break;
    case JSON_UNSIGNED:
        json_u64(w, node->uinteger);
        break;
    case JSON_NUMBER:
        json_double(w, node->number);
        break;
    case JSON_STRING:
        json_string_len(w, node->string.text, node->string.len);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        begin(w, node->type == JSON_OBJECT);
        for (size_t i = 0; i < node->list.count; i++) {
            if (node->type == JSON_OBJECT)
                json_key(w, node->list.items[i]->key);
            json_tree(w, node->list.items[i]);
        }
        end(w, node->type == JSON_OBJECT);
        break;
    }
}

void json_write(struct text *text, const struct json *value, enum json_style style)
{
    struct json_writer w = {.text = *text, .style = style};

    json_tree(&w, value);
    *text = w.text;
}
