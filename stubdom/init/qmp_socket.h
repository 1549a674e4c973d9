/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A listening socket made here and inherited by QEMU as a QMP monitor. Its address is abstract, in
 * init's network name space: QEMU, in another one, can answer on it and nobody else can reach it.
 * It exists before QEMU runs, so a connection made early waits in the backlog instead of failing.
 */
#ifndef XL_EXT_STUBDOM_QMP_SOCKET_H
#define XL_EXT_STUBDOM_QMP_SOCKET_H

#include <sys/socket.h>
#include <sys/un.h>

struct qmp_socket {
    const char *name; /* the id of QEMU's character device too */
    int fd;           /* listening, close-on-exec */
    struct sockaddr_un address;
    socklen_t address_len;
};

/* Make and listen. Returns 0, or -1 after reporting. */
int qmp_socket_listen(struct qmp_socket *socket, const char *name);

/* A connection, non-blocking and close-on-exec, or -1 after reporting. */
int qmp_socket_connect(const struct qmp_socket *socket);

#endif
