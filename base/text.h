/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_TEXT_H
#define XLX_BASE_TEXT_H

/* Bytes that grow at their end. Zeros: empty, nothing allocated. */

#include <stddef.h>

#include "base/gc.h"

struct text {
    struct gc *gc; /* where the bytes live; NULL: malloc, freed with text_free */
    char *bytes;   /* not terminated */
    size_t len, capacity;
};

void text_add(struct text *text, const char *bytes, size_t len);
/* Empty again, with nothing allocated. */
void text_free(struct text *text);

#endif
