/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_BALANCE_SERVICE_H
#define TESTS_BALANCE_SERVICE_H

/*
 * The balancer, its Xen side and the control socket together, on xenstore and hypervisor in memory; the clients are
 * processes that use the commands' own end of the socket.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "memd-client/client.h"
#include "memd-client/reserve.h"
#include "memd-client/control.h"
#include "balance/service/metrics.h"
#include "balance/service/service.h"
#include "balance/xen/settings.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

#define MIB UINT64_C(1024)
#define TOTAL_MEMKB (1124 * MIB)
#define RESERVE_MEMKB (100 * MIB)
#define LIMIT_MS 20000 /* so long a client is waited for */

extern struct balance_service *service;
extern struct service_env env;
extern char folder[]; /* of memd's sockets */

/* ---- a host with two guests that follow at once ---- */

extern struct fake_domain *domains[2]; /* with the domids 1 and 2 */

/* Set-up and tear-down of a test; folder and host are new for each. */
int make(void **state);
int unmake(void **state);
/* What is left to do when the service has been stopped. */
void leave(void);

/* As if memd had been started with a file of that text. */
__attribute__((format(printf, 1, 2))) void configure(const char *format, ...);
void start_service(void);
void stop_service(void);

/* Writes a node of a domain. */
void put(uint32_t domid, const char *node, const char *value);
/* A guest reports that it uses so much of what it holds. */
void reports(uint32_t domid, uint64_t used_mib);
uint64_t target_mib(uint32_t domid);

void run_for(uint64_t ms);
/* Runs until so, for 20 s at most; returns whether it is so. */
bool soon(bool (*so)(void));

/* ---- clients ---- */

extern pid_t client; /* 0: this is it */

/* Another process, and its end. */
void begin_process(void);
_Noreturn void end_process(int status);
/* A client that does that, and exits with what act returns; 99: it could not connect. */
void begin_client(int (*act)(struct memd_client *c, struct gc *gc));
/* Its exit status; -1: it has none. */
int end_client(void);
/* Both. */
int ask(int (*act)(struct memd_client *c, struct gc *gc));

/* The arguments of mem-range, in MiB. The first guest counts for much more, so that it gets what it needs at once. */
struct json *range(struct gc *gc, uint32_t domid, uint64_t min, uint64_t max);
/* An act: both guests get a range. */
int give_ranges(struct memd_client *c, struct gc *gc);

#endif
