/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xenstore/connect.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <xenstore_lib.h>

int store_socket(unsigned wait_ms)
{
    struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = xs_daemon_socket();
    int fd, saved_errno;

    if (!path || (size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (wait_ms ? 0 : SOCK_NONBLOCK), 0);
    if (fd < 0)
        return -1;
    if ((!wait_ms || !setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait))) &&
        !connect(fd, (struct sockaddr *)&address, sizeof(address)))
        return fd;
    saved_errno = errno;
    close(fd);
    errno = saved_errno;
    return -1;
}

struct xs_handle *store_open(void)
{
    int fd = store_socket(0);

    if (fd < 0 && errno == ECONNREFUSED)
        return NULL;
    if (fd >= 0)
        close(fd);
    return xs_open(0);
}
