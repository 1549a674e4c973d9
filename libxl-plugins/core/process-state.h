/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_PROCESS_STATE_H
#define XLX_CORE_PROCESS_STATE_H

#include <stdbool.h>

#include "base/gc.h"

/* The state of a process, whose number is given as text, as /proc has it ('R', 'S', 'T', ...); 0: there is none. */
char process_state(struct gc *gc, const char *pid);

/* Is it there, and neither dead nor stopped? */
bool process_runs(struct gc *gc, const char *pid);

#endif
