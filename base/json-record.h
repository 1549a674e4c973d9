/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_JSON_RECORD_H
#define XLX_BASE_JSON_RECORD_H

/*
 * A C struct as a JSON object, by a table: the same table says what is written and what a schema tells of it.
 */

#include "base/json.h"

enum json_field_kind {
    JSON_FIELD_OTHER, /* json_set_record leaves it to its caller */
    JSON_FIELD_U32,
    JSON_FIELD_U64,
    JSON_FIELD_U64_EVER, /* UINT64_MAX, never, is null */
    JSON_FIELD_I64,
    JSON_FIELD_BOOL,
    JSON_FIELD_TEXT,  /* const char * */
    JSON_FIELD_CHARS, /* char[] */
    JSON_FIELD_NAME,  /* an enum, with a name for each value */
};

struct json_field {
    const char *name;
    const char
        *type;     /* in a schema: "int", "str", "bool", "any", "IntOrNull", the name of a type; "[TYPE]" is an array */
    bool optional; /* may be absent */
    enum json_field_kind kind;
    size_t offset;
    size_t known;             /* offset of a bool without which the value is null; 0: it is always known */
    const char *const *names; /* JSON_FIELD_NAME */
};

struct json_record {
    const char *name; /* of its type in a schema */
    const struct json_field *fields;
    size_t count;
};

/* A struct json_record for a table of fields. */
#define JSON_RECORD(name, fields)                                                                                      \
    {                                                                                                                  \
        name, fields, sizeof(fields) / sizeof(*(fields))                                                               \
    }

#define JSON_FIELD(record, member, key, type, kind, known, names)                                                      \
    {                                                                                                                  \
        key, type, false, kind, offsetof(record, member), known, names                                                 \
    }
#define JSON_KNOWN_FIELD(record, member, key, type, kind) JSON_FIELD(record, member, key, type, kind, 0, NULL)
#define JSON_U32(record, member, key) JSON_KNOWN_FIELD(record, member, key, "int", JSON_FIELD_U32)
#define JSON_U64(record, member, key) JSON_KNOWN_FIELD(record, member, key, "int", JSON_FIELD_U64)
#define JSON_U64_EVER(record, member, key) JSON_KNOWN_FIELD(record, member, key, "IntOrNull", JSON_FIELD_U64_EVER)
#define JSON_U64_IF(record, is_known, member, key)                                                                     \
    JSON_FIELD(record, member, key, "IntOrNull", JSON_FIELD_U64, offsetof(record, is_known), NULL)
#define JSON_U32_IF(record, is_known, member, key)                                                                     \
    JSON_FIELD(record, member, key, "IntOrNull", JSON_FIELD_U32, offsetof(record, is_known), NULL)
#define JSON_I64(record, member, key) JSON_KNOWN_FIELD(record, member, key, "int", JSON_FIELD_I64)
#define JSON_BOOLEAN(record, member, key) JSON_KNOWN_FIELD(record, member, key, "bool", JSON_FIELD_BOOL)
#define JSON_TEXT(record, member, key) JSON_KNOWN_FIELD(record, member, key, "str", JSON_FIELD_TEXT)
#define JSON_CHARS(record, member, key) JSON_KNOWN_FIELD(record, member, key, "str", JSON_FIELD_CHARS)
#define JSON_NAME(record, member, key, type, names) JSON_FIELD(record, member, key, type, JSON_FIELD_NAME, 0, names)

/* The members of record but those of JSON_FIELD_OTHER, appended to an object. */
void json_set_record(struct gc *gc, struct json *object, const struct json_record *type, const void *record);
/* A new object with them. */
struct json *json_new_record(struct gc *gc, const struct json_record *type, const void *record);

#endif
