/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

/* ---- making ---- */

static struct json *value_new(struct gc *gc, enum json_type type)
{
    struct json *v = GC_NEW(gc, struct json);

    v->type = type;
    return v;
}

struct json *json_new_null(struct gc *gc)
{
    return value_new(gc, JSON_NULL);
}

struct json *json_new_bool(struct gc *gc, bool value)
{
    struct json *v = value_new(gc, JSON_BOOL);

    v->boolean = value;
    return v;
}

struct json *json_new_integer(struct gc *gc, int64_t value)
{
    struct json *v = value_new(gc, JSON_INTEGER);

    v->integer = value;
    return v;
}

struct json *json_new_u64(struct gc *gc, uint64_t value)
{
    struct json *v = value_new(gc, value > INT64_MAX ? JSON_UNSIGNED : JSON_INTEGER);

    v->uinteger = value;
    return v;
}

struct json *json_new_double(struct gc *gc, double value)
{
    struct json *v = value_new(gc, JSON_NUMBER);

    v->number = value;
    return v;
}

struct json *json_new_string(struct gc *gc, const char *text)
{
    struct json *v = value_new(gc, text ? JSON_STRING : JSON_NULL);

    if (text) {
        v->string.text = gc_strdup(gc, text);
        v->string.len = strlen(text);
    }
    return v;
}

struct json *json_new_array(struct gc *gc)
{
    return value_new(gc, JSON_ARRAY);
}

struct json *json_new_object(struct gc *gc)
{
    return value_new(gc, JSON_OBJECT);
}

struct json *json_copy(struct gc *gc, const struct json *value)
{
    struct json *v = GC_NEW(gc, struct json);

    *v = *value;
    return v;
}

void json_append(struct gc *gc, struct json *array, struct json *value)
{
    GC_PUSH(gc, array->list.items, array->list.count, array->list.capacity) = value;
}

void json_set(struct gc *gc, struct json *object, const char *key, struct json *value)
{
    value->key = gc_strdup(gc, key);
    json_append(gc, object, value);
}

void json_set_string(struct gc *gc, struct json *object, const char *key, const char *text)
{
    json_set(gc, object, key, json_new_string(gc, text));
}

void json_set_integer(struct gc *gc, struct json *object, const char *key, int64_t value)
{
    json_set(gc, object, key, json_new_integer(gc, value));
}

void json_set_u64(struct gc *gc, struct json *object, const char *key, uint64_t value)
{
    json_set(gc, object, key, json_new_u64(gc, value));
}

void json_set_bool(struct gc *gc, struct json *object, const char *key, bool value)
{
    json_set(gc, object, key, json_new_bool(gc, value));
}

/* ---- reading ---- */

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

/* The member when it is of this type, else NULL. */
static const struct json *member_of_type(const struct json *node, const char *key, enum json_type type)
{
    const struct json *m = json_member(node, key);

    return m && m->type == type ? m : NULL;
}

bool json_member_string(const struct json *node, const char *key, const char **value)
{
    const struct json *m = member_of_type(node, key, JSON_STRING);

    if (!m || strlen(m->string.text) != m->string.len)
        return false;
    *value = m->string.text;
    return true;
}

bool json_member_integer(const struct json *node, const char *key, int64_t *value)
{
    const struct json *m = member_of_type(node, key, JSON_INTEGER);

    if (!m)
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
    const struct json *m = member_of_type(node, key, JSON_BOOL);

    if (!m)
        return false;
    *value = m->boolean;
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp((*(struct json *const *)a)->key, (*(struct json *const *)b)->key);
}

/* By sorting a copy, since a pairwise search would let a hostile object cost its square. */
const char *json_duplicate(const struct json *object)
{
    struct json *few[16], **sorted = few;
    size_t count = object->list.count;
    const char *found = NULL;

    if (count < 2)
        return NULL;
    if (count > sizeof(few) / sizeof(*few)) {
        sorted = reallocarray(NULL, count, sizeof(*sorted));
        if (!sorted)
            abort();
    }
    memcpy(sorted, object->list.items, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare_keys);
    for (size_t i = 1; i < count && !found; i++) {
        if (!strcmp(sorted[i]->key, sorted[i - 1]->key))
            found = sorted[i]->key;
    }
    if (sorted != few)
        free(sorted);
    return found;
}
