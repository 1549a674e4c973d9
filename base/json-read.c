/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_parse.h>

#include "base/error.h"

/* The strict reader, on yajl. */

struct level {
    struct json *node; /* an array or an object */
    const char *key;   /* the member whose value comes next */
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
    node->key = top->key;
    top->key = NULL;
    json_append(r->gc, top->node, node);
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

static int on_close(void *arg)
{
    struct reader *r = arg;
    struct json *node = r->levels[--r->depth].node;
    const char *duplicate;

    duplicate = node->type == JSON_OBJECT ? json_duplicate(node) : NULL;
    if (duplicate)
        return stop_reading(r, ERROR_INVAL, gc_printf(r->gc, "member '%.64s' stands twice in one object", duplicate));
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
