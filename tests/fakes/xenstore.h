/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef FAKES_XENSTORE_H
#define FAKES_XENSTORE_H

/*
 * libxenstore in memory: one store for all handles, with transactions that conflict and watches that fire as
 * xenstored's do.
 */

#include <stdbool.h>
#include <stddef.h>

/* Empties the store and forgets what was injected. Handles and watches must be closed. */
void fake_store_reset(void);

/* Puts a value there from outside, as another client would: watches fire, open transactions conflict. NULL removes the
 * node and all below. */
void fake_store_set(const char *path, const char *value);
/* The same with any bytes. */
void fake_store_set_bytes(const char *path, const void *bytes, size_t len);
/* The value, or NULL. */
const char *fake_store_get(const char *path);
/* The whole store as lines "path = value", from malloc. */
char *fake_store_dump(void);

/* The next n commits meet a conflict. */
void fake_store_conflicts(unsigned n);
/* Called once in the middle of the next commit, before it is judged: another client's chance. */
void fake_store_before_commit(void (*act)(void *arg), void *arg);
/* Fires a special watch, such as @releaseDomain. */
void fake_store_fire(const char *special);
/* xenstored has gone: everything fails with EBADF and connections to its socket end. As with libxenstore, a handle's
 * descriptor does not become readable. */
void fake_store_lose(void);

/* How many watches are registered, transactions open, handles open. */
unsigned fake_store_watches(void);
/* How many events watches have fired so far. */
unsigned fake_store_events(void);
unsigned fake_store_transactions(void);
/* Those that are open, without any effect: whoever had them is gone. */
void fake_store_transactions_end(void);
unsigned fake_store_handles(void);

#endif
