/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef FAKES_BRIDGE_SIDES_H
#define FAKES_BRIDGE_SIDES_H

/* Both sides of the QMP bridge of the stub domain's init: a QEMU, and a client as Xen's vchan-socket-proxy is one. */

#include <stdbool.h>
#include <stddef.h>

/* it has no guard of its own: who includes this header does not include it */
#include <libxenvchan.h>

#include "stubdom/init/qmp_socket.h"

#define ADDRESS "/local/domain/5/device-model/4/qmp-vchan"
#define GREETING "{\"QMP\": 1}\n"

extern struct qmp_socket listener; /* QEMU's */
extern bool works;                 /* the bridge has not failed */
extern char said[65536];           /* by report(), in this test */

/* cmocka's setups and teardown. The bridge is made for one domain's life and has no end: one serves all tests, each with
 * a QEMU of its own. */
int bridge_start_all(void **state);
int bridge_start_one(void **state);
int bridge_stop_one(void **state);

/* Init's loop, until there is nothing to do; returns how many times it woke up. */
unsigned turn(void);

/* ---- QEMU; the descriptor is its side of one connection ---- */

int qemu_accepts(void);
void qemu_says(int qemu, const char *text);
void qemu_hears(int qemu, const char *text);
/* A QEMU that is well: it serves the bridge's next connection. Returns that, greeted. */
int qemu_greets(void);
/* Closes it. */
bool qemu_was_left(int qemu);

/* ---- the client in dom0 ---- */

/* NULL: there is no address, and vchan-socket-proxy would wait for one. */
struct libxenvchan *client_comes(void);
void client_says(struct libxenvchan *client, const char *text);
void client_hears(struct libxenvchan *client, const char *text);
void client_leaves(struct libxenvchan *client);

/* A client that does what xl does: it is greeted, asks and gets its answer. */
void a_conversation_works(void);

#endif
