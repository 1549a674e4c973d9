/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes on their way to the QEMU in dom0 that serves this domain's consoles.
 *
 * The kernel waits, with interrupts off and for ever, until a console's ring of 2048 bytes has room. When the QEMU in
 * dom0 is dead or hangs, nobody makes room, and this domain with its only CPU would stand still, and the guest with it.
 * So no more is written than one piece of 256 bytes, which the kernel puts into the ring at once, until dom0's QEMU has
 * taken it: an interrupt of the console says so. Nothing that was queued is given up: the bytes go on when dom0's QEMU
 * does.
 *
 * Pure but for write(): the host compiles this file for unit tests.
 */
#ifndef XL_EXT_STUBDOM_OUTBOX_H
#define XL_EXT_STUBDOM_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTBOX_PIECE_BYTES 256 /* hvc_xen's buffer: one piece is one event for dom0, and one of dom0's in return */
#define OUTBOX_STUCK_MS 10000  /* dom0 may be busy for seconds; libxl itself waits for the answer as long as it takes */
#define OUTBOX_BYTES_MAX (20u << 20)

struct outbox {
    /* filled in by the caller */
    int fd; /* non-blocking */
    /* How many interrupts of the console there have been. Returns false when that cannot be told. */
    bool (*taken)(void *arg, uint64_t *count);
    void *arg;

    /* result */
    uint64_t pieces; /* that dom0's QEMU has taken */

    /* private */
    uint8_t *data;
    size_t used, sent;
    bool waiting; /* for the last piece to be taken */
    uint64_t taken_before;
    int64_t since_ms;
};

enum outbox_state {
    OUTBOX_EMPTY, /* all is with dom0's QEMU */
    OUTBOX_BUSY,
    OUTBOX_STUCK, /* dom0's QEMU has taken nothing for OUTBOX_STUCK_MS, or the descriptor has failed */
};

/* Appends a copy. False: out of memory, nothing is appended. */
bool outbox_add(struct outbox *outbox, const void *data, size_t len);

/* Moves what can be moved without waiting; now_ms of a clock that never goes back. */
enum outbox_state outbox_pump(struct outbox *outbox, int64_t now_ms);

#endif
