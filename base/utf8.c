/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/utf8.h"

#include <stdbool.h>
#include <locale.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

static bool is_noncharacter(uint32_t c)
{
    return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

/* How long a sequence with this first byte should be; 0 for a byte that starts none. */
static size_t length_of(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc0 || first >= 0xfe)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : first < 0xfc ? 5 : 6;
}

/* The code point at s, or -1: the one decoder. */
static int decode(const char *s, size_t len, size_t *used)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000, 0x200000, 0x4000000};
    const unsigned char *bytes = (const unsigned char *)s;
    size_t want = length_of(bytes[0]), have = 1;
    uint32_t c;

    *used = 1;
    if (want <= 1)
        return want ? bytes[0] : -1;
    c = bytes[0] & (0x7fu >> want);
    for (; have < want && have < len && (bytes[have] & 0xc0) == 0x80; have++)
        c = c << 6 | (bytes[have] & 0x3f);
    *used = have;
    if (have < want || c < least[want] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return -1;
    return (int)c;
}

size_t utf8_sequence(const unsigned char *s, size_t len)
{
    size_t used;

    return len && decode((const char *)s, len, &used) >= 0 ? used : 0;
}

int utf8_decode(const char *s, size_t len, size_t *used)
{
    int c = decode(s, len, used);

    if (c < 0 && *used == 2 && !memcmp(s, "\xc0\x80", 2))
        return 0;
    return c >= 0 && is_noncharacter((uint32_t)c) ? -1 : c;
}

size_t utf8_encode(char bytes[4], int code_point)
{
    uint32_t c = (uint32_t)code_point;
    size_t len;

    if (code_point < 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || is_noncharacter(c))
        return 0;
    if (c && c < 0x80) {
        bytes[0] = (char)c;
        return 1;
    }
    len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i; i--, c >>= 6)
        bytes[i] = (char)(0x80 | (c & 0x3f));
    bytes[0] = (char)((0xf00u >> len & 0xf0) | c);
    return len;
}

/* ---- on a terminal ---- */

/* The C library's table, which belongs to a locale of UTF-8 whatever the user's own is. */
static size_t columns_of(int c)
{
    static locale_t utf8;
    locale_t before;
    int width;

    if (c < 0x80)
        return 1;
    if (!utf8)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!utf8)
        return 1;
    before = uselocale(utf8);
    width = wcwidth((wchar_t)c);
    uselocale(before);
    return width < 0 ? 1 : (size_t)width;
}

static size_t take_columns(const char *text, size_t most, size_t *len)
{
    size_t left = strlen(text), columns = 0, used;
    const char *s = text;

    for (; left; s += used, left -= used) {
        int c = decode(s, left, &used);
        size_t width = c < 0 ? 1 : columns_of(c);

        if (c < 0)
            used = 1;
        if (width > most - columns)
            break;
        columns += width;
    }
    *len = (size_t)(s - text);
    return columns;
}

size_t utf8_width(const char *text)
{
    size_t len;

    return take_columns(text, SIZE_MAX, &len);
}

size_t utf8_fit(const char *text, size_t columns)
{
    size_t len;

    take_columns(text, columns, &len);
    return len;
}
