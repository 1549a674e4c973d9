/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_gen.h>
#include <yajl/yajl_parse.h>

#include "base/error.h"
#include "base/utf8.h"

/* ---- reading ---- */

struct level {
    struct json *node; /* an array or an object */
    size_t capacity;
    const char *key; /* the member whose value comes next */
};

struct reader {
    struct gc *gc;
    struct json *root;
    struct level levels[JSON_DEPTH_MAX];
    unsigned depth;
    const char *cause;
    int rc;
};

static int stop_reading(struct reader *r, int rc, const char *cause)
{
    r->rc = rc;
    r->cause = cause;
    return 0; /* tells yajl to cancel */
}

static struct json *add_node(struct reader *r, enum json_type type)
{
    struct json *node = GC_NEW(r->gc, struct json);
    struct level *top = r->depth ? &r->levels[r->depth - 1] : NULL;

    node->type = type;
    if (!top) {
        r->root = node;
        return node;
    }
    if (top->node->list.count == top->capacity) {
        top->capacity = top->capacity ? top->capacity * 2 : 8;
        top->node->list.items =
            gc_realloc(r->gc, top->node->list.items, top->capacity * sizeof(*top->node->list.items));
    }
    node->key = top->key;
    top->key = NULL;
    top->node->list.items[top->node->list.count++] = node;
    return node;
}

static int on_null(void *arg)
{
    add_node(arg, JSON_NULL);
    return 1;
}

static int on_boolean(void *arg, int value)
{
    add_node(arg, JSON_BOOL)->boolean = value;
    return 1;
}

static int on_number(void *arg, const char *text, size_t len)
{
    struct reader *r = arg;
    char *copy = gc_strndup(r->gc, text, len), *end;
    struct json *node;

    if (!strpbrk(copy, ".eE")) {
        long long value;

        errno = 0;
        value = strtoll(copy, &end, 10);
        if (!errno && !*end) {
            add_node(r, JSON_INTEGER)->integer = value;
            return 1;
        }
    }
    node = add_node(r, JSON_NUMBER);
    node->number = strtod(copy, &end);
    if (!isfinite(node->number))
        return stop_reading(r, ERROR_INVAL, "a number is too large");
    return *end ? stop_reading(r, ERROR_INVAL, "a number is malformed") : 1;
}

static int on_string(void *arg, const unsigned char *text, size_t len)
{
    struct reader *r = arg;
    struct json *node = add_node(r, JSON_STRING);
    char *copy = gc_alloc(r->gc, len + 1);

    memcpy(copy, text, len);
    node->string.text = copy;
    node->string.len = len;
    return 1;
}

static int open_level(struct reader *r, enum json_type type)
{
    struct json *node;

    if (r->depth == JSON_DEPTH_MAX)
        return stop_reading(r, ERROR_BUFFERFULL, "nested too deeply");
    node = add_node(r, type);
    r->levels[r->depth++] = (struct level){.node = node};
    return 1;
}

static int on_object(void *arg)
{
    return open_level(arg, JSON_OBJECT);
}

static int on_array(void *arg)
{
    return open_level(arg, JSON_ARRAY);
}

static int on_key(void *arg, const unsigned char *text, size_t len)
{
    struct reader *r = arg;

    if (memchr(text, 0, len))
        return stop_reading(r, ERROR_INVAL, "a member name holds a NUL character");
    r->levels[r->depth - 1].key = gc_strndup(r->gc, (const char *)text, len);
    return 1;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp((*(struct json *const *)a)->key, (*(struct json *const *)b)->key);
}

static int on_close(void *arg)
{
    struct reader *r = arg;
    struct json *node = r->levels[--r->depth].node;

    /* A name twice: found by sorting a copy, since a pairwise search would let a hostile object cost its square. */
    if (node->type == JSON_OBJECT && node->list.count > 1) {
        GC_SCOPE(scratch);
        size_t n = node->list.count;
        struct json **sorted = gc_array(scratch, n, sizeof(*sorted));

        memcpy(sorted, node->list.items, n * sizeof(*sorted));
        qsort(sorted, n, sizeof(*sorted), compare_keys);
        for (size_t i = 1; i < n; i++) {
            if (!strcmp(sorted[i]->key, sorted[i - 1]->key))
                return stop_reading(r, ERROR_INVAL,
                                    gc_printf(r->gc, "member '%.64s' stands twice in one object", sorted[i]->key));
        }
    }
    return 1;
}

