/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_SERVICE_METRICS_H
#define XLX_BALANCE_SERVICE_METRICS_H

/*
 * Figures in Prometheus' text format (metrics-page.h) over HTTP (libmicrohttpd), at /metrics. Off unless systemd or the
 * configuration says where (metrics-listen.h). Whoever can connect may read; on the loopback interface a request must
 * mean this machine. Nobody can keep others out: a request has 5 s in all, and of many connections the oldest gives way.
 */

#include <stdbool.h>

struct balance_service;
struct metrics;

/* *metrics is NULL when they are off. Logs. */
int metrics_start(struct balance_service *s, struct metrics **metrics);
/* Whether a request's Host means this machine by a name of its own, with or without a port. */
bool metrics_host_is_local(const char *host);
/* NULL is allowed. */
void metrics_stop(struct metrics *metrics);

#endif
