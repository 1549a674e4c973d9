/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/visible.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

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

char *visible_copy(struct gc *gc, const char *text)
{
    char *copy = gc_strdup(gc, text);

    make_visible(copy, "");
    return copy;
}
