/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_ASK_H
#define XLX_CORE_ASK_H

/*
 * Runs a shell command and collects what it prints.
 *
 *   Idle --ask_start--> Running --exited and all read--> Idle, done()
 *                       Running --abort or time-out--> Killed --exited--> Idle, done()
 *
 * The command's standard input is empty, its standard error is ours unless quiet. An answer longer than ASK_ANSWER_MAX
 * is refused.
 */

#include "core/ao.h"

#define ASK_ANSWER_MAX ((size_t)1 << 20)

struct ask {
    struct ao ao; /* ao.timeout_ms: how long it may take */
    /* filled in by the caller */
    const char *command; /* for sh -c */
    struct gc *gc;       /* the answer's */
    bool quiet;          /* its standard error goes nowhere */

    /* result */
    char *answer; /* terminated */
    size_t answer_len;
    int exit_status; /* -1: killed by a signal */

    /* private */
    struct ask_child *child;
    size_t capacity;
    int rc;
};

/* Completes with 0 when the command has run, whatever its exit status; ERROR_TIMEDOUT, ERROR_ABORTED,
 * ERROR_BUFFERFULL (answer too long), ERROR_FAIL (cannot be run, logged). */
void ask_start(struct ask *ask);

#endif
