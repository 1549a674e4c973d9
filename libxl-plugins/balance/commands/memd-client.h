/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_COMMANDS_MEMD_CLIENT_H
#define XLX_BALANCE_COMMANDS_MEMD_CLIENT_H

/*
 * The commands' end of memd's control socket (balance/service/control.h). For short-lived programs: calls wait, each at most as
 * long as it is told to. The socket is RUN_FOLDER/control.sock; $XL_EXT_RUN_FOLDER names another folder.
 */

#include "base/json.h"
#include "core/ctx.h"

/* memd answers within this or is in trouble. */
#define MEMD_TIMEOUT_MS 10000

struct memd_client;

/* ERROR_NOTFOUND: memd does not run (not logged: memd_missing does); others are logged. */
int memd_connect(struct xlx_ctx *ctx, struct memd_client **client);
/* NULL is allowed. */
void memd_disconnect(struct memd_client *client);
/* Logs that memd is needed and does not run; returns the exit status for that. */
int memd_missing(struct xlx_ctx *ctx);

/* Arguments of a call: a writer inside an open object; NULL: none. */
struct json_writer *memd_arguments(struct gc *gc);
/* Calls and waits for the answer. *result lives in gc. An error that memd reports is logged: ERROR_FAIL. Events that
 * come meanwhile are kept for memd_event. */
int memd_call(struct memd_client *client, struct gc *gc, const char *command, struct json_writer *arguments,
              const struct json **result);
/* Sends a call whose answer comes late; memd_event returns it as a message with "return" or "error". */
int memd_send(struct memd_client *client, const char *command, struct json_writer *arguments);
/* The next message, in gc. ERROR_TIMEDOUT; ERROR_FAIL (logged): memd has gone. timeout_ms UINT64_MAX: for ever. */
int memd_event(struct memd_client *client, struct gc *gc, uint64_t timeout_ms, const struct json **message);
/* For poll(2). Messages that were read already are not seen by it: memd_event with 0 first. */
int memd_fd(const struct memd_client *client);

#endif
