/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XL_EXT_BASE_VISIBLE_H
#define XL_EXT_BASE_VISIBLE_H

/* Foreign text for a terminal. */

#include <stddef.h>

/* The length of the UTF-8 sequence at the start of len bytes; 0: there is none, also for overlong forms and surrogates.
 */
size_t utf8_sequence(const unsigned char *s, size_t len);

/*
 * Put '?' in the place of everything that could command a terminal, in place: control characters but those in keep, the
 * ones from U+0080 to U+009F too, and bytes that are no UTF-8 (a terminal of another character set may obey them).
 */
void make_visible(char *text, const char *keep);

#endif
