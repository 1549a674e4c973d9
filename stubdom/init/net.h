/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network: for each emulated card a tap, bridged with the PV card that this domain got under the
 * same MAC address.
 *
 * The PV card's own MAC is changed, or the bridge would keep the guest's packets for itself. No
 * interface gets an IP address and IPv6 is off, so this domain never speaks on the guest's network
 * by itself.
 */
#ifndef XL_EXT_STUBDOM_NET_H
#define XL_EXT_STUBDOM_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "stubdom/init/dm_argv.h"

/* Switch off IPv6 for every interface to come. Before modules_load("net"). */
void net_quiet(void);

/* The name of the interface with this MAC address. False when there is none. */
bool net_find(const uint8_t mac[DM_MAC_BYTES], char name[DM_IFNAME_BYTES]);

/*
 * Make tap and bridge for a card and connect them. Returns the tap's file descriptor
 * (close-on-exec, for QEMU to inherit by choice), or -1 after reporting.
 */
int net_connect(const struct dm_nic *nic);

/*
 * The guest has unplugged the emulated card and uses its own PV card under the same MAC from now
 * on: take the path of the emulated one down, or this domain would answer for it too. An unknown
 * devid is ignored.
 */
void net_disconnect(uint32_t devid);

#endif
