/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MONITOR_CONNECTION_H
#define XLX_MONITOR_CONNECTION_H

/*
 * A client's end of a QMP connection, to memd or to a real QEMU.
 *
 *   connection_open: connect, greeting, qmp_capabilities --> Open --connection_close--> gone
 *                                                            Open --the server leaves: lost()--> only close is left
 *   connection_start: connect --> Started --greeted(), nothing is negotiated--> Started --the server leaves: lost()-->
 *
 * Functions that say so run the loop, and must not be called from within it; SIGINT and SIGTERM end them with
 * ERROR_ABORTED.
 */

#include <sys/queue.h>

#include "core/ctx.h"
#include "monitor/stream.h"

struct connection_kept;

struct connection {
    /* filled in by the caller; may be changed at any time; NULL: nobody is told */
    void (*event)(struct connection *connection, const struct json *event);
    void (*greeted)(struct connection *connection);
    void (*lost)(struct connection *connection);
    void *arg;
    const char *advice; /* what to do when nobody serves the path; NULL: nothing */
    const char *name;   /* of the server, in messages; NULL: the path */
    bool may_be_absent; /* nobody serves the path: ERROR_NOTFOUND, and nothing is logged */
    bool keeps;         /* messages for which nobody waits are kept for connection_next, oldest first */
    /* The server is Xen's vchan-socket-proxy, before a QEMU in a stub domain: it ends for good when its client closes
     * with something unread, or while it writes. connection_close then says that it will write no more, and reads to
     * the end. */
    bool behind_proxy;

    /* private */
    struct xlx_ctx *ctx;
    const char *path;
    int fd;
    struct ev_fd ev;
    struct stream stream;
    struct text out;
    struct gc *reply_gc; /* of the last reply, or of the last message from connection_next */
    const struct json *reply;
    STAILQ_HEAD(connection_queue, connection_kept) kept;
    uint64_t last_id;
    enum { CONNECTION_IDLE, CONNECTION_GREETING, CONNECTION_REPLY, CONNECTION_MESSAGE } awaits;
    struct connection_waiter *waiter; /* whoever waits for what is awaited */
    bool is_lost;
    bool is_garbled; /* lost because of what came, which has been logged */
};

/* Runs the loop. path must stay valid. Logs what went wrong: nobody serves the path, no permission, no QMP, time is up.
 */
int connection_open(struct connection *connection, struct xlx_ctx *ctx, const char *path, uint64_t timeout_ms);
/* Only connects, and waits for nothing. */
int connection_start(struct connection *connection, struct xlx_ctx *ctx, const char *path);
/* Called from within the loop that waits for an answer: it is waited for no longer, and who has asked gets ERROR_ABORTED.
 * Without effect when nobody waits. */
void connection_give_up(struct connection *connection);
/* Says that no more will be written; the server's end is told by lost(). */
void connection_finish(struct connection *connection);
/* Runs the loop behind a proxy. */
void connection_close(struct connection *connection);

/*
 * Sends a command and runs the loop until its reply is there. arguments: an object or NULL. Returns 0 with the reply
 * message, which has "return" or "error" and is valid until the next call; ERROR_TIMEDOUT, ERROR_ABORTED, or ERROR_FAIL
 * when the connection is lost, or what comes is no QMP and it is given up (logged).
 */
int connection_call(struct connection *connection, const char *command, const struct json *arguments,
                    uint64_t timeout_ms, const struct json **reply);
/* The same for a request as a user wrote it, whatever it is; its id is replaced. */
int connection_request(struct connection *connection, struct gc *gc, struct json *request, uint64_t timeout_ms,
                       const struct json **reply);
/* Sends a command whose reply comes late, as a message for connection_next. ERROR_FAIL (logged): the connection is lost.
 */
int connection_send(struct connection *connection, const char *command, const struct json *arguments);
/* The next message that nobody waited for, for a connection that keeps them; valid until the next call. Runs the loop
 * until one comes, with UINT64_MAX for ever; with 0 only takes what has come already. ERROR_TIMEDOUT (not logged),
 * ERROR_ABORTED, ERROR_FAIL (logged). */
int connection_next(struct connection *connection, uint64_t timeout_ms, const struct json **message);

#endif
