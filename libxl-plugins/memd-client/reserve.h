/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MEMD_CLIENT_RESERVE_H
#define XLX_MEMD_CLIENT_RESERVE_H

/* Memory that memd holds free for a start: a reservation that lives with the connection to memd, or a while longer. */

#include "memd-client/client.h"
#include "xlx-plugin.h"

struct reserve_wish {
    uint64_t size_memkb, min_memkb; /* min 0: all of it */
    uint64_t timeout_ms;            /* 0: wait for ever */
    const char *uuid;               /* of the domain that will be built with it, or NULL */
    int64_t domid;                  /* of one that exists, or -1 */
    uint64_t keep_ms;               /* how long a ready one outlives the connection */
};

#define RESERVE_NAME_LEN 32

struct reserve_got {
    char id[RESERVE_NAME_LEN];
    uint64_t memkb;
    uint64_t keep_ms;
    uint64_t since_ms; /* CLOCK_MONOTONIC, as memd has been told by then */
};

/* Waits until it is ready (or handed). ERROR_TIMEDOUT when time is up; all failures are logged. ui (may be NULL) tells the
 * user that it takes time. When memd ends meanwhile and is started again, *client is another connection, or NULL after a
 * failure. */
int reserve_wait(struct xlx_ctx *ctx, struct xlx_ui *ui, struct memd_client **client, const struct reserve_wish *wish,
                 struct reserve_got *got);

/* It has served its purpose: what its domain holds by now is the domain's own, the rest is free again. One that is over
 * already is no error. Takes a connection of its own: the one that holds a reservation waits for an answer. */
void reserve_give_back(struct xlx_ctx *ctx, const char *id);

/* Runs a program with these arguments and waits for it; returns its exit status, 128 + signal when one ended it, or -1
 * (logged). Meanwhile got is held through *client or, when memd ends, through another connection as soon as it is there
 * again; *client NULL: nothing is held. over (may be NULL) is asked now and then: when it returns true the reservation
 * has served its purpose, and *client is closed while the program runs on. */
int run_program_holding(struct xlx_ctx *ctx, char **argv, struct memd_client **client, const struct reserve_got *got,
                        bool (*over)(void *arg), void *arg);

#endif
