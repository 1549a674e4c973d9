/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/utf8.h"

#include <stdbool.h>
#include <stdint.h>

static bool is_character(uint32_t c)
{
    bool surrogate = c >= 0xd800 && c <= 0xdfff;
    bool noncharacter = (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;

    return c <= 0x10ffff && !surrogate && !noncharacter;
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

int utf8_decode(const char *s, size_t len, size_t *used)
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
    if (have < want || !is_character(c))
        return -1;
    /* C0 80 is how modified UTF-8 writes U+0000. */
    if (c < least[want] && !(want == 2 && c == 0))
        return -1;
    return (int)c;
}

size_t utf8_encode(char bytes[4], int code_point)
{
    uint32_t c = (uint32_t)code_point;
    size_t len;

    if (code_point < 0 || !is_character(c))
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
