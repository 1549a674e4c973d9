/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_SERVICE_SERVICE_H
#define XLX_BALANCE_SERVICE_SERVICE_H

/*
 * The balancer as a service of memd, on whatever stands behind balance/host.h. service.c: start, stop, domains;
 * control.c: the socket, what clients hold; control-commands.c: its commands; control-values.c: what they answer with.
 */

#include "balance/engine/balancer.h"
#include "core/service.h"
#include "monitor/monitor.h"

struct metrics;
struct recorder;

struct balance_service {
    const struct service_env *env;
    struct xlx_ctx *ctx;
    struct host *host;
    struct balancer *balancer;
    struct monitor *control;
    struct monitor *look; /* the one for readers; NULL: there are none */
    struct control_hold *holds;
    struct ev_timer answers; /* to those that are over */
    struct metrics *metrics;
    struct recorder *recorder;
    struct ev_timer told;
    bool all_told; /* the domains that were there when memd started have been told of */
};

/* A reservation that lives as long as a client's connection: a call that is never answered while it holds. */
struct control_hold {
    struct control_hold *next;
    struct balance_service *service;
    struct monitor_call *call;
    char id[RESERVE_ID_LEN];
    uint64_t keep_ms; /* a ready one lives on for so long */
    bool over;        /* the call has its result */
};

/* Takes the host, also when it fails (logged): a service on any host. service_balance's stop ends it. */
int balance_service_new(const struct service_env *env, struct host *host, const struct balancer_config *config,
                        struct balance_service **service);
extern const struct service service_balance;

/* Reads the files of ranges again; an error: *fault is a sentence, in the pool. The host must have ranges_read. */
int balance_ranges_read(struct balance_service *s, struct gc *gc, const char **fault);

/* ---- control.c ---- */

int control_start(struct balance_service *s);
void control_stop(struct balance_service *s);
/* To all clients. */
void control_tell(struct balance_service *s, const struct host_event *event);
/* Holds id for the call's connection; the call is deferred until the reservation is over. */
void control_hold(struct balance_service *s, struct monitor_call *call, const char *id, uint64_t keep_ms);

extern const struct monitor_kind control_kind, control_look_kind;

/* ---- control-values.c ---- */

struct json *control_reservation(struct gc *gc, struct balance_service *s, const struct reserve_info *info);
struct json *control_host(struct gc *gc, struct balance_service *s);
struct json *control_domain(struct gc *gc, const struct balancer_domain *d, uint64_t now_ms, bool history);
struct json *control_plan_input(struct gc *gc, struct balance_service *s, const struct plan_input *input);
/* The data of an event, but of RESERVATION. */
struct json *control_event(struct gc *gc, const struct host_event *event);
/* The types of all of these, for query-qmp-schema; NULL at the end. */
extern const struct json_record *const control_records[];

#endif
