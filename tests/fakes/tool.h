/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef FAKES_TOOL_H
#define FAKES_TOOL_H

/* A command as the tool runs it, with the tool's own parser and its own tables and JSON, in a context of the fakes. */

#include "core/ctx.h"
#include "xlx-plugin.h"

/* Runs it with these words behind its name, in one string with blanks between; "--json" and "--quiet" may be among them.
 * Returns the exit status. */
int tool_run(struct xlx_ctx *ctx, const struct xlx_command *command, const char *words);
/* What the last one wrote to standard output; in static memory. */
const char *tool_said(void);
/* The test fails unless the command ends with that status and has said that text (NULL: anything). */
void tool_says(struct xlx_ctx *ctx, const struct xlx_command *command, const char *words, int status, const char *text);

#endif
