/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MONITOR_LEXER_H
#define XLX_MONITOR_LEXER_H

/*
 * Bytes to tokens, in QMP's dialect: RFC 8259, plus strings in single quotes and the escape \'. Where it errs and where
 * it takes up again is what QEMU 7.2 does (qobject/json-lexer.c): after a byte that cannot stand, everything up to the
 * next structural character, control character other than a tab, or byte FE or FF is skipped.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

enum lexer_token {
    LEXER_NOTHING, /* no token has ended */
    LEXER_ERROR,   /* its text holds the byte that cannot stand, too */
    LEXER_LEFT_CURLY,
    LEXER_RIGHT_CURLY,
    LEXER_LEFT_SQUARE,
    LEXER_RIGHT_SQUARE,
    LEXER_COLON,
    LEXER_COMMA,
    LEXER_INTEGER,
    LEXER_FLOAT,
    LEXER_KEYWORD,
    LEXER_STRING,
};

/* Zeros: at the start, nothing allocated. */
struct lexer {
    unsigned state;
    struct text token; /* of the token that is being read, or has just ended */
    bool ended;
};

/* Takes one byte. When a token has ended, returns its kind, with its text in lexer->token until the next call.
 * *consumed: false when the byte did not belong to that token, and must be given again. */
enum lexer_token lexer_step(struct lexer *lexer, char byte, bool *consumed);
/* Forgets what was read, as at the start. */
void lexer_reset(struct lexer *lexer);
void lexer_dispose(struct lexer *lexer);

#endif
