/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_JSON_H
#define XLX_BASE_JSON_H

/*
 * JSON behind one module, on yajl, so that the library can be exchanged.
 *
 * Reading gives a tree in a pool; strict RFC 8259, UTF-8 checked, a member name twice in one object is an error.
 * (QMP's own dialect with single quotes and streams is the business of libxl-plugins/qmp, not of this module.)
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/gc.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_INTEGER, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_type type;
    const char *key; /* in an object: the member's name, else NULL */
    union {
        bool boolean;
        int64_t integer; /* JSON_INTEGER: a literal without point or exponent that fits */
        double number;   /* JSON_NUMBER: every other number */
        struct {
            const char *text; /* terminated; may hold NUL bytes, so mind len */
            size_t len;
        } string;
        struct {
            struct json **items;
            size_t count;
        } list; /* array and object, in the order of the text */
    };
};

/* Limits a reader sets on foreign text; a deeper or longer one is ERROR_BUFFERFULL. */
#define JSON_DEPTH_MAX 64

/* Parses exactly one value from len bytes. Returns 0 with the tree in *root (owned by gc), or ERROR_INVAL /
 * ERROR_BUFFERFULL with a sentence in *cause (owned by gc; cause may be NULL). */
int json_parse(struct gc *gc, const char *text, size_t len, struct json **root, const char **cause);

/* The member of an object, or NULL: no object, no such member. node may be NULL. */
const struct json *json_member(const struct json *node, const char *key);
/* Typed reads of a member: false when it is absent or of another type. */
bool json_member_string(const struct json *node, const char *key, const char **value);
bool json_member_integer(const struct json *node, const char *key, int64_t *value);
bool json_member_u64(const struct json *node, const char *key, uint64_t *value);
bool json_member_bool(const struct json *node, const char *key, bool *value);

/*
 * Writing. The writer lives in the pool it was made from and aborts on wrong use (a value where a key must stand).
 * Strings that are not UTF-8 are written with U+FFFD in place of each bad byte. Non-ASCII is left as it is.
 */
struct json_writer;

struct json_writer *json_writer_new(struct gc *gc, bool pretty);
void json_object_begin(struct json_writer *w);
void json_object_end(struct json_writer *w);
void json_array_begin(struct json_writer *w);
void json_array_end(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
void json_string(struct json_writer *w, const char *text);
void json_string_len(struct json_writer *w, const char *text, size_t len);
void json_integer(struct json_writer *w, int64_t value);
void json_u64(struct json_writer *w, uint64_t value);
/* null for what JSON cannot say: infinities, and no number. */
void json_double(struct json_writer *w, double value);
void json_bool(struct json_writer *w, bool value);
void json_null(struct json_writer *w);
/* A key and its value. A text of NULL is written as null. */
void json_put_string(struct json_writer *w, const char *key, const char *text);
void json_put_integer(struct json_writer *w, const char *key, int64_t value);
void json_put_u64(struct json_writer *w, const char *key, uint64_t value);
void json_put_bool(struct json_writer *w, const char *key, bool value);
/* Writes a whole tree. */
void json_tree(struct json_writer *w, const struct json *node);
/* The text so far, owned by the writer, terminated; valid until the next call on it. len may be NULL. */
const char *json_text(struct json_writer *w, size_t *len);

#endif
