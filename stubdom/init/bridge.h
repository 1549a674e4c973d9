/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The vchan server through which dom0 reaches QEMU's QMP socket. The other side is Xen's
 * vchan-socket-proxy, one client at a time.
 *
 * The client's side of a vchan says "connected" and "gone" by overwriting one byte in the shared
 * ring. A client that comes back faster than the server looks leaves no trace of having been away,
 * and the new one waits for ever for QMP's greeting. Two measures, so that every connection of a
 * client is one connection to QEMU, with its greeting:
 *
 * - A vchan serves one client. Its address is taken out of xenstore as soon as a client is there,
 * and a fresh vchan is published when it has gone; a client in between waits for the address, as
 * vchan-socket-proxy does.
 * - The server marks the byte when it has noticed a client. A new client overwrites the mark, so
 * even one that took the old address in the moment before it was removed is told from the one
 * before.
 *
 *     NONE -> PUBLISHED -> CONNECTED -> PUBLISHED ...
 */
#ifndef XL_EXT_STUBDOM_BRIDGE_H
#define XL_EXT_STUBDOM_BRIDGE_H

#include <poll.h>
#include <stdint.h>

#include "stubdom/init/qmp_socket.h"

#define BRIDGE_POLL_FDS 2

/* Publish the first vchan, below this domain's device-model/GUEST_DOMID. Returns 0, or -1 after
 * reporting. */
int bridge_start(uint32_t domid, uint32_t guest_domid, const struct qmp_socket *socket);

/* Fill in what to poll for (unused entries have fd -1). */
void bridge_prepare(struct pollfd fds[BRIDGE_POLL_FDS]);

/* Act on what poll said. Returns 0, or -1 after reporting when dom0 cannot reach QEMU any more. */
int bridge_dispatch(const struct pollfd fds[BRIDGE_POLL_FDS]);

#endif
