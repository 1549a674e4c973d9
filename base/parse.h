/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_PARSE_H
#define XLX_BASE_PARSE_H

/*
 * Parsers of what people and scripts type. They are silent: on bad input they return ERROR_INVAL and point *cause (when
 * not NULL) to a static phrase that completes a sentence, for example "'12q': unknown suffix, use b, k, m, g or t".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a size argument asks for. */
enum parse_relation {
    PARSE_ABSOLUTE,
    PARSE_GROW,   /* leading + */
    PARSE_SHRINK, /* leading - */
};

/* A size as xl takes it (xl_parse.c, parse_mem_size_kb): a decimal number with the suffix b, k, m, g or t in either
 * case, MiB when there is none; bytes are rounded down to KiB. Result in KiB, at most 16 TiB * 1024. */
int parse_size_kb(const char *text, uint64_t *size_kb, const char **cause);

/* The same with an optional leading + or -. relation tells which. */
int parse_size_change_kb(const char *text, uint64_t *size_kb, enum parse_relation *relation, const char **cause);

/* Seconds, with an optional fraction and an optional suffix ms, s, m or h; result in milliseconds, at most 100 days. */
int parse_duration_ms(const char *text, uint64_t *ms, const char **cause);

/* A plain decimal number, nothing around it, at most max. */
int parse_u64(const char *text, uint64_t max, uint64_t *value, const char **cause);

/* The decimal number in len bytes that need not be terminated: digits only, as what guests write must be. */
bool parse_digits(const char *bytes, size_t len, uint64_t max, uint64_t *value);

#endif
