/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MONITOR_PARSER_H
#define XLX_MONITOR_PARSER_H

#include "monitor/stream.h"

/* The value that the tokens of one message make, in gc, or NULL with the sentence of the first error. */
struct json *parser_parse(struct gc *gc, const char *texts, const struct stream_token *tokens, size_t count,
                          const char **error);

#endif
