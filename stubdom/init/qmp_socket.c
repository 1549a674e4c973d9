/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/qmp_socket.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "stubdom/init/report.h"

int qmp_socket_listen(struct qmp_socket *s, const char *name)
{
    *s = (struct qmp_socket){.name = name, .fd = -1, .address = {.sun_family = AF_UNIX}};
    /* sun_path starts with a NUL: an abstract address */
    snprintf(s->address.sun_path + 1, sizeof(s->address.sun_path) - 1, "%s", name);
    s->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(s->address.sun_path + 1));
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&s->address, s->address_len) || listen(s->fd, 8)) {
        report("cannot make the QMP socket %s: %s", name, strerror(errno));
        return -1;
    }
    return 0;
}

int qmp_socket_connect(const struct qmp_socket *s)
{
    CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&s->address, s->address_len)) {
        report("cannot connect to QEMU's QMP socket %s: %s", s->name, strerror(errno));
        return -1;
    }
    return TAKE_FD(fd);
}
