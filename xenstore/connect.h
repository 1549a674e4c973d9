/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_XENSTORE_CONNECT_H
#define XLX_XENSTORE_CONNECT_H

/* Connections to xenstored. */

#include <xenstore.h>

/* As xs_open(0), but fails with ECONNREFUSED when xenstored has ended: libxenstore would then take the kernel's device,
 * on which every request waits for ever. Closed with xs_close(). */
struct xs_handle *store_open(void);

/* A bare connection to xenstored's socket, non-blocking, the caller's to close; on it nothing arrives but its end.
 * -1 with errno: ECONNREFUSED xenstored has ended, ENOENT there is no socket (xenstored in a stub domain), others. */
int store_socket(void);

#endif
