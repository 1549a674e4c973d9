/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_VISIBLE_H
#define XLX_BASE_VISIBLE_H

/*
 * Foreign text for a terminal, a log or a page that others read: '?' stands in the place of everything that could
 * command a terminal. These are control characters, the ones from U+0080 to U+009F too, and bytes that are no UTF-8 (a
 * terminal of another character set may obey them). What comes out is UTF-8. Every output of foreign text goes through
 * here.
 */

#include "base/gc.h"

/* In place; the control characters in keep (all of ASCII) stay. */
void make_visible(char *text, const char *keep);
/* A copy in the pool, without any control character. */
char *visible_copy(struct gc *gc, const char *text);

#endif