static const yajl_callbacks reader_callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_close,
    .yajl_start_array = on_array,
    .yajl_end_array = on_close,
};

/* yajl's own sentence: its first line, without "parse error: ". */
static const char *reader_syntax_error(struct gc *gc, yajl_handle h)
{
    unsigned char *text = yajl_get_error(h, 0, NULL, 0);
    const char *s = (const char *)text;
    char *copy;

    if (!strncmp(s, "parse error: ", 13))
        s += 13;
    else if (!strncmp(s, "lexical error: ", 15))
        s += 15;
    copy = gc_strndup(gc, s, strcspn(s, "\n"));
    yajl_free_error(h, text);
    return copy;
}

int json_parse(struct gc *gc, const char *text, size_t len, struct json **root, const char **cause)
{
    struct reader *r = GC_NEW(gc, struct reader);
    yajl_handle h = yajl_alloc(&reader_callbacks, NULL, r);
    yajl_status status;
    size_t used;

    r->gc = gc;
    if (!h)
        abort();
    status = yajl_parse(h, (const unsigned char *)text, len);
    used = yajl_get_bytes_consumed(h);
    if (status == yajl_status_ok)
        status = yajl_complete_parse(h);
    if (status == yajl_status_error) {
        r->rc = ERROR_INVAL;
        r->cause = gc_printf(gc, "%s near byte %zu", reader_syntax_error(gc, h), used);
    } else if (status == yajl_status_ok && !r->root) {
        r->rc = ERROR_INVAL;
        r->cause = "there is no value";
    }
    yajl_free(h);
    if (r->rc) {
        if (cause)
            *cause = r->cause;
        return r->rc;
    }
    *root = r->root;
    return 0;
}

const struct json *json_member(const struct json *node, const char *key)
{
    if (!node || node->type != JSON_OBJECT)
        return NULL;
    for (size_t i = 0; i < node->list.count; i++) {
        if (!strcmp(node->list.items[i]->key, key))
            return node->list.items[i];
    }
    return NULL;
}

bool json_member_string(const struct json *node, const char *key, const char **value)
{
    const struct json *m = json_member(node, key);

    if (!m || m->type != JSON_STRING || strlen(m->string.text) != m->string.len)
        return false;
    *value = m->string.text;
    return true;
}

bool json_member_integer(const struct json *node, const char *key, int64_t *value)
{
    const struct json *m = json_member(node, key);

    if (!m || m->type != JSON_INTEGER)
        return false;
    *value = m->integer;
    return true;
}

bool json_member_u64(const struct json *node, const char *key, uint64_t *value)
{
    int64_t v;

    if (!json_member_integer(node, key, &v) || v < 0)
        return false;
    *value = (uint64_t)v;
    return true;
}

bool json_member_bool(const struct json *node, const char *key, bool *value)
{
    const struct json *m = json_member(node, key);

    if (!m || m->type != JSON_BOOL)
        return false;
    *value = m->boolean;
    return true;
}

/* ---- writing ---- */

struct json_writer {
    struct gc *gc;
    char *buffer;
    size_t len, capacity;
    yajl_gen gen;
    bool pretty;
    unsigned depth;
};

/* yajl hands out text piece by piece; it is kept in the pool, so that a writer needs no end call of its own. */
static void writer_append(void *arg, const char *text, size_t len)
{
    struct json_writer *w = arg;

    if (w->capacity - w->len < len + 1) {
        while (w->capacity - w->len < len + 1)
            w->capacity = w->capacity ? w->capacity * 2 : 256;
        w->buffer = gc_realloc(w->gc, w->buffer, w->capacity);
    }
    memcpy(w->buffer + w->len, text, len);
    w->len += len;
    w->buffer[w->len] = '\0';
}

static void *pool_malloc(void *ctx, size_t size)
{
    return gc_alloc(ctx, size);
}

static void *pool_realloc(void *ctx, void *p, size_t size)
{
    return gc_realloc(ctx, p, size);
}

static void pool_free(void *ctx, void *p)
{
    gc_release(ctx, p);
}

