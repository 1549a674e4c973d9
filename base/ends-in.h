/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_ENDS_IN_H
#define XLX_BASE_ENDS_IN_H

#include <stdbool.h>
#include <string.h>

/* Is there something, and end behind it? libxl and xl tell states of a domain by the end of its name. */
static inline bool ends_in(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len > end_len && !strcmp(text + len - end_len, end);
}

/* libxl's name of a guest's stub domain (libxl__stub_dm_name). */
#define NAME_END_STUBDOM "-dm"
/* xl's while a domain migrates (xl_migrate.c): at the receiver until it is let run, at the sender after that. */
#define NAME_END_INCOMING "--incoming"
#define NAME_END_AWAY "--migratedaway"

#endif
