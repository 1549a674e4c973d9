/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_QMP_SHELL_H
#define XLX_QMP_SHELL_H

#include "monitor/connection.h"
#include "xlx-plugin.h"

/* Prints a reply on standard output, or its error on standard error; returns an enum xlx_exit. */
int shell_show_reply(struct connection *connection, const struct json *reply);
void shell_show_event(struct connection *connection, const struct json *event);

/*
 * Reads requests from standard input, a line each, and shows replies and events, until the input ends. At a terminal
 * lines are edited and kept in a history. Runs the loop. Returns an enum xlx_exit: of the last request from a script,
 * DONE for a person.
 */
int shell_run(struct connection *connection, const char *prompt, uint64_t timeout_ms);

#endif
