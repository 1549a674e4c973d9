/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MEMD_CLIENT_CLIENT_H
#define XLX_MEMD_CLIENT_CLIENT_H

/*
 * The commands' end of memd's control socket (memd-client/control.h). Calls run the loop until memd has answered;
 * SIGINT and SIGTERM end them with ERROR_ABORTED. The socket is RUN_FOLDER/control.sock, for one of memd's readers
 * RUN_FOLDER/look.sock; $XL_EXT_RUN_FOLDER names another folder.
 */

#include "base/json.h"
#include "core/ao.h"

/* memd answers within this or is in trouble. */
#define MEMD_TIMEOUT_MS 10000

struct memd_client;

/* ERROR_NOTFOUND: memd does not run (not logged: memd_missing does); ERROR_TIMEDOUT: it does not answer within
 * MEMD_TIMEOUT_MS; ERROR_ABORTED, ERROR_FAIL. All but the first are logged. */
int memd_connect(struct xlx_ctx *ctx, struct memd_client **client);
/* The same, tried until timeout_ms have passed. Not logged. */
int memd_connect_within(struct xlx_ctx *ctx, uint64_t timeout_ms, struct memd_client **client);
/* NULL is allowed. */
void memd_disconnect(struct memd_client *client);
/* Logs that memd is needed and does not run; returns the exit status for that. */
int memd_missing(struct xlx_ctx *ctx);

/* Calls and waits for the answer. arguments: an object or NULL. *result (may be NULL) is valid until the next call or
 * event. An error that memd reports, and one to reach it, is logged: ERROR_FAIL. Events that come meanwhile are kept
 * for memd_event. */
int memd_call(struct memd_client *client, const char *command, const struct json *arguments,
              const struct json **result);
/* The same for who knows better what to say of what memd refuses: ERROR_INVAL, not logged. */
int memd_ask(struct memd_client *client, const char *command, const struct json *arguments, const struct json **result);
/* The call that waits for its answer, from within its loop, ends with ERROR_ABORTED. */
void memd_give_up(struct memd_client *client);
/* Sends a call whose answer comes late; memd_event returns it as a message with "return" or "error". */
int memd_send(struct memd_client *client, const char *command, const struct json *arguments);
/* The next message, valid until the next call or event. ERROR_TIMEDOUT; ERROR_FAIL (logged): memd has gone. timeout_ms
 * 0: only what has come already, without running the loop; UINT64_MAX: for ever. */
int memd_event(struct memd_client *client, uint64_t timeout_ms, const struct json **message);

#endif
