/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Just enough of xenstore's protocol over /dev/xen/xenbus for a guest's init. (libxenstore cannot do
 * it here: linked statically, its reader thread does not start, the stack it asks for is too small.)
 *
 * Paths are relative to the guest's own domain, so that they stay right after a restore.
 */
#ifndef LAB_GUEST_XENBUS_H
#define LAB_GUEST_XENBUS_H

#include <stdbool.h>
#include <stddef.h>

/* Opens the connection. Returns its file descriptor (poll it for watch events), or -1 with errno. */
int xenbus_open(void);

/* The value of @path, one NUL behind it, for the caller to free; NULL with errno. */
char *xenbus_read(const char *path, size_t *length);

/* Returns false with errno. At most 2 KiB. */
bool xenbus_write(const char *path, const void *data, size_t length);
bool xenbus_watch(const char *path, const char *token);

/*
 * The token of the next watch event, for the caller to free. NULL when there is none: call until
 * then before polling, events may have come in while a reply was awaited.
 */
char *xenbus_next_event(void);

#endif
