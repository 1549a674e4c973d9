/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef FAKES_CTX_H
#define FAKES_CTX_H

/* A context on the fakes, whose messages are kept for the test. */

#include "core/ctx.h"

/* Also resets the fakes. */
struct xlx_ctx *fake_ctx_new(void);
/* Fails the test when a handle, watch, transaction or timer of the fakes is left. */
void fake_ctx_free(struct xlx_ctx *ctx);
/* For a process that was killed: its connections are closed, and with them go watches and open transactions. What stands
 * in the store and at the hypervisor stays. */
void fake_ctx_killed(struct xlx_ctx *ctx);
/* A context on what stands there. */
struct xlx_ctx *fake_ctx_again(void);
/* All messages of error level since the context was made or they were forgotten, a line each. */
const char *fake_messages(void);
unsigned fake_message_count(void);
/* The same of warnings, which are not counted. */
const char *fake_warnings(void);
void fake_messages_forget(void);

#endif
