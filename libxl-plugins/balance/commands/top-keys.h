/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_COMMANDS_TOP_KEYS_H
#define XLX_BALANCE_COMMANDS_TOP_KEYS_H

/* What a terminal sends, as keys. The sequences are those of ECMA-48 terminals: xterm, tmux, screen, Linux' console, vt100
 * and their like agree on these keys but for a few variants, which are all known here. */

#include <stddef.h>

/* A byte is a key of its own; these are the others. */
enum top_key {
    TOP_KEY_NONE = 0,
    TOP_KEY_CTRL_C = 3,
    TOP_KEY_BACKSPACE = 8,
    TOP_KEY_ENTER = '\r',
    TOP_KEY_CTRL_L = 12,
    TOP_KEY_CTRL_Z = 26,
    TOP_KEY_ESCAPE = 27,
    TOP_KEY_UP = 256,
    TOP_KEY_DOWN,
    TOP_KEY_PAGE_UP,
    TOP_KEY_PAGE_DOWN,
    TOP_KEY_HOME,
    TOP_KEY_END,
};

/* Zeros: nothing is pending. */
struct top_keys {
    char pending[16];
    size_t count;
};

/* The key that a byte completes, or TOP_KEY_NONE. A sequence that nobody knows is swallowed. */
int top_keys_feed(struct top_keys *keys, unsigned char byte);
/* Nothing came for a while: the key that is pending, which is Escape itself, or TOP_KEY_NONE. */
int top_keys_flush(struct top_keys *keys);

#endif
