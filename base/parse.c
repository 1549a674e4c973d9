/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/parse.h"

#include <ctype.h>
#include <string.h>

#include "base/error.h"

/* More than any machine that Xen runs on; keeps every sum of two sizes far from overflow. */
#define SIZE_LIMIT_KB (UINT64_C(16) << 40)
#define DURATION_LIMIT_MS (UINT64_C(100) * 24 * 3600 * 1000)

static int refuse(const char **cause, const char *why)
{
    if (cause)
        *cause = why;
    return ERROR_INVAL;
}

/* Reads digits from *p on and moves *p behind them. */
static int digits_value(const char **p, uint64_t *value, const char **cause)
{
    uint64_t v = 0;

    if (!isdigit((unsigned char)**p))
        return refuse(cause, "a decimal number is expected");
    for (; isdigit((unsigned char)**p); ++*p) {
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (unsigned)(**p - '0'), &v))
            return refuse(cause, "the number is too large");
    }
    *value = v;
    return 0;
}

int parse_size_kb(const char *text, uint64_t *size_kb, const char **cause)
{
    const char *p = text;
    uint64_t value;
    unsigned shift;
    int rc;

    rc = digits_value(&p, &value, cause);
    if (rc)
        return rc;
    switch (tolower((unsigned char)*p)) {
    case 'b':
        *size_kb = value >> 10;
        return p[1] ? refuse(cause, "unexpected text after the suffix") : 0;
    case 'k':
        shift = 0;
        break;
    case '\0':
    case 'm':
        shift = 10;
        break;
    case 'g':
        shift = 20;
        break;
    case 't':
        shift = 30;
        break;
    default:
        return refuse(cause, "unknown suffix, use b, k, m, g or t");
    }
    if (*p && p[1])
        return refuse(cause, "unexpected text after the suffix");
    if (value > SIZE_LIMIT_KB >> shift)
        return refuse(cause, "the size is too large");
    *size_kb = value << shift;
    return 0;
}

int parse_size_change_kb(const char *text, uint64_t *size_kb, enum parse_relation *relation, const char **cause)
{
    *relation = *text == '+' ? PARSE_GROW : *text == '-' ? PARSE_SHRINK : PARSE_ABSOLUTE;
    return parse_size_kb(*relation == PARSE_ABSOLUTE ? text : text + 1, size_kb, cause);
}

int parse_duration_ms(const char *text, uint64_t *ms, const char **cause)
{
    const char *p = text;
    uint64_t whole, unit, fraction = 0, scale = 1;
    int rc;

    rc = digits_value(&p, &whole, cause);
    if (rc)
        return rc;
    if (*p == '.') {
        p++;
        if (!isdigit((unsigned char)*p))
            return refuse(cause, "digits are expected after the point");
        for (; isdigit((unsigned char)*p); p++) {
            if (scale < 1000000) {
                fraction = fraction * 10 + (unsigned)(*p - '0');
                scale *= 10;
            }
        }
    }
    if (!strcmp(p, "ms"))
        unit = 1;
    else if (!*p || !strcmp(p, "s"))
        unit = 1000;
    else if (!strcmp(p, "m"))
        unit = 60 * 1000;
    else if (!strcmp(p, "h"))
        unit = 3600 * 1000;
    else
        return refuse(cause, "unknown suffix, use ms, s, m or h");
    if (whole > DURATION_LIMIT_MS / unit)
        return refuse(cause, "the time is too long");
    *ms = whole * unit + fraction * unit / scale;
    return 0;
}

int parse_u64(const char *text, uint64_t max, uint64_t *value, const char **cause)
{
    const char *p = text;
    uint64_t v;
    int rc;

    rc = digits_value(&p, &v, cause);
    if (rc)
        return rc;
    if (*p)
        return refuse(cause, "unexpected text after the number");
    if (v > max)
        return refuse(cause, "the number is too large");
    *value = v;
    return 0;
}

bool parse_digits(const char *bytes, size_t len, uint64_t max, uint64_t *value)
{
    uint64_t v = 0;

    if (!len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] < '0' || bytes[i] > '9')
            return false;
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (unsigned)(bytes[i] - '0'), &v))
            return false;
    }
    if (v > max)
        return false;
    *value = v;
    return true;
}
