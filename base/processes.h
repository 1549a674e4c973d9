/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_PROCESSES_H
#define XLX_BASE_PROCESSES_H

/* The processes of this machine, as /proc shows them. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/gc.h"

struct process {
    const char *pid;
    uid_t uid;           /* whose it is */
    const char *cmdline; /* its words, each with a NUL at its end; the first CMDLINE_MAX bytes of them */
    size_t len;
};
#define CMDLINE_MAX 4096

/* Word number index, from 0; NULL: there are fewer. */
const char *process_word(const struct process *process, unsigned index);
/* What stands behind the last slash of a word. */
const char *process_last_part(const char *word);

/* Asks for one after the other, valid during the call, until is_it says yes; returns whether it did. Processes without
 * words (the kernel's) are left out. root is put before every path: "" for this machine. */
bool process_find(struct gc *gc, const char *root, bool (*is_it)(void *arg, const struct process *process), void *arg);

#endif
