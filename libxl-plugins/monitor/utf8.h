/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MONITOR_UTF8_H
#define XLX_MONITOR_UTF8_H

/*
 * Modified UTF-8, which QMP's strings are in: like UTF-8, but U+0000 is C0 80. What counts as a character and how much
 * of a bad sequence is skipped as one is what QEMU 7.2 does (util/unicode.c), since it shows in replies.
 */

#include <stddef.h>

/* Decodes what stands at s (at most len bytes, len > 0). Returns the code point, or -1 when the sequence is broken,
 * overlong, a surrogate, a noncharacter or above U+10FFFF. *used is at least 1 either way. */
int utf8_decode(const char *s, size_t len, size_t *used);

/* Writes at most 4 bytes; returns how many, or 0 for what is no character. */
size_t utf8_encode(char bytes[4], int code_point);

#endif
