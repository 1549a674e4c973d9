/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/value.h"
#include "base/utf8.h"

void qmp_text_add(struct qmp_text *text, const char *bytes, size_t len)
{
    if (text->capacity - text->len < len) {
        size_t capacity = text->capacity ? text->capacity : 128;

        while (capacity - text->len < len)
            capacity *= 2;
        text->bytes = realloc(text->bytes, capacity);
        if (!text->bytes)
            abort();
        text->capacity = capacity;
    }
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
}

void qmp_text_free(struct qmp_text *text)
{
    free(text->bytes);
    *text = (struct qmp_text){0};
}

static void add(struct qmp_text *text, const char *s)
{
    qmp_text_add(text, s, strlen(s));
}

static void write_character(struct qmp_text *text, int c)
{
    static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *e = c > 0 && c < 0x80 ? strchr(escaped, c) : NULL;
    char buffer[16];

    if (e)
        snprintf(buffer, sizeof(buffer), "\\%c", letters[e - escaped]);
    else if (c > 0xffff)
        snprintf(buffer, sizeof(buffer), "\\u%04X\\u%04X", 0xd800 + ((unsigned)(c - 0x10000) >> 10),
                 0xdc00 + ((unsigned)(c - 0x10000) & 0x3ff));
    else if (c < 0x20 || c >= 0x7f)
        snprintf(buffer, sizeof(buffer), "\\u%04X", (unsigned)c);
    else
        snprintf(buffer, sizeof(buffer), "%c", c);
    add(text, buffer);
}

static void write_string(struct qmp_text *text, const char *s)
{
    size_t len = strlen(s), used;

    add(text, "\"");
    for (; len; s += used, len -= used) {
        int c = utf8_decode(s, len, &used);

        write_character(text, c < 0 ? 0xfffd : c);
    }
    add(text, "\"");
}

static void write_number(struct qmp_text *text, const struct qmp_value *value)
{
    char buffer[40];

    if (value->type == QMP_INT)
        snprintf(buffer, sizeof(buffer), "%" PRId64, value->integer);
    else if (value->type == QMP_UINT)
        snprintf(buffer, sizeof(buffer), "%" PRIu64, value->uinteger);
    else
        snprintf(buffer, sizeof(buffer), "%.17g", value->number);
    add(text, buffer);
}

static void write_items(struct qmp_text *text, const struct qmp_value *value)
{
    for (size_t i = 0; i < value->list.count; i++) {
        if (i)
            add(text, ", ");
        if (value->type == QMP_DICT) {
            write_string(text, value->list.items[i]->key);
            add(text, ": ");
        }
        qmp_write(text, value->list.items[i]);
    }
}

void qmp_write(struct qmp_text *text, const struct qmp_value *value)
{
    switch (value->type) {
    case QMP_NULL:
        add(text, "null");
        break;
    case QMP_BOOL:
        add(text, value->boolean ? "true" : "false");
        break;
    case QMP_INT:
    case QMP_UINT:
    case QMP_DOUBLE:
        write_number(text, value);
        break;
    case QMP_STRING:
        write_string(text, value->string);
        break;
    case QMP_LIST:
        add(text, "[");
        write_items(text, value);
        add(text, "]");
        break;
    case QMP_DICT:
        add(text, "{");
        write_items(text, value);
        add(text, "}");
        break;
    }
}
