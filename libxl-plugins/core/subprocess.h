/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_SUBPROCESS_H
#define XLX_CORE_SUBPROCESS_H

/*
 * A program that is run, and what it prints.
 *
 *   Idle --subprocess_start--> Running --exited, captured output read to its end--> Idle, done()
 *                              Running --abort, time-out, too much output--> Ending --exited--> Idle, done()
 *
 * A program that is ended gets SIGTERM, and SIGKILL when it lives on for SUBPROCESS_GRACE_MS. What the program has
 * started in turn is left alone; its output is not waited for.
 */

#include "core/ao.h"

#define SUBPROCESS_OUTPUT_MAX ((size_t)1 << 20)
#define SUBPROCESS_GRACE_MS 2000

enum subprocess_stream {
    SUBPROCESS_DROPPED,  /* goes nowhere */
    SUBPROCESS_OURS,     /* the caller's own */
    SUBPROCESS_CAPTURED, /* kept for the caller */
};

struct subprocess_text {
    char *text; /* in the pool, terminated; "" when the stream is not captured */
    size_t len;
};

struct subprocess {
    struct ao ao; /* ao.timeout_ms: how long the program may run */
    /* filled in by the caller: either argv or command */
    struct gc *gc;       /* the output's */
    char *const *argv;   /* ends in NULL; argv[0] is looked for in PATH unless it has a slash */
    const char *command; /* for sh -c */
    bool our_input;      /* standard input is the caller's; else it is empty */
    enum subprocess_stream out, err;
    size_t output_max; /* bytes of standard output; 0: SUBPROCESS_OUTPUT_MAX */

    /* result */
    struct subprocess_text output, errors; /* of errors at most SUBPROCESS_OUTPUT_MAX bytes, the rest is dropped */
    int exit_status;                       /* 0 to 255; 128 + N: signal N has ended it, as a shell counts */

    /* private */
    struct subprocess_child *child;
    struct ev_timer grace;
    int rc;
};

/* Completes with 0 when the program has run, whatever its exit status; ERROR_TIMEDOUT, ERROR_ABORTED, ERROR_BUFFERFULL
 * (it prints more than output_max), ERROR_NOTFOUND (there is no such program) or ERROR_FAIL (it cannot be run). The
 * last two are logged. */
void subprocess_start(struct subprocess *p);

/* The last line that a program whose standard error was captured wrote there, made harmless (base/visible.h), in the pool;
 * NULL: it wrote none. */
const char *subprocess_last_words(struct gc *gc, const struct subprocess *p);

/*
 * Runs the program at a path in a session of its own, in the folder /, without standard input and with its output in a
 * file. It outlives the caller and nobody waits for it. ERROR_NOTFOUND or ERROR_FAIL, logged.
 */
int subprocess_detach(struct xlx_ctx *ctx, const char *path, char *const *argv, int log_fd);

#endif
