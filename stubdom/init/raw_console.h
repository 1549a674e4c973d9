/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The consoles by which libxl moves the device model's state, opened so that not a byte is changed, lost or echoed.
 *
 * A console starts as a terminal for people: with echo, which dom0 writes into the very file that it reads from. What
 * arrives is handed to the terminal's line discipline by a worker of the kernel, an ordinary process. While init is a
 * real-time process it cannot run on this domain's only CPU; so between open() and the switch to raw mode nothing is
 * lost or echoed.
 */
#ifndef XL_EXT_STUBDOM_RAW_CONSOLE_H
#define XL_EXT_STUBDOM_RAW_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#define CONSOLE_SAVE "/dev/hvc1"    /* libxl: STUBDOM_CONSOLE_SAVE */
#define CONSOLE_RESTORE "/dev/hvc2" /* libxl: STUBDOM_CONSOLE_RESTORE */

struct raw_console {
    int fd;       /* non-blocking, close-on-exec */
    unsigned irq; /* its interrupt's number */
};

/* Opens it; it must not be open yet, and stays open, for closing it would make it a terminal again. Returns 0, or -1
 * after reporting, also when real-time priority cannot be had or there is more than one CPU. */
int raw_console_open(struct raw_console *console, const char *path);

/* How often dom0 has given notice: that it has taken what was written, or has written itself. arg is the struct
 * raw_console. Returns false when that cannot be told. As struct outbox wants it. */
bool raw_console_taken(void *arg, uint64_t *count);

/* ---- the part that only looks at text (interrupts.c), apart for unit tests ---- */

#define INTERRUPTS_MAX 64

struct interrupts {
    unsigned irqs[INTERRUPTS_MAX]; /* of consoles */
    unsigned count;
};

/* The consoles' interrupts in the text of /proc/interrupts. */
void interrupts_of_consoles(const char *text, struct interrupts *found);
/* The one that is in after and not in before. Returns false unless there is exactly one. */
bool interrupts_added(const struct interrupts *before, const struct interrupts *after, unsigned *irq);
/* How often an interrupt has come, of all CPUs together. Returns false when it is not there. */
bool interrupts_count(const char *text, unsigned irq, uint64_t *count);

#endif
