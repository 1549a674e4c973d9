/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_XENSTORE_WATCH_H
#define XLX_XENSTORE_WATCH_H

/*
 * Watches, and waiting for a node.
 *
 * One store_watcher reads all events of one connection on the loop and hands each to its store_watch. Contract of a
 * watch, as in base/ev.h: zeros are Idle, start makes Active, stop is idempotent. xenstored fires a watch once at
 * registration; events may be spurious, so the callback reads the node anew. After stop no callback comes, also for
 * events that were already under way.
 */

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>
#include <xenstore.h>

#include "base/ev.h"
#include "base/gc.h"

struct store_watcher;

/* The connection stays the caller's and must outlive the watcher. lost (may be NULL) is called once when xenstored has
 * gone away; no watch fires any more then. Returns NULL when the loop refuses the connection. */
struct store_watcher *store_watcher_new(uv_loop_t *loop, struct xs_handle *xs, void (*lost)(void *arg), void *arg);
/* All its watches must be stopped. NULL is allowed. */
void store_watcher_free(struct store_watcher *w);

struct store_watch {
    /* path: the node that changed, at or below the watched one; valid during the call. */
    void (*changed)(struct store_watch *watch, const char *path);

    /* private */
    struct store_watcher *watcher;
    struct store_watch *next;
    uint64_t serial;
    char *path;
    char token[24];
};
int store_watch_start(struct store_watcher *w, struct store_watch *watch, const char *path,
                      void (*changed)(struct store_watch *, const char *));
void store_watch_stop(struct store_watch *watch);
static inline bool store_watch_active(const struct store_watch *watch)
{
    return watch->watcher;
}

#endif
