/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_XENSTORE_CONNECT_H
#define XLX_XENSTORE_CONNECT_H

/* Connections to xenstored. */

#include <xenstore.h>

/* As xs_open(0), but fails with ECONNREFUSED when xenstored has ended: libxenstore would then take the kernel's device,
 * on which every request waits for ever. Closed with xs_close(). */
struct xs_handle *store_open(void);

/* A bare connection to xenstored's socket, the caller's to close; on it nothing arrives but its end and answers. wait_ms:
 * how long to wait where xenstored has not taken earlier connections yet.
 * -1 with errno: ECONNREFUSED xenstored has ended, ENOENT there is no socket (xenstored in a stub domain), EAGAIN it is
 * slow, others. */
int store_socket(unsigned wait_ms);

#endif
