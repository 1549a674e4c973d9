/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_SERVICE_RECORDER_H
#define XLX_BALANCE_SERVICE_RECORDER_H

/* Keeps the history (history.h) of a service's host, and tells of it on the control socket. */

#include "balance/service/service.h"

struct recorder;

struct recorder *recorder_start(struct balance_service *s);
/* NULL is allowed. */
void recorder_stop(struct recorder *r);
/* Something happened that a look cannot see. NULL, and a service without a balancer (yet, or any more): nothing. */
void recorder_happened(struct recorder *r, const struct host_event *event);

/* Of a domain or HISTORY_HOST; NULL: no such domain has been seen. */
struct json *recorder_json(struct gc *gc, const struct recorder *r, uint32_t domid, uint64_t last_ms);
extern const struct json_record recorder_record, recorder_point_record, recorder_mark_record;

#endif
