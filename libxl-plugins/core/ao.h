/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_AO_H
#define XLX_CORE_AO_H

/*
 * An asynchronous operation.
 *
 *   Idle --ao_start--> Running --ao_complete--> Idle, done() called
 *                      Running --ao_abort or time-out--> Aborting --ao_complete--> Idle, done() called
 *
 * Each operation is a struct in three parts (caller fills in, result, private) that embeds a struct ao. Its start
 * function calls ao_start and sets off the first step; its last function, the operation's one "_done", stops all its
 * event sources and calls ao_complete as the last statement. done() is called exactly once, from the loop: an operation
 * that is over at once completes through ao_complete_soon.
 *
 * abort() of the operation is called at most once, with ERROR_ABORTED or ERROR_TIMEDOUT; it must bring about the end,
 * at once or later (a step of libxl must be let finish: libxl_ao_abort).
 */

#include "base/ev.h"
#include "base/gc.h"
#include "core/ctx.h"

struct ao {
    /* filled in by the caller */
    struct xlx_ctx *ctx;
    void (*done)(struct ao *ao, int rc);
    uint64_t timeout_ms; /* 0: none of its own */

    /* for the operation: a pool that lives until done() has returned */
    struct gc *gc;

    /* private */
    void (*abort)(struct ao *ao, int rc);
    struct ev_timer timeout, soon;
    int rc;
    bool aborting;
    bool running;
};

void ao_start(struct ao *ao, void (*abort)(struct ao *ao, int rc));
/* The operation is over. Calls done() as its last act: neither ao nor what embeds it is touched afterwards. */
void ao_complete(struct ao *ao, int rc);
/* The same from the next turn of the loop; for operations that are over before their start function returns. */
void ao_complete_soon(struct ao *ao, int rc);
/* Asks for the end. No effect when the operation is not running or already aborting. */
void ao_abort(struct ao *ao);

/*
 * The synchronous form, for every operation: called right after its start function, runs the loop until it is done and
 * returns its rc. ao->done must be NULL before the start. SIGINT and SIGTERM abort the operation (ERROR_ABORTED); a
 * lost xenstored ends it with ERROR_FAIL.
 */
int ao_wait(struct ao *ao);
/* The same, with no signal taken: for programs that have their own way to end it. */
int ao_run(struct ao *ao);

#endif
