/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/lexer.h"

#include <string.h>

enum state {
    START, /* zero: a lexer begins here */
    RECOVERY,
    DOUBLE_QUOTED,
    DOUBLE_QUOTED_ESCAPE,
    SINGLE_QUOTED,
    SINGLE_QUOTED_ESCAPE,
    SIGN,
    ZERO,
    DIGITS,
    POINT,
    FRACTION,
    EXPONENT,
    EXPONENT_SIGN,
    EXPONENT_DIGITS,
    KEYWORD,
};

/* What a byte does in a state. */
struct step {
    enum state next;
    enum lexer_token token; /* that ends */
    bool again;             /* the byte is not part of it */
};

#define GO(state) ((struct step){(state), LEXER_NOTHING, false})
#define ENDS(token) ((struct step){START, (token), false})
#define ENDED_BEFORE(token) ((struct step){START, (token), true})
#define FAILS ((struct step){RECOVERY, LEXER_ERROR, false})

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_structural(unsigned char c)
{
    return c && strchr("{}[]:,", c);
}

static struct step from_start(unsigned char c)
{
    switch (c) {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
        return GO(START);
    case '"':
        return GO(DOUBLE_QUOTED);
    case '\'':
        return GO(SINGLE_QUOTED);
    case '-':
        return GO(SIGN);
    case '0':
        return GO(ZERO);
    case '{':
        return ENDS(LEXER_LEFT_CURLY);
    case '}':
        return ENDS(LEXER_RIGHT_CURLY);
    case '[':
        return ENDS(LEXER_LEFT_SQUARE);
    case ']':
        return ENDS(LEXER_RIGHT_SQUARE);
    case ':':
        return ENDS(LEXER_COLON);
    case ',':
        return ENDS(LEXER_COMMA);
    }
    if (is_digit(c))
        return GO(DIGITS);
    if (c >= 'a' && c <= 'z')
        return GO(KEYWORD);
    return FAILS;
}

static struct step in_string(unsigned char c, unsigned char quote, enum state string, enum state escape)
{
    if (c < 0x20 || c >= 0xfe)
        return FAILS;
    if (c == '\\')
        return GO(escape);
    return c == quote ? ENDS(LEXER_STRING) : GO(string);
}

static struct step in_escape(unsigned char c, enum state string)
{
    return c < 0x20 || c >= 0xfe ? FAILS : GO(string);
}

static struct step in_digits(unsigned char c, enum state digits, enum lexer_token token)
{
    if (is_digit(c))
        return GO(digits);
    if (c == 'e' || c == 'E')
        return GO(EXPONENT);
    if (c == '.' && digits == DIGITS)
        return GO(POINT);
    return ENDED_BEFORE(token);
}

static struct step step(enum state state, unsigned char c)
{
    switch (state) {
    case START:
        return from_start(c);
    case RECOVERY:
        /* Where to take up again is looked at once more, as the start of something. */
        if ((c < 0x20 && c != '\t') || c >= 0xfe || is_structural(c))
            return ENDED_BEFORE(LEXER_NOTHING);
        return GO(RECOVERY);
    case DOUBLE_QUOTED:
        return in_string(c, '"', DOUBLE_QUOTED, DOUBLE_QUOTED_ESCAPE);
    case DOUBLE_QUOTED_ESCAPE:
        return in_escape(c, DOUBLE_QUOTED);
    case SINGLE_QUOTED:
        return in_string(c, '\'', SINGLE_QUOTED, SINGLE_QUOTED_ESCAPE);
    case SINGLE_QUOTED_ESCAPE:
        return in_escape(c, SINGLE_QUOTED);
    case SIGN:
        return c == '0' ? GO(ZERO) : is_digit(c) ? GO(DIGITS) : FAILS;
    case ZERO:
        return c == '.' ? GO(POINT) : is_digit(c) ? FAILS : ENDED_BEFORE(LEXER_INTEGER);
    case DIGITS:
        return in_digits(c, DIGITS, LEXER_INTEGER);
    case POINT:
        return is_digit(c) ? GO(FRACTION) : FAILS;
    case FRACTION:
        return in_digits(c, FRACTION, LEXER_FLOAT);
    case EXPONENT:
        return c == '-' || c == '+' ? GO(EXPONENT_SIGN) : is_digit(c) ? GO(EXPONENT_DIGITS) : FAILS;
    case EXPONENT_SIGN:
        return is_digit(c) ? GO(EXPONENT_DIGITS) : FAILS;
    case EXPONENT_DIGITS:
        return is_digit(c) ? GO(EXPONENT_DIGITS) : ENDED_BEFORE(LEXER_FLOAT);
    case KEYWORD:
        return c >= 'a' && c <= 'z' ? GO(KEYWORD) : ENDED_BEFORE(LEXER_KEYWORD);
    }
    return FAILS;
}

enum lexer_token lexer_step(struct lexer *lexer, char byte, bool *consumed)
{
    struct step s = step(lexer->state, (unsigned char)byte);

    if (lexer->ended) {
        lexer->token.len = 0;
        lexer->ended = false;
    }
    *consumed = !s.again;
    if (!s.again)
        text_add(&lexer->token, &byte, 1);
    lexer->state = s.next;
    /* Blanks, and what is skipped, belong to no token. */
    lexer->ended = s.token != LEXER_NOTHING || s.next == START || s.next == RECOVERY;
    return s.token;
}

void lexer_reset(struct lexer *lexer)
{
    lexer->state = START;
    lexer->ended = true;
}

void lexer_dispose(struct lexer *lexer)
{
    text_free(&lexer->token);
    *lexer = (struct lexer){0};
}
