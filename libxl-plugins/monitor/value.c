/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "monitor/value.h"

static struct qmp_value *value_new(struct gc *gc, enum qmp_type type)
{
    struct qmp_value *v = GC_NEW(gc, struct qmp_value);

    v->type = type;
    return v;
}

struct qmp_value *qmp_null(struct gc *gc)
{
    return value_new(gc, QMP_NULL);
}

struct qmp_value *qmp_bool(struct gc *gc, bool value)
{
    struct qmp_value *v = value_new(gc, QMP_BOOL);

    v->boolean = value;
    return v;
}

struct qmp_value *qmp_int(struct gc *gc, int64_t value)
{
    struct qmp_value *v = value_new(gc, QMP_INT);

    v->integer = value;
    return v;
}

struct qmp_value *qmp_uint(struct gc *gc, uint64_t value)
{
    struct qmp_value *v = value_new(gc, QMP_UINT);

    v->uinteger = value;
    return v;
}

struct qmp_value *qmp_double(struct gc *gc, double value)
{
    struct qmp_value *v = value_new(gc, QMP_DOUBLE);

    v->number = value;
    return v;
}

struct qmp_value *qmp_string(struct gc *gc, const char *text)
{
    struct qmp_value *v = value_new(gc, QMP_STRING);

    v->string = gc_strdup(gc, text);
    return v;
}

struct qmp_value *qmp_list(struct gc *gc)
{
    return value_new(gc, QMP_LIST);
}

struct qmp_value *qmp_dict(struct gc *gc)
{
    return value_new(gc, QMP_DICT);
}

void qmp_append(struct gc *gc, struct qmp_value *list, struct qmp_value *value)
{
    if (list->list.count == list->list.capacity) {
        list->list.capacity = list->list.capacity ? list->list.capacity * 2 : 4;
        list->list.items = gc_realloc(gc, list->list.items, list->list.capacity * sizeof(*list->list.items));
    }
    list->list.items[list->list.count++] = value;
}

void qmp_put(struct gc *gc, struct qmp_value *dict, const char *key, struct qmp_value *value)
{
    value->key = gc_strdup(gc, key);
    qmp_append(gc, dict, value);
}

const struct qmp_value *qmp_get(const struct qmp_value *dict, const char *key)
{
    if (!dict || dict->type != QMP_DICT)
        return NULL;
    for (size_t i = 0; i < dict->list.count; i++) {
        if (!strcmp(dict->list.items[i]->key, key))
            return dict->list.items[i];
    }
    return NULL;
}

bool qmp_get_int(const struct qmp_value *dict, const char *key, int64_t *value)
{
    const struct qmp_value *v = qmp_get(dict, key);

    if (!v || v->type != QMP_INT)
        return false;
    *value = v->integer;
    return true;
}

bool qmp_get_string(const struct qmp_value *dict, const char *key, const char **value)
{
    const struct qmp_value *v = qmp_get(dict, key);

    if (!v || v->type != QMP_STRING)
        return false;
    *value = v->string;
    return true;
}
