/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_SERVICE_METRICS_PAGE_H
#define XLX_BALANCE_SERVICE_METRICS_PAGE_H

/*
 * memd's figures in Prometheus' text format (version 0.0.4). Every domain that the balancer knows has its series, with a
 * range or without; a figure that is not known is absent. Series of domains carry domid, name and uuid.
 */

#include "base/gc.h"
#include "base/text.h"

struct balance_service;

/* A fresh look at the host, as a page in the pool; not terminated. */
struct text metrics_page(struct gc *gc, struct balance_service *s);

#endif
