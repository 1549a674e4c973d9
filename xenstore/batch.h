/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_XENSTORE_BATCH_H
#define XLX_XENSTORE_BATCH_H

/*
 * Reading many nodes. libxenstore sends a request when the last one has been answered, so that each costs two changes of
 * process; here all are under way together, on connections of their own in the protocol of xen/io/xs_wire.h. xenstored
 * serves each connection's requests in their order and names the request in each answer. In a turn of its loop it takes
 * one request, or sends half an answer, of each connection, and a turn costs the more the more domains there are: so
 * several connections share the turns.
 */

#include <stddef.h>
#include <stdint.h>

#include <xenstore.h>

#include "base/gc.h"

/* How long xenstored may take for a batch, unless a caller knows better. */
#define STORE_BATCH_TIMEOUT_MS 60000
#define STORE_BATCH_CONNECTIONS 8

struct store_question {
    const char *path;
    size_t max; /* bytes of the value */

    /* The answer, as store_read gives it (never ERROR_FAIL); value is in the pool. */
    int rc;
    char *value;
};

/* Where to ask. fds: connections of store_socket() on which nothing else is read or asked; where there are none xs is
 * asked for one node after the other. */
struct store_batch {
    int fds[STORE_BATCH_CONNECTIONS];
    size_t fd_count;
    struct xs_handle *xs;
};

/* Opens as many connections as are worth their cost for so many questions. first, unless -1, is one that there is already
 * and belongs to the batch from now on. Opens none where xenstored has no socket, and fewer where it is slow. */
void store_batch_open(struct store_batch *batch, int first, size_t questions);
void store_batch_close(struct store_batch *batch);

/* Asks for all. ERROR_FAIL with errno: xenstored is gone, answers nonsense (EIO), or refuses a node; ERROR_TIMEDOUT.
 * After an error the answers mean nothing and the connections are of no use any more. */
int store_batch_read(const struct store_batch *batch, struct gc *gc, struct store_question *questions, size_t count,
                     uint64_t timeout_ms);

#endif
