/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_COMMANDS_TERMINAL_H
#define XLX_BALANCE_COMMANDS_TERMINAL_H

/* The terminal of a program that fills its screen: standard input and output. One at a time. Why not ncurses:
 * docs/mem-top.md. */

#include "balance/commands/top-screen.h"

/* Takes the terminal: another screen, keys one by one and unseen, no cursor. However the program ends, the terminal is
 * as before. False: standard input is no terminal. */
bool terminal_take(void);
void terminal_give_back(void);
/* Gives the terminal back, stops the program as Ctrl-Z does elsewhere, and takes the terminal again when the program goes
 * on. Nothing of what was shown is there any more. */
void terminal_suspend(void);

struct top_size terminal_size(void);
/* Shows lines, and writes only those that are not there yet. */
void terminal_show(const struct top_lines *lines);
/* What is on the screen is not known any more: the next terminal_show writes all. */
void terminal_forget(void);

#endif
