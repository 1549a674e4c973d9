/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MONITOR_STREAM_H
#define XLX_MONITOR_STREAM_H

/*
 * A stream of bytes to messages. A message ends where its brackets balance; no newline is needed, and several may come
 * in one read. An error takes the place of a message, the stream goes on behind it. Pure: no I/O. Texts of errors and
 * the order of checks are QEMU 7.2's (qobject/json-streamer.c and json-parser.c); the limits are lower, since a Xen
 * host does not spend 64 MiB on a client.
 */

#include "monitor/lexer.h"

#define STREAM_BYTES_MAX (256u << 10) /* of the tokens of a message; QEMU: 64 MiB */
#define STREAM_TOKENS_MAX (16u << 10) /* of a message; QEMU: 2 Mi */
#define STREAM_NESTING_MAX 1024       /* as QEMU */

struct stream_limits {
    size_t bytes, tokens;
};
/* Of a client: what a real QEMU answers is larger than what a server must take. Bytes are libvirt's limit, tokens
 * QEMU's own. */
extern const struct stream_limits stream_client_limits;

struct stream_token {
    enum lexer_token type;
    size_t start, len; /* in the stream's texts */
};

/* Zeros: at the start, nothing allocated. Between messages a stream holds next to nothing. */
struct stream {
    const struct stream_limits *limits; /* filled in by the caller; NULL: a server's, those above */
    struct lexer lexer;
    struct text texts; /* of the tokens of this message, each terminated */
    struct stream_token *tokens;
    size_t token_count, token_capacity;
    size_t token_bytes;
    int curly, square; /* open so far */
};

struct stream_message {
    struct json *value; /* NULL: none has ended, or error */
    const char *error;  /* NULL: none */
};

/* Takes bytes until a message or an error is complete, or all are taken; returns how many. The message lives in gc. To
 * be called again with the rest as long as there is one. */
size_t stream_feed(struct stream *stream, struct gc *gc, const char *bytes, size_t len, struct stream_message *message);
void stream_dispose(struct stream *stream);

#endif
