/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json-record.h"

static struct json *value_of(struct gc *gc, const struct json_field *field, const void *record)
{
    const char *base = record, *at = base + field->offset;

    if (field->known && !*(const bool *)(base + field->known))
        return json_new_null(gc);
    switch (field->kind) {
    case JSON_FIELD_OTHER:
        break;
    case JSON_FIELD_U32:
        return json_new_u64(gc, *(const uint32_t *)at);
    case JSON_FIELD_U64:
        return json_new_u64(gc, *(const uint64_t *)at);
    case JSON_FIELD_U64_EVER:
        return *(const uint64_t *)at == UINT64_MAX ? json_new_null(gc) : json_new_u64(gc, *(const uint64_t *)at);
    case JSON_FIELD_I64:
        return json_new_integer(gc, *(const int64_t *)at);
    case JSON_FIELD_BOOL:
        return json_new_bool(gc, *(const bool *)at);
    case JSON_FIELD_TEXT:
        return json_new_string(gc, *(const char *const *)at);
    case JSON_FIELD_CHARS:
        return json_new_string(gc, at);
    case JSON_FIELD_NAME:
        return json_new_string(gc, field->names[*(const unsigned *)at]);
    }
    return NULL;
}

void json_set_record(struct gc *gc, struct json *object, const struct json_record *type, const void *record)
{
    for (size_t i = 0; i < type->count; i++) {
        struct json *value = value_of(gc, &type->fields[i], record);

        if (value)
            json_set(gc, object, type->fields[i].name, value);
    }
}

struct json *json_new_record(struct gc *gc, const struct json_record *type, const void *record)
{
    struct json *object = json_new_object(gc);

    json_set_record(gc, object, type, record);
    return object;
}
