/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/stream.h"

#include <stdlib.h>

#include "monitor/parser.h"

/* Longer buffers are given back after a message. */
#define KEEP_BYTES 1024

const struct stream_limits stream_client_limits = {10u << 20, 2u << 20};
static const struct stream_limits server_limits = {STREAM_BYTES_MAX, STREAM_TOKENS_MAX};

static const struct stream_limits *limits_of(const struct stream *s)
{
    return s->limits ? s->limits : &server_limits;
}

static void forget_message(struct stream *s)
{
    s->token_count = 0;
    s->token_bytes = 0;
    s->curly = s->square = 0;
    s->texts.len = 0;
    if (s->texts.capacity > KEEP_BYTES)
        text_free(&s->texts);
    if (s->token_capacity * sizeof(*s->tokens) > KEEP_BYTES) {
        free(s->tokens);
        s->tokens = NULL;
        s->token_capacity = 0;
    }
    /* A token that has just ended may be asked for still; its buffer goes with the next one's end. */
    if (s->lexer.ended && s->lexer.token.capacity > KEEP_BYTES)
        text_free(&s->lexer.token);
}

static void keep_token(struct stream *s, enum lexer_token type)
{
    struct stream_token *t;

    if (s->token_count == s->token_capacity) {
        s->token_capacity = s->token_capacity ? s->token_capacity * 2 : 16;
        s->tokens = reallocarray(s->tokens, s->token_capacity, sizeof(*s->tokens));
        if (!s->tokens)
            abort();
    }
    t = &s->tokens[s->token_count++];
    *t = (struct stream_token){type, s->texts.len, s->lexer.token.len};
    text_add(&s->texts, s->lexer.token.bytes, s->lexer.token.len);
    text_add(&s->texts, "", 1);
    s->token_bytes += s->lexer.token.len;
}

static const char *limit_exceeded(const struct stream *s)
{
    if (s->token_bytes + s->lexer.token.len + 1 > limits_of(s)->bytes)
        return "JSON token size limit exceeded";
    if (s->token_count + 1 > limits_of(s)->tokens)
        return "JSON token count limit exceeded";
    if (s->curly + s->square > STREAM_NESTING_MAX)
        return "JSON nesting depth limit exceeded";
    return NULL;
}

static void token_ended(struct stream *s, struct gc *gc, enum lexer_token type, struct stream_message *message)
{
    s->curly += (type == LEXER_LEFT_CURLY) - (type == LEXER_RIGHT_CURLY);
    s->square += (type == LEXER_LEFT_SQUARE) - (type == LEXER_RIGHT_SQUARE);
    if (type == LEXER_ERROR) {
        message->error =
            gc_printf(gc, "JSON parse error, stray '%s'", gc_strndup(gc, s->lexer.token.bytes, s->lexer.token.len));
    } else {
        message->error = limit_exceeded(s);
        if (!message->error) {
            keep_token(s, type);
            if ((s->curly > 0 || s->square > 0) && s->curly >= 0 && s->square >= 0)
                return;
            message->value = parser_parse(gc, s->texts.bytes, s->tokens, s->token_count, &message->error);
        }
    }
    forget_message(s);
}

size_t stream_feed(struct stream *stream, struct gc *gc, const char *bytes, size_t len, struct stream_message *message)
{
    size_t i = 0;

    *message = (struct stream_message){0};
    while (i < len && !message->value && !message->error) {
        bool consumed;
        enum lexer_token type = lexer_step(&stream->lexer, bytes[i], &consumed);

        i += consumed;
        if (type != LEXER_NOTHING) {
            token_ended(stream, gc, type, message);
        } else if (stream->lexer.token.len > limits_of(stream)->bytes) {
            message->error = "JSON token size limit exceeded";
            lexer_reset(&stream->lexer);
            forget_message(stream);
        }
    }
    return i;
}

void stream_dispose(struct stream *stream)
{
    lexer_dispose(&stream->lexer);
    text_free(&stream->texts);
    free(stream->tokens);
    *stream = (struct stream){0};
}
