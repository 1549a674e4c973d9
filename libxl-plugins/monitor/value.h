/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MONITOR_VALUE_H
#define XLX_MONITOR_VALUE_H

/*
 * Values as QMP has them: JSON whose numbers keep what they were written as. Written in monitor/value.c and monitor/write.c;
 * here because every service's commands take and give them. All live in a pool.
 *
 * Strings are modified UTF-8: U+0000 is the two bytes C0 80, so none holds a NUL byte.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/gc.h"

enum qmp_type {
    QMP_NULL,
    QMP_BOOL,
    QMP_INT,    /* fits an int64_t */
    QMP_UINT,   /* does not, but fits a uint64_t */
    QMP_DOUBLE, /* every other number, and all written with a point or an exponent */
    QMP_STRING,
    QMP_LIST,
    QMP_DICT,
};

struct qmp_value {
    enum qmp_type type;
    const char *key; /* in a dict */
    union {
        bool boolean;
        int64_t integer;
        uint64_t uinteger;
        double number;
        const char *string;
        struct {
            struct qmp_value **items;
            size_t count, capacity;
        } list; /* list and dict, in order */
    };
};

/* ---- making ---- */

struct qmp_value *qmp_null(struct gc *gc);
struct qmp_value *qmp_bool(struct gc *gc, bool value);
struct qmp_value *qmp_int(struct gc *gc, int64_t value);
struct qmp_value *qmp_uint(struct gc *gc, uint64_t value);
struct qmp_value *qmp_double(struct gc *gc, double value);
/* Copies. */
struct qmp_value *qmp_string(struct gc *gc, const char *text);
struct qmp_value *qmp_list(struct gc *gc);
struct qmp_value *qmp_dict(struct gc *gc);
void qmp_append(struct gc *gc, struct qmp_value *list, struct qmp_value *value);
/* Copies the key, which must not be there yet. A value is put into one place only. */
void qmp_put(struct gc *gc, struct qmp_value *dict, const char *key, struct qmp_value *value);

/* ---- reading ---- */

/* NULL when dict is NULL or no dict, or has no such member. */
const struct qmp_value *qmp_get(const struct qmp_value *dict, const char *key);
/* False when it is absent or of another type. An integer is what a QMP int may be: never a double, never above
 * INT64_MAX. */
bool qmp_get_int(const struct qmp_value *dict, const char *key, int64_t *value);
bool qmp_get_string(const struct qmp_value *dict, const char *key, const char **value);

/* ---- writing ---- */

struct qmp_text {
    char *bytes; /* malloc; free with qmp_text_free */
    size_t len, capacity;
};
/* Appends the value on one line, in ASCII, formatted as QEMU does (qobject/json-writer.c of QEMU 7.2): ", " and ": ",
 * \uXXXX in capitals, doubles with 17 digits. */
void qmp_write(struct qmp_text *text, const struct qmp_value *value);
void qmp_text_add(struct qmp_text *text, const char *bytes, size_t len);
void qmp_text_free(struct qmp_text *text);

#endif
