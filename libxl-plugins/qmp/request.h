/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_QMP_REQUEST_H
#define XLX_QMP_REQUEST_H

#include "base/json.h"

/*
 * What a person types, as a request:
 *
 *     query-balloon
 *     balloon value=134217728                 what parses as JSON is that, all else is a string
 *     balloon {"value": 134217728}            the arguments as one object
 *     {"execute": "balloon", ...}             the request itself
 *
 * command and arguments (NULL: none) may also come apart, as words of a command line. Returns NULL with a sentence in
 * *cause when it cannot be one.
 */
struct json *request_parse(struct gc *gc, const char *command, const char *arguments, const char **cause);
/* The same from one line. */
struct json *request_parse_line(struct gc *gc, const char *line, const char **cause);

#endif
