/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_XENSTORE_STORE_H
#define XLX_XENSTORE_STORE_H

/*
 * Typed and bounded access to xenstore. Silent: who asked knows the subject and logs. What guests may have written is
 * read with these functions only.
 *
 * Errors, of all of them: ERROR_NOTFOUND the node does not exist; ERROR_BUFFERFULL the value is longer than asked for;
 * ERROR_INVAL the value is not of the form asked for (also: holds a NUL byte); ERROR_TIMEDOUT a transaction met
 * conflicts STORE_TRANSACTION_TRIES times; ERROR_FAIL everything else, errno kept (EACCES: no permission).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xenstore.h>

#include "base/gc.h"

/* xenstore's own limit on a payload, XENSTORE_PAYLOAD_MAX. */
#define STORE_VALUE_MAX 4096

/* Reads at most max bytes as terminated text into the pool. */
int store_read(struct gc *gc, struct xs_handle *xs, xs_transaction_t t, const char *path, size_t max, char **value);

/* The same of a value that has been read already. */
int store_text(struct gc *gc, const char *raw, size_t len, size_t max, char **value);

/* A decimal number without sign, blank or anything else around it, at most max. */
int store_read_u64(struct gc *gc, struct xs_handle *xs, xs_transaction_t t, const char *path, uint64_t max,
                   uint64_t *value);
/* The same of a text that has been read already, with an optional leading minus. */
int store_i64_of(const char *text, int64_t *value);

int store_write(struct xs_handle *xs, xs_transaction_t t, const char *path, const char *value);
int store_printf(struct gc *gc, struct xs_handle *xs, xs_transaction_t t, const char *path, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* A node that is not there is no error. */
int store_remove(struct xs_handle *xs, xs_transaction_t t, const char *path);

/* The names below path, in the pool; a node without children gives count 0. */
int store_list(struct gc *gc, struct xs_handle *xs, xs_transaction_t t, const char *path, char ***names,
               unsigned *count);

/* How often a transaction is tried again after a conflict, before ERROR_TIMEDOUT. */
#define STORE_TRANSACTION_TRIES 1000

/*
 * The transaction loop, written here once. body does all its reads and writes with the transaction it gets; when it
 * returns 0 the transaction is committed, and on a conflict body is called again from the start; when it returns an
 * error the transaction is dropped and that error is returned. A commit that fails is an error.
 *
 * Who discovers a failure logs it: body its own; for all others not_committed, which may be NULL, is called before the
 * error is returned.
 */
int store_transaction(struct xs_handle *xs, int (*body)(struct xs_handle *xs, xs_transaction_t t, void *arg),
                      void (*not_committed)(void *arg, int rc), void *arg);

#endif
