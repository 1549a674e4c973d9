/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What init reads from xenstore and what it writes. Functions report what fails. */
#ifndef XL_EXT_STUBDOM_STORE_H
#define XL_EXT_STUBDOM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_guest {
    uint32_t domid;       /* this domain */
    uint32_t guest_domid; /* the guest whose device model this is */
    char **argv;          /* QEMU's arguments; argv[0] is NULL for the caller to fill in, argv[argc] is NULL */
    size_t argc;
};

/*
 * Read who this domain works for, and QEMU's arguments. libxl has written all of it before it lets
 * this domain run, so nothing is waited for. A serial port that the guest's configuration wants to be "none" is none, as it
 * is with a device model in dom0: libxl gives QEMU a console all the same, which dom0's QEMU from 8.2 on does not serve.
 * Returns 0, or -1 when something is missing or malformed. The memory lives as long as init.
 */
int store_read_guest(struct store_guest *guest);

/*
 * Have dom0's QEMU (8.2 or later) take what is said on this domain's first console, unless somebody in dom0 has done so: it waits
 * for a state of the front end that Linux never writes for that console. An older QEMU needs nothing.
 */
void store_connect_console(void);

/*
 * Is this domain's console of that number (1 to 31) connected with dom0? Linux lets a program open it before that, and stands still
 * when its ring is full, for good if nobody comes. Asks xenstore anew each time; what cannot be read is not connected.
 */
bool store_console_is_connected(unsigned number);

/* Of device-model/GUEST, what libxl waits for. */
#define STORE_STATE "state"
#define STORE_RUNNING "running"
/* Nodes of xl-ext's own below device-model/GUEST, which libxl does not know. */
#define STORE_EXIT "exit"        /* QEMU's end: "exited 1", "signal 11", "failed devices" */
#define STORE_SAVE "xl-ext/save" /* the format in which the guest can be saved: "1"; else "no: REASON" */
#define STORE_SAVE_FORMAT "1"
#define STORE_SAVED "xl-ext/saved" /* the last state that dom0 has: "NUMBER BYTES CRC" */

/* Leave a word for the toolstack in one of these. A failure is reported only: the console has the same news. */
void store_write(const struct store_guest *guest, const char *node, const char *text);

#endif
