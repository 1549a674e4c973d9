/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/parser.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* QEMU cuts the sentence here. */
#define SENTENCE_MAX 1024

struct parser {
    struct gc *gc;
    const char *texts;
    const struct stream_token *tokens, *end; /* what is left */
    const char *error;
};

static struct json *parse_value(struct parser *p);

/* Returns NULL. The first error is the one that is told. */
static void *fail(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void *fail(struct parser *p, const char *format, ...)
{
    char sentence[SENTENCE_MAX];
    va_list args;

    if (p->error)
        return NULL;
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    p->error = gc_printf(p->gc, "JSON parse error, %s", sentence);
    return NULL;
}

static const struct stream_token *next(struct parser *p)
{
    return p->tokens < p->end ? p->tokens++ : fail(p, "premature EOI");
}

static const char *text_of(const struct parser *p, const struct stream_token *t)
{
    return p->texts + t->start;
}

/* ---- strings ---- */

static int hex4(const char *s, const char *end)
{
    int value = 0;

    for (unsigned i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *d = s + i < end && s[i] ? strchr(digits, s[i]) : NULL;

        if (!d)
            return -1;
        value = value << 4 | (int)((d - digits) & 15);
    }
    return value;
}

/* s stands behind "\u". Returns the code point or -1; *used: how many bytes the escape has from there. */
static int unicode_escape(const char *s, const char *end, size_t *used)
{
    int c = hex4(s, end), low;

    *used = 4;
    if (c < 0xd800 || c > 0xdbff || end - s < 6 || s[4] != '\\' || s[5] != 'u')
        return c;
    low = hex4(s + 6, end);
    if (low < 0xdc00 || low > 0xdfff)
        return -1;
    *used = 10;
    return 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
}

/* s stands at the backslash; out gets what it means. Returns how many bytes were read, 0 after an error. */
static size_t escape(struct parser *p, const char *s, const char *end, char **out)
{
    static const char letters[] = "\"'\\/bfnrt", meanings[] = "\"'\\/\b\f\n\r\t";
    const char *letter = s[1] ? strchr(letters, s[1]) : NULL;
    size_t used, len;

    if (letter) {
        *(*out)++ = meanings[letter - letters];
        return 2;
    }
    if (s[1] != 'u') {
        fail(p, "invalid escape sequence in string");
        return 0;
    }
    len = utf8_encode(*out, unicode_escape(s + 2, end, &used));
    if (!len) {
        fail(p, "%.*s is not a valid Unicode character", (int)(used + 2), s);
        return 0;
    }
    *out += len;
    return used + 2;
}

static struct json *parse_string(struct parser *p, const struct stream_token *t)
{
    const char *s = text_of(p, t) + 1, *end = text_of(p, t) + t->len - 1;
    /* No character becomes longer: an escape has at least two bytes for one, six for up to three. */
    char *text = gc_alloc(p->gc, t->len + 4), *out = text;
    struct json *value;

    while (s < end) {
        size_t used;

        if (*s == '\\') {
            /* The closing quote may be shown in the sentence. */
            used = escape(p, s, end + 1, &out);
            if (!used)
                return NULL;
        } else {
            if (utf8_decode(s, (size_t)(end - s), &used) < 0)
                return fail(p, "invalid UTF-8 sequence in string");
            memcpy(out, s, used);
            out += used;
        }
        s += used;
    }
    value = GC_NEW(p->gc, struct json);
    value->type = JSON_STRING;
    value->string.text = text;
    value->string.len = (size_t)(out - text);
    return value;
}

/* ---- numbers and words ---- */

static struct json *parse_number(struct parser *p, const struct stream_token *t)
{
    const char *text = text_of(p, t);

    if (t->type == LEXER_INTEGER) {
        long long i;

        errno = 0;
        i = strtoll(text, NULL, 10);
        if (!errno)
            return json_new_integer(p->gc, i);
        if (*text != '-') {
            unsigned long long u;

            errno = 0;
            u = strtoull(text, NULL, 10);
            if (!errno)
                return json_new_u64(p->gc, u);
        }
    }
    return json_new_double(p->gc, strtod(text, NULL));
}

static struct json *parse_keyword(struct parser *p, const struct stream_token *t)
{
    const char *text = text_of(p, t);

    if (!strcmp(text, "true") || !strcmp(text, "false"))
        return json_new_bool(p->gc, *text == 't');
    if (!strcmp(text, "null"))
        return json_new_null(p->gc);
    return fail(p, "invalid keyword '%s'", text);
}

/* ---- containers ---- */

static bool parse_pair(struct parser *p, struct json *dict)
{
    struct json *key = parse_value(p), *value;
    const struct stream_token *t;

    if (!key || key->type != JSON_STRING)
        return fail(p, "key is not a string in object");
    t = next(p);
    if (!t)
        return false;
    if (t->type != LEXER_COLON)
        return fail(p, "missing : in object pair");
    value = parse_value(p);
    if (!value)
        return false;
    value->key = key->string.text;
    json_append(p->gc, dict, value);
    return true;
}

static bool parse_item(struct parser *p, struct json *list)
{
    struct json *value = parse_value(p);

    if (value)
        json_append(p->gc, list, value);
    return value;
}

/* Behind the opening bracket; NULL after an error. */
static struct json *parse_members(struct parser *p, struct json *into, enum lexer_token closing)
{
    const struct stream_token *t;

    if (p->tokens < p->end && p->tokens->type == closing) {
        p->tokens++;
        return into;
    }
    do {
        if (!(closing == LEXER_RIGHT_CURLY ? parse_pair(p, into) : parse_item(p, into)))
            return NULL;
        t = next(p);
        if (!t)
            return NULL;
    } while (t->type == LEXER_COMMA);
    if (t->type != closing)
        return fail(p, "expected separator in %s", closing == LEXER_RIGHT_CURLY ? "dict" : "list");
    return into;
}

/* A key that stands twice came before whatever else is wrong behind it, or in what is nested there: it is what is told,
 * as if it had been looked for with each member. */
static struct json *parse_object(struct parser *p)
{
    struct json *object = json_new_object(p->gc), *whole = parse_members(p, object, LEXER_RIGHT_CURLY);

    if (!json_duplicate(object))
        return whole;
    p->error = NULL;
    return fail(p, "duplicate key");
}

static struct json *parse_value(struct parser *p)
{
    const struct stream_token *t = next(p);

    if (!t)
        return NULL;
    switch (t->type) {
    case LEXER_LEFT_CURLY:
        return parse_object(p);
    case LEXER_LEFT_SQUARE:
        return parse_members(p, json_new_array(p->gc), LEXER_RIGHT_SQUARE);
    case LEXER_STRING:
        return parse_string(p, t);
    case LEXER_INTEGER:
    case LEXER_FLOAT:
        return parse_number(p, t);
    case LEXER_KEYWORD:
        return parse_keyword(p, t);
    default:
        return fail(p, "expecting value");
    }
}

struct json *parser_parse(struct gc *gc, const char *texts, const struct stream_token *tokens, size_t count,
                          const char **error)
{
    struct parser p = {.gc = gc, .texts = texts, .tokens = tokens, .end = tokens + count};
    struct json *value = parse_value(&p);

    *error = p.error;
    return p.error ? NULL : value;
}
