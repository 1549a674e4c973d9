/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The part of xenstore's wire protocol (Xen, public/io/xs_wire.h) that the agent speaks through
 * /dev/xen/xenbus, so that a guest needs no library. Paths are relative to the guest's own
 * /local/domain/<domid>, so a changed domid (restore, migration) does not matter.
 *
 * Functions return 0 or a positive errno of xenstore or of the kernel; EPROTO means that the
 * connection is out of step: close it and open a new one.
 */
#ifndef XLX_AGENT_XENBUS_H
#define XLX_AGENT_XENBUS_H

#include <stddef.h>
#include <stdint.h>

struct xenbus {
    int fd;         /* -1 = closed; readable when a watch has fired */
    uint32_t req;   /* id of the last request */
    unsigned fired; /* bit n: watch n has fired; the caller clears it */
};

int xenbus_open(struct xenbus *xb);
void xenbus_close(struct xenbus *xb);

/* Node's value into buf, cut to size - 1 bytes and NUL-terminated. */
int xenbus_read(struct xenbus *xb, const char *path, char *buf, size_t size);
int xenbus_write(struct xenbus *xb, const char *path, const char *data, size_t len);
int xenbus_rm(struct xenbus *xb, const char *path);

#define XENBUS_WATCHES 8u

/* Watch path; bit watch (below XENBUS_WATCHES) of xb->fired is set once for the registration and at each change. */
int xenbus_watch(struct xenbus *xb, const char *path, unsigned watch);

/* The fd is readable: take what has come and set xb->fired. */
int xenbus_take_event(struct xenbus *xb);

#endif
