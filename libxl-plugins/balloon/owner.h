/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_OWNER_H
#define XLX_BALLOON_OWNER_H

/*
 * Whose a domain's memory target is: the record at path_target_owner, which memd keeps for each domain that it
 * balances. "KIB UUID": KIB is the last target that memd wrote or took for its own; "0 UUID": the target is somebody
 * else's, whatever its value. The UUID tells the domain from an older one with the same domid, whose record counts for
 * nothing.
 */

#include <stdint.h>

#include <xenstore.h>

/* memd's own target of this very domain, or 0: somebody else's. ERROR_NOTFOUND: there is no record of it. */
int owner_read(struct xs_handle *xs, xs_transaction_t t, uint32_t domid, const char *uuid, uint64_t *own_memkb);
int owner_write(struct xs_handle *xs, xs_transaction_t t, uint32_t domid, const char *uuid, uint64_t own_memkb);
int owner_forget(struct xs_handle *xs, xs_transaction_t t, uint32_t domid);

#endif
