/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

#define INDENT "    "
#define REPLACEMENT 0xfffd /* U+FFFD */

struct writer {
    struct text *text;
    enum json_style style;
    size_t depth;
};

static void add(struct writer *w, const char *s)
{
    text_add(w->text, s, strlen(s));
}

/* ---- strings ---- */

/* What must be escaped in every style; false: nothing has been written. */
static bool add_escaped(struct writer *w, int c)
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
static void add_ascii(struct writer *w, int c)
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
static size_t add_character(struct writer *w, const char *s, size_t len)
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
        text_add(w->text, s, used);
    return used ? used : 1;
}

/* How many bytes at s stand for themselves in every style: most texts as a whole. */
static size_t plain_length(const char *s, size_t len)
{
    size_t n = 0;

    while (n < len && s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
        n++;
    return n;
}

static void add_quoted(struct writer *w, const char *s, size_t len)
{
    size_t used;

    add(w, "\"");
    for (; len; s += used, len -= used) {
        used = plain_length(s, len);
        if (used)
            text_add(w->text, s, used);
        else
            used = add_character(w, s, len);
    }
    add(w, "\"");
}

/* ---- values ---- */

static void add_number(struct writer *w, double value)
{
    char text[40];

    if (w->style != JSON_QMP && !isfinite(value)) {
        add(w, "null");
        return;
    }
    /* No -0: it would come back as the integer 0. QEMU does not mind. */
    if (w->style != JSON_QMP && value == 0)
        value = 0;
    snprintf(text, sizeof(text), "%.17g", value);
    add(w, text);
}

static void line_break(struct writer *w)
{
    if (w->style != JSON_PRETTY)
        return;
    add(w, "\n");
    for (size_t i = 0; i < w->depth; i++)
        add(w, INDENT);
}

static void add_value(struct writer *w, const struct json *value);

static void add_list(struct writer *w, const struct json *list)
{
    bool is_object = list->type == JSON_OBJECT;

    add(w, is_object ? "{" : "[");
    w->depth++;
    for (size_t i = 0; i < list->list.count; i++) {
        const struct json *item = list->list.items[i];

        if (i)
            add(w, w->style == JSON_QMP ? ", " : ",");
        line_break(w);
        if (is_object) {
            add_quoted(w, item->key, strlen(item->key));
            add(w, w->style == JSON_COMPACT ? ":" : ": ");
        }
        add_value(w, item);
    }
    w->depth--;
    /* An empty one has an empty line within. */
    if (!list->list.count && w->style == JSON_PRETTY)
        add(w, "\n");
    line_break(w);
    add(w, is_object ? "}" : "]");
}

static void add_value(struct writer *w, const struct json *value)
{
    char text[24];

    switch (value->type) {
    case JSON_NULL:
        add(w, "null");
        break;
    case JSON_BOOL:
        add(w, value->boolean ? "true" : "false");
        break;
    case JSON_INTEGER:
        snprintf(text, sizeof(text), "%" PRId64, value->integer);
        add(w, text);
        break;
    case JSON_UNSIGNED:
        snprintf(text, sizeof(text), "%" PRIu64, value->uinteger);
        add(w, text);
        break;
    case JSON_NUMBER:
        add_number(w, value->number);
        break;
    case JSON_STRING:
        add_quoted(w, value->string.text, value->string.len);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        add_list(w, value);
        break;
    }
}

void json_write(struct text *text, const struct json *value, enum json_style style)
{
    struct writer w = {.text = text, .style = style};

    add_value(&w, value);
    if (style == JSON_PRETTY)
        add(&w, "\n");
}

char *json_text(struct gc *gc, const struct json *value, enum json_style style)
{
    struct text text = {.gc = gc};

    json_write(&text, value, style);
    text_add(&text, "", 1);
    return text.bytes;
}
