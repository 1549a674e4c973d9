/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_UTF8_H
#define XLX_BASE_UTF8_H

/*
 * UTF-8, and the modified UTF-8 that QMP's strings are in: U+0000 is C0 80 there. What QMP counts as a character and
 * how much of a bad sequence is skipped as one is what QEMU 7.2 does (util/unicode.c), since it shows in replies.
 */

#include <stddef.h>

/* The length of the UTF-8 sequence at the start of len bytes; 0: there is none, also for overlong forms and surrogates.
 */
size_t utf8_sequence(const unsigned char *s, size_t len);

/* Decodes what stands at s (at most len bytes, len > 0), as QMP reads it. Returns the code point, or -1 when the
 * sequence is broken, overlong, a surrogate, a noncharacter or above U+10FFFF. *used is at least 1 either way. */
int utf8_decode(const char *s, size_t len, size_t *used);

/* Writes at most 4 bytes; returns how many, or 0 for what is no character. U+0000 becomes C0 80. */
size_t utf8_encode(char bytes[4], int code_point);

/*
 * The columns that a text of UTF-8 takes on a terminal: none for combining characters, two for East Asian wide ones.
 * A byte that is no UTF-8 counts as one.
 */
size_t utf8_width(const char *text);
/* As much of the beginning of a text as takes no more than so many columns: its length in bytes. */
size_t utf8_fit(const char *text, size_t columns);

#endif
