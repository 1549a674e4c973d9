/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_JSON_H
#define XLX_BASE_JSON_H

/*
 * JSON: one type of value for plans, policies, configurations and QMP, in a pool.
 *
 * There are two ways to read: json_parse takes one strict text (RFC 8259), behind which stands yajl; the dialect and
 * the streams of QMP are monitor/stream.h's. There is one writer, with a style for each use.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/gc.h"
#include "base/text.h"

enum json_type {
    JSON_NULL,
    JSON_BOOL,
    JSON_INTEGER,  /* written without point or exponent, and fits an int64_t */
    JSON_UNSIGNED, /* does not, but fits a uint64_t; json_parse reads it as JSON_NUMBER */
    JSON_NUMBER,   /* every other number */
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json {
    enum json_type type;
    const char *key; /* in an object: the member's name, else NULL */
    union {
        bool boolean;
        int64_t integer;
        uint64_t uinteger;
        double number;
        struct {
            /* Terminated. From json_parse UTF-8, which may hold NUL bytes, so mind len. From QMP modified UTF-8: U+0000
             * is the two bytes C0 80. */
            const char *text;
            size_t len;
        } string;
        struct {
            struct json **items;
            size_t count, capacity;
        } list; /* array and object, in order */
    };
};

/* ---- making ---- */

struct json *json_new_null(struct gc *gc);
struct json *json_new_bool(struct gc *gc, bool value);
struct json *json_new_integer(struct gc *gc, int64_t value);
/* JSON_INTEGER when it fits. */
struct json *json_new_u64(struct gc *gc, uint64_t value);
struct json *json_new_double(struct gc *gc, double value);
/* Copies. NULL makes null. */
struct json *json_new_string(struct gc *gc, const char *text);
struct json *json_new_array(struct gc *gc);
struct json *json_new_object(struct gc *gc);
/* The same value once more, since one can stand in one place only; what is in it is shared. */
struct json *json_copy(struct gc *gc, const struct json *value);
void json_append(struct gc *gc, struct json *array, struct json *value);
/* Copies the key, which must not be there yet. */
void json_set(struct gc *gc, struct json *object, const char *key, struct json *value);
void json_set_string(struct gc *gc, struct json *object, const char *key, const char *text);
void json_set_integer(struct gc *gc, struct json *object, const char *key, int64_t value);
void json_set_u64(struct gc *gc, struct json *object, const char *key, uint64_t value);
void json_set_bool(struct gc *gc, struct json *object, const char *key, bool value);

/* ---- reading ---- */

/* Limits a reader sets on foreign text; a deeper or longer one is ERROR_BUFFERFULL. */
#define JSON_DEPTH_MAX 64

/* Parses exactly one value from len bytes: strict, UTF-8 checked, a member name twice in one object is an error.
 * Returns 0 with the tree in *root (owned by gc), or ERROR_INVAL / ERROR_BUFFERFULL with a sentence in *cause (owned by
 * gc; cause may be NULL). */
int json_parse(struct gc *gc, const char *text, size_t len, struct json **root, const char **cause);

/* The member of an object, or NULL: no object, no such member. node may be NULL. */
const struct json *json_member(const struct json *node, const char *key);
/* Typed reads of a member: false when it is absent or of another type. */
bool json_member_string(const struct json *node, const char *key, const char **value);
bool json_member_integer(const struct json *node, const char *key, int64_t *value);
bool json_member_u64(const struct json *node, const char *key, uint64_t *value);
bool json_member_bool(const struct json *node, const char *key, bool *value);
/* A member name that stands twice in an object, or NULL. For readers; costs n log n. */
const char *json_duplicate(const struct json *object);

/* ---- writing ---- */

enum json_style {
    JSON_COMPACT, /* no blanks; text that is not ASCII left as it is */
    JSON_PRETTY,  /* indented, and a line feed at the end */
    /* On one line, in ASCII, as QEMU does it (qobject/json-writer.c of QEMU 7.2): ", " and ": ", \uXXXX in capitals,
     * doubles with 17 digits, infinities as printf shows them. Strings are taken as modified UTF-8. */
    JSON_QMP,
};

/* What is no UTF-8 is written as U+FFFD for each bad byte; but for JSON_QMP what JSON cannot say, infinities and no
 * number, as null. */
void json_write(struct text *text, const struct json *value, enum json_style style);
/* The same as a terminated text in the pool. */
char *json_text(struct gc *gc, const struct json *value, enum json_style style);

#endif