struct json_writer *json_writer_new(struct gc *gc, bool pretty)
{
    struct json_writer *w = GC_NEW(gc, struct json_writer);
    yajl_alloc_funcs pool = {pool_malloc, pool_realloc, pool_free, gc};

    w->gc = gc;
    w->pretty = pretty;
    w->gen = yajl_gen_alloc(&pool);
    if (!w->gen)
        abort();
    yajl_gen_config(w->gen, yajl_gen_beautify, (int)pretty);
    yajl_gen_config(w->gen, yajl_gen_indent_string, "    ");
    yajl_gen_config(w->gen, yajl_gen_print_callback, writer_append, w);
    return w;
}

/* Wrong use of a writer is a fault of the program, not of the input. */
static void must(yajl_gen_status status)
{
    if (status != yajl_gen_status_ok && status != yajl_gen_generation_complete) {
        fprintf(stderr, "xl-ext: JSON written out of order (%d)\n", (int)status);
        abort();
    }
}

void json_object_begin(struct json_writer *w)
{
    must(yajl_gen_map_open(w->gen));
}

void json_object_end(struct json_writer *w)
{
    must(yajl_gen_map_close(w->gen));
}

void json_array_begin(struct json_writer *w)
{
    must(yajl_gen_array_open(w->gen));
}

void json_array_end(struct json_writer *w)
{
    must(yajl_gen_array_close(w->gen));
}

void json_key(struct json_writer *w, const char *key)
{
    json_string(w, key);
}

void json_string(struct json_writer *w, const char *text)
{
    json_string_len(w, text, strlen(text));
}

void json_string_len(struct json_writer *w, const char *text, size_t len)
{
    static const unsigned char replacement[] = {0xef, 0xbf, 0xbd}; /* U+FFFD */
    const unsigned char *s = (const unsigned char *)text;
    char *clean;
    size_t n, out = 0, i = 0;

    while (i < len && (n = utf8_sequence(s + i, len - i)))
        i += n;
    if (i == len) {
        must(yajl_gen_string(w->gen, s, len));
        return;
    }
    clean = gc_array(w->gc, len, sizeof(replacement));
    for (i = 0; i < len;) {
        n = utf8_sequence(s + i, len - i);
        if (n) {
            memcpy(clean + out, s + i, n);
            i += n;
            out += n;
        } else {
            memcpy(clean + out, replacement, sizeof(replacement));
            i++;
            out += sizeof(replacement);
        }
    }
    must(yajl_gen_string(w->gen, (unsigned char *)clean, out));
    gc_release(w->gc, clean);
}

void json_integer(struct json_writer *w, int64_t value)
{
    must(yajl_gen_integer(w->gen, value));
}

void json_u64(struct json_writer *w, uint64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%" PRIu64, value);

    must(yajl_gen_number(w->gen, text, (size_t)n));
}

void json_double(struct json_writer *w, double value)
{
    char text[40];
    int n;

    if (!isfinite(value)) {
        json_null(w);
        return;
    }
    /* No -0: it would come back as the integer 0. */
    n = snprintf(text, sizeof(text), "%.17g", value == 0 ? 0.0 : value);
    must(yajl_gen_number(w->gen, text, (size_t)n));
}

void json_bool(struct json_writer *w, bool value)
{
    must(yajl_gen_bool(w->gen, value));
}

void json_null(struct json_writer *w)
{
    must(yajl_gen_null(w->gen));
}

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
    case JSON_NUMBER:
        json_double(w, node->number);
        break;
    case JSON_STRING:
        json_string_len(w, node->string.text, node->string.len);
        break;
    case JSON_ARRAY:
        json_array_begin(w);
        for (size_t i = 0; i < node->list.count; i++)
            json_tree(w, node->list.items[i]);
        json_array_end(w);
        break;
    case JSON_OBJECT:
        json_object_begin(w);
        for (size_t i = 0; i < node->list.count; i++) {
            json_key(w, node->list.items[i]->key);
            json_tree(w, node->list.items[i]);
        }
        json_object_end(w);
        break;
    }
}

const char *json_text(struct json_writer *w, size_t *len)
{
    if (len)
        *len = w->len;
    return w->buffer ? w->buffer : "";
}
