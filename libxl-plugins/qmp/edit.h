/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_QMP_EDIT_H
#define XLX_QMP_EDIT_H

/*
 * Editing of lines with history, by libedit where it is installed. It is loaded when a person sits at a terminal, so
 * that neither the daemon nor a script carries it; without it lines are read as they come.
 */

#include <stdbool.h>

/* Prepares to edit; line is called with each line that is complete (malloc, the callee's), or NULL at the end of input;
 * editing pauses then. history: the file in which it is kept, NULL: none. Returns false when there is no libedit. */
bool edit_start(const char *prompt, const char *history, void (*line)(char *text));
/* Shows the prompt and takes a line. */
void edit_resume(void);
/* Standard input is readable. */
void edit_readable(void);
/* Around something that is printed while a line is edited. */
void edit_hide(void);
void edit_show(void);
void edit_stop(void);

#endif
