/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_SERVICE_METRICS_H
#define XLX_BALANCE_SERVICE_METRICS_H

/*
 * Figures in Prometheus' text format over HTTP (libmicrohttpd), at /metrics. Off unless the configuration says where:
 * metrics = "unix:PATH" (the socket is root's, 0600) or metrics = "PORT" (127.0.0.1 only).
 */

struct balance_service;
struct metrics;

/* *metrics is NULL when they are off. Logs. */
int metrics_start(struct balance_service *s, struct metrics **metrics);
/* NULL is allowed. */
void metrics_stop(struct metrics *metrics);

#endif
