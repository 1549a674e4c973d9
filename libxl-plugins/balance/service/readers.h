/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_SERVICE_READERS_H
#define XLX_BALANCE_SERVICE_READERS_H

/*
 * Who may look without being root: readers = "GROUP" of the configuration. Members of that group reach a second control
 * socket, which changes nothing (control.h), and metrics on a unix socket.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "core/config.h"

struct readers {
    bool there; /* false: root alone */
    gid_t group;
};

/* Logs: there is no such group. */
int readers_read(struct xlx_ctx *ctx, const struct config *config, struct readers *readers);

#endif
