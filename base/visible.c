/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/visible.h"

#include <stdbool.h>
#include <string.h>

size_t utf8_sequence(const unsigned char *s, size_t len)
{
    size_t n = s[0] < 0x80 ? 1 : (s[0] & 0xe0) == 0xc0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : (s[0] & 0xf8) == 0xf0 ? 4 : 0;

    if (!n || n > len || s[0] == 0xc0 || s[0] == 0xc1 || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

void make_visible(char *text, const char *keep)
{
    unsigned char *in = (unsigned char *)text, *out = in;
    size_t left = strlen(text);

    while (left) {
        size_t n = utf8_sequence(in, left);
        bool is_control = *in < ' ' || *in == 0x7f || (in[0] == 0xc2 && n == 2 && in[1] < 0xa0);

        if (!n || (is_control && !strchr(keep, *in))) {
            n = n ? n : 1;
            *out++ = '?';
        } else {
            memmove(out, in, n);
            out += n;
        }
        in += n;
        left -= n;
    }
    *out = '\0';
}
