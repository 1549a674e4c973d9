/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device model's state on its way out, when libxl saves or migrates the guest.
 *
 * libxl has QEMU write the state to QEMU's descriptor set 1, and when QEMU says that it has done so libxl reads a file in
 * dom0. What stands between the two is here: the set is a file in this domain's memory; the state goes through console 1
 * to the QEMU in dom0 that writes that file; and QEMU's answer is held back by the bridge until the state has arrived.
 *
 *     IDLE -> WRITING (QEMU writes) -> SENDING -> IDLE
 *
 * A client that leaves in between does not stop what has begun: dom0's file must hold whole frames only.
 */
#ifndef XL_EXT_STUBDOM_SAVE_H
#define XL_EXT_STUBDOM_SAVE_H

#include <stdbool.h>
#include <stdint.h>

#include "stubdom/init/outbox.h"

/* Takes console 1 for what is sent (it belongs to init for good), and makes the file. Returns the descriptor for QEMU's
 * "-add-fd fd=N,set=1", the caller's, or -1 after reporting: the guest then runs without being able to be saved. */
int save_prepare(struct outbox *console);

/* Saving is impossible from now on: cause is a static text. The first one stays. */
void save_disable(const char *cause);
/* NULL: the guest can be saved, at this moment as far as is known. */
const char *save_why_not(void);

/* QEMU is about to be told to save. Returns NULL, or why it must not be (a static text). */
const char *save_begin(void);

enum save_progress {
    SAVE_SENDING,
    SAVE_SENT, /* dom0's file has the whole state */
    SAVE_FAILED,
};

/* QEMU says that it has saved: the sending begins. Returns NULL, or why it cannot (a static text): the save has failed. */
const char *save_written(void);
/* What has become of it. SAVE_SENT or SAVE_FAILED is said once. */
enum save_progress save_progress(void);
/* Nobody waits for it any more, or QEMU could not save. */
void save_abandon(void);

/* The guest goes on: what was saved of it before is not its state any more. */
void save_guest_goes_on(void);

/* Sends what can be sent, now and then: how long poll() may wait until the next call, in milliseconds, or -1. */
int save_pump(void);

/* Of the last state that was sent: "NUMBER BYTES CRC", for the toolstack; empty: none was. */
const char *save_last(void);

#endif
