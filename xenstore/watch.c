/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xenstore/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "xenstore/connect.h"
#include "xenstore/store.h"

/* Watches are found by serial number, which is their token; a hash table keeps an event O(1) with a thousand domains.
 */
#define BUCKETS 256
/* A guest that writes without end must not keep the loop from its other sources. The descriptor stays readable while
 * events are left (xs_maybe_clear_watch_pipe of libxenstore), so the rest comes on the next turn. */
#define EVENTS_A_TURN 256
/* Nor must many events whose handlers ask xenstored much. */
#define TURN_MS 50u

struct store_watcher {
    uv_loop_t *loop;
    struct xs_handle *xs;
    struct ev_fd fd;
    int pulse_fd;
    struct ev_fd pulse;
    struct store_watch *buckets[BUCKETS];
    uint64_t last_serial;
    void (*lost)(void *arg);
    void *lost_arg;
};

static struct store_watch **find_watch(struct store_watcher *w, uint64_t serial)
{
    struct store_watch **p = &w->buckets[serial % BUCKETS];

    while (*p && (*p)->serial != serial)
        p = &(*p)->next;
    return p;
}

static void xenstored_gone(struct store_watcher *w)
{
    ev_fd_stop(&w->fd);
    ev_fd_stop(&w->pulse);
    if (w->lost)
        w->lost(w->lost_arg);
}

static void events_arrived(struct ev_fd *f, int fd, short revents)
{
    struct store_watcher *w = CONTAINER_OF(f, struct store_watcher, fd);
    uint64_t until_ms = ev_clock_ms() + TURN_MS;

    for (unsigned n = 0; n < EVENTS_A_TURN && (!n || ev_clock_ms() < until_ms); n++) {
        CLEANUP_FREE char **event = xs_check_watch(w->xs);
        struct store_watch *watch;

        if (!event) {
            if (errno != EAGAIN && errno != EINTR)
                xenstored_gone(w);
            return;
        }
        /* An unknown serial: the watch was stopped while its event was under way. */
        watch = *find_watch(w, strtoull(event[XS_WATCH_TOKEN], NULL, 10));
        if (watch)
            watch->changed(watch, event[XS_WATCH_PATH]);
    }
}

/* xenstored sends nothing on a connection without requests, so whatever comes is its end. */
static void pulse_stopped(struct ev_fd *f, int fd, short revents)
{
    xenstored_gone(CONTAINER_OF(f, struct store_watcher, pulse));
}

/* When xenstored ends, libxenstore's reading thread closes the connection and wakes who waits for a reply, but not who
 * polls xs_fileno() (read_thread of 4.17), and libxenstore does not tell the connection's own descriptor. So a second
 * connection, on which nothing is ever asked, is watched for its end. */
static void watch_pulse(struct store_watcher *w)
{
    w->pulse_fd = store_socket(0);
    if (w->pulse_fd < 0)
        return;
    if (ev_fd_start(w->loop, &w->pulse, w->pulse_fd, POLLIN, pulse_stopped)) {
        close(w->pulse_fd);
        w->pulse_fd = -1;
        return;
    }
    ev_fd_unref(&w->pulse);
}

struct store_watcher *store_watcher_new(uv_loop_t *loop, struct xs_handle *xs, void (*lost)(void *arg), void *arg)
{
    struct store_watcher *w = calloc(1, sizeof(*w));

    if (!w)
        abort();
    w->loop = loop;
    w->xs = xs;
    w->lost = lost;
    w->lost_arg = arg;
    if (ev_fd_start(loop, &w->fd, xs_fileno(xs), POLLIN, events_arrived)) {
        free(w);
        return NULL;
    }
    /* Watches alone do not keep a program running: what waits for one has a timer. */
    ev_fd_unref(&w->fd);
    watch_pulse(w);
    return w;
}

void store_watcher_free(struct store_watcher *w)
{
    if (!w)
        return;
    ev_fd_stop(&w->fd);
    ev_fd_stop(&w->pulse);
    if (w->pulse_fd >= 0)
        close(w->pulse_fd);
    free(w);
}

int store_watch_start(struct store_watcher *w, struct store_watch *watch, const char *path,
                      void (*changed)(struct store_watch *, const char *))
{
    struct store_watch **slot;

    if (watch->watcher) {
        fputs("xl-ext: a xenstore watch was started twice\n", stderr);
        abort();
    }
    watch->serial = ++w->last_serial;
    snprintf(watch->token, sizeof(watch->token), "%" PRIu64, watch->serial);
    watch->changed = changed;
    watch->path = strdup(path);
    if (!watch->path)
        abort();
    watch->next = NULL;
    slot = find_watch(w, watch->serial);
    *slot = watch;
    watch->watcher = w;
    if (!xs_watch(w->xs, watch->path, watch->token)) {
        int saved_errno = errno;

        store_watch_stop(watch);
        errno = saved_errno;
        return errno == ENOENT ? ERROR_NOTFOUND : ERROR_FAIL;
    }
    return 0;
}

void store_watch_stop(struct store_watch *watch)
{
    struct store_watcher *w = TAKE_PTR(watch->watcher);

    if (!w)
        return;
    *find_watch(w, watch->serial) = watch->next;
    /* Fails only when it was never registered or xenstored is gone: nothing is left to undo either way. */
    xs_unwatch(w->xs, watch->path, watch->token);
    free(TAKE_PTR(watch->path));
}
