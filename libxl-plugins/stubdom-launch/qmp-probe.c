/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/qmp-probe.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/xen-version.h"
#include "stubdom-launch/stubdom.h"

static void probe_done(struct stubdom_probe *probe, int rc)
{
    ev_fd_stop(&probe->socket);
    cleanup_fd(&probe->fd);
    ao_complete(&probe->ao, rc);
}

static void probe_aborted(struct ao *ao, int rc)
{
    struct stubdom_probe *probe = CONTAINER_OF(ao, struct stubdom_probe, ao);

    /* no answer in time is an answer */
    probe_done(probe, rc == ERROR_TIMEDOUT ? 0 : rc);
}

/*
 * vchan-socket-proxy ends for good when its client closes with something unread, or while it writes. So after the
 * greeting this side only says that it will write no more, and reads on until the proxy has closed.
 */
static void socket_ready(struct ev_fd *source, int fd, short revents)
{
    struct stubdom_probe *probe = CONTAINER_OF(source, struct stubdom_probe, socket);
    static const char greeting[] = "{\"QMP\"";
    char data[4096];
    ssize_t r = recv(fd, data, sizeof(data), MSG_DONTWAIT);

    if (r < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (r <= 0) {
        probe_done(probe, 0);
        return;
    }
    if (probe->reachable)
        return;
    probe->reachable = (size_t)r >= sizeof(greeting) - 1 && !memcmp(data, greeting, sizeof(greeting) - 1);
    shutdown(fd, SHUT_WR);
}

/* Nothing listens there. */
static void give_up_soon(struct stubdom_probe *probe)
{
    cleanup_fd(&probe->fd);
    ao_complete_soon(&probe->ao, 0);
}

void stubdom_probe_start(struct stubdom_probe *probe)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), XEN_RUN_FOLDER "/qmp-libxl-%u", probe->domid);
    probe->reachable = false;
    probe->ao.timeout_ms = STUBDOM_PROBE_TIMEOUT_MS;
    ao_start(&probe->ao, probe_aborted);
    probe->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe->fd < 0 || connect(probe->fd, (struct sockaddr *)&address, sizeof(address)) ||
        ev_fd_start(&probe->ao.ctx->loop, &probe->socket, probe->fd, POLLIN, socket_ready))
        give_up_soon(probe);
}
