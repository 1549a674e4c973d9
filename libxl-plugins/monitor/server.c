/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "monitor/monitor-private.h"

/* Out of file descriptors, or with no room for one client more, the listening socket stays readable: wait this long. */
#define RETRY_MS 1000

static void client_arrived(struct ev_fd *ev, int fd, short revents);

static void listen_again(struct ev_timer *timer)
{
    struct monitor *m = CONTAINER_OF(timer, struct monitor, retry);

    if (!ev_fd_active(&m->ev) && ev_fd_start(m->loop, &m->ev, m->fd, POLLIN, client_arrived))
        ev_timer_start(m->loop, &m->retry, RETRY_MS, 0, listen_again);
}

/* For one client more. One that waits for the answer to a deferred call is not idle. */
static bool make_room(struct monitor *m)
{
    struct monitor_client *idle = NULL;

    if (m->client_count < MONITOR_CLIENTS_MAX)
        return true;
    for (struct monitor_client *c = LIST_FIRST(&m->clients); c; c = LIST_NEXT(c, entry)) {
        if (!c->pending && (!idle || c->served < idle->served))
            idle = c;
    }
    if (!idle || uv_now(m->loop) - idle->heard_ms < MONITOR_PATIENCE_MS)
        return false;
    monitor_client_free(idle);
    return true;
}

static void client_arrived(struct ev_fd *ev, int fd, short revents)
{
    struct monitor *m = CONTAINER_OF(ev, struct monitor, ev);
    bool room = make_room(m);
    int client = room ? accept4(m->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;

    if (client >= 0) {
        monitor_client_new(m, client);
    } else if (!room || errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        ev_fd_stop(&m->ev);
        ev_timer_start(m->loop, &m->retry, RETRY_MS, 0, listen_again);
    }
}

/* Bound under another name and renamed, so that the path never leads to a socket with wrong rights or without a
 * listener, and what a dead process left is replaced. The other name begins with a dot, as no name beside it does. */
static int bind_socket(int fd, const struct monitor_options *options)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *slash = strrchr(options->path, '/'), *name = slash ? slash + 1 : options->path;
    int folder_len = (int)(name - options->path), len;

    len = snprintf(address.sun_path, sizeof(address.sun_path), "%.*s.%s~", folder_len, options->path, name);
    if (len < 0 || (size_t)len >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return ERROR_INVAL;
    }
    if (unlink(address.sun_path) && errno != ENOENT)
        return error_of_errno(errno);
    /* The node that bind makes has the mode of the socket, so it is never open to others. */
    if (fchmod(fd, 0600) || bind(fd, (struct sockaddr *)&address, sizeof(address)))
        return error_of_errno(errno);
    /* Clients that do not wait in connect(2) are refused when the queue is full. */
    if (lchown(address.sun_path, options->owner, options->group) ||
        (options->for_group && chmod(address.sun_path, 0660)) || listen(fd, SOMAXCONN) ||
        rename(address.sun_path, options->path)) {
        int saved_errno = errno;

        unlink(address.sun_path);
        errno = saved_errno;
        return error_of_errno(errno);
    }
    return 0;
}

int monitor_new(uv_loop_t *loop, const struct monitor_options *options, struct monitor **monitor)
{
    CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct monitor *m;
    int rc;

    if (fd < 0)
        return error_of_errno(errno);
    rc = bind_socket(fd, options);
    if (rc)
        return rc;
    m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    *m = (struct monitor){
        .loop = loop,
        .kind = options->kind,
        .target = options->target,
        .path = strdup(options->path),
        .fd = fd,
        .clients_changed = options->clients_changed,
        .throttles = calloc(options->kind->event_count + 1, sizeof(struct throttle)),
    };
    if (!m->path || !m->throttles)
        abort();
    rc = ev_fd_start(loop, &m->ev, fd, POLLIN, client_arrived);
    TAKE_FD(fd);
    if (rc) {
        monitor_free(m);
        return rc;
    }
    *monitor = m;
    return 0;
}

void monitor_hear_no_more(struct monitor *m)
{
    m->deaf = true;
}

void monitor_free(struct monitor *m)
{
    if (!m)
        return;
    /* No news of clients that go now. */
    m->clients_changed = NULL;
    while (!LIST_EMPTY(&m->clients))
        monitor_client_free(LIST_FIRST(&m->clients));
    ev_fd_stop(&m->ev);
    ev_timer_stop(&m->retry);
    ev_turn_stop(&m->turn);
    monitor_events_stop(m);
    unlink(m->path);
    close(m->fd);
    free(m->throttles);
    free(m->path);
    free(m);
}

static void tell_clients_changed(struct monitor *m)
{
    if (m->clients_changed)
        m->clients_changed(m->target, m->negotiated_count);
}

void monitor_client_left(struct monitor *m, bool negotiated)
{
    m->client_count--;
    if (!ev_fd_active(&m->ev)) {
        ev_timer_stop(&m->retry);
        listen_again(&m->retry);
    }
    if (negotiated) {
        m->negotiated_count--;
        tell_clients_changed(m);
    }
}

void monitor_client_negotiated(struct monitor *m)
{
    m->negotiated_count++;
    tell_clients_changed(m);
}

unsigned monitor_clients(const struct monitor *m)
{
    return m->negotiated_count;
}

/* Whoever tells of something is in the midst of it, and a client that goes calls back (monitor_call_on_gone). So one
 * that cannot be told any more is only cut off here; its own event, which that raises, frees it. */
void monitor_broadcast(struct monitor *m, const char *line, size_t len)
{
    for (struct monitor_client *c = LIST_FIRST(&m->clients); c; c = LIST_NEXT(c, entry)) {
        if (!c->negotiated || c->doomed)
            continue;
        monitor_client_send(c, line, len);
        if (c->doomed)
            shutdown(c->fd, SHUT_RDWR);
    }
}
