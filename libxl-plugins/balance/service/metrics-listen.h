/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_SERVICE_METRICS_LISTEN_H
#define XLX_BALANCE_SERVICE_METRICS_LISTEN_H

/*
 * Where metrics are served: on the socket named "metrics" that systemd hands over (sd_listen_fds(3)), else where the
 * configuration says: metrics = "unix:/PATH" (0600, or 0660 for the group of readers), "PORT" (of 127.0.0.1), or
 * "ADDRESS:PORT" (an IPv4 address, or an IPv6 address in brackets).
 */

#include <stdbool.h>

#include "core/config.h"

struct metrics_place {
    int fd;     /* it listens; -1: metrics are off */
    char *path; /* of a unix socket that was made here, to be removed; NULL: none */
    bool local; /* only programs of this host can connect, over the loopback interface */
};
#define METRICS_NOWHERE                                                                                                \
    {                                                                                                                  \
        -1, NULL, false                                                                                                \
    }

/* Connections that may wait. */
#define METRICS_BACKLOG 32

/* place is METRICS_NOWHERE before; then it is the caller's, who ends it with metrics_unlisten. Logs. */
int metrics_listen(struct xlx_ctx *ctx, const struct config *config, struct metrics_place *place);
/* Closes what is still there; a caller that has given the descriptor away sets it to -1 before. */
void metrics_unlisten(struct metrics_place *place);

#endif
