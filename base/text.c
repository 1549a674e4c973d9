/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

void text_add(struct text *text, const char *bytes, size_t len)
{
    if (text->capacity - text->len < len) {
        size_t capacity = text->capacity ? text->capacity : 128;

        while (capacity - text->len < len)
            capacity *= 2;
        text->bytes = text->gc ? gc_realloc(text->gc, text->bytes, capacity) : realloc(text->bytes, capacity);
        if (!text->bytes)
            abort();
        text->capacity = capacity;
    }
    if (len)
        memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
}

void text_free(struct text *text)
{
    if (text->gc)
        gc_release(text->gc, text->bytes);
    else
        free(text->bytes);
    *text = (struct text){.gc = text->gc};
}
