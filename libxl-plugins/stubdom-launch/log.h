/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_LOG_H
#define XLX_STUBDOM_LAUNCH_LOG_H

/* Reading the log of a stub domain, which is written by the stub domain: foreign bytes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/gc.h"

#define STUBDOM_LOG_PREFIX "xl-ext-stubdom: "
#define STUBDOM_LOG_LINE_MAX 1024
#define STUBDOM_LOG_READ_MAX (4 << 20) /* of a longer file the end */

/*
 * The last max lines (0: all) of a file, nothing in them that a terminal obeys, each cut at STUBDOM_LOG_LINE_MAX, in
 * the pool. With end, a last line without its newline is left out, and *end is where reading goes on. ERROR_NOTFOUND:
 * no such file; ERROR_FAIL with errno. Silent.
 */
int stubdom_log_tail(struct gc *gc, const char *path, uint64_t max, char ***lines, size_t *count, long *end);

/* Reads a log that grows. Filled in by the caller: the file; the rest is zeros. */
struct stubdom_log_reader {
    FILE *file;
    size_t used;
    char line[STUBDOM_LOG_LINE_MAX];
};

/* The next line, treated as above, valid until the next call; NULL: a whole one is not there yet. */
const char *stubdom_log_next(struct stubdom_log_reader *reader);

/* Is it a line of the stub domain's init? */
bool stubdom_log_is_own(const char *line);

/* Of lines those of init, the last max (0: all). Picks from lines; result in the pool. */
char **stubdom_log_own(struct gc *gc, char *const *lines, size_t count, uint64_t max, size_t *picked);

/*
 * The lines that explain a failed start, at most max: what init says and QEMU's errors, the kernel's only from a panic
 * or an out-of-memory report on; when there is nothing of that the last lines. Picks from lines; result in the pool.
 */
char **stubdom_log_pick(struct gc *gc, char *const *lines, size_t count, size_t max, size_t *picked);

#endif
