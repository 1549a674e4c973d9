/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XL_EXT_MESSAGES_H
#define XL_EXT_MESSAGES_H

/*
 * What the tool says on standard error, each line led by "xl-ext: " and the command. The logger serves libxlx and
 * libxl.
 */

#include <xentoollog.h>

/* In static memory; never destroyed. */
xentoollog_logger *message_logger(void);
/* 0: errors and warnings; 1 and more: also notices and libxl's own progress and debug text; -1: errors only. */
void message_level(int verbose);
/* The command that messages speak for; static text. */
void message_subject(const char *command);
void message_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The line that progress last wrote is wiped before anything else is written; returns how it is restored. */
void message_progress(const char *text); /* NULL: no progress any more */

#endif
