/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What init reads from xenstore and the one thing it writes. Functions report what fails. */
#ifndef XL_EXT_STUBDOM_STORE_H
#define XL_EXT_STUBDOM_STORE_H

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
 * this domain run, so nothing is waited for. Returns 0, or -1 when something is missing or
 * malformed. The memory lives as long as init.
 */
int store_read_guest(struct store_guest *guest);

/*
 * Leave a word about QEMU's end for the toolstack in device-model/GUEST/exit ("exited 1", "signal
 * 11"), a node of xl-ext's own that libxl does not know. A failure is reported only: the console
 * has the same news.
 */
void store_write_exit(const struct store_guest *guest, const char *text);

#endif
