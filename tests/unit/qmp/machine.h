/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_QMP_MACHINE_H
#define TESTS_QMP_MACHINE_H

/* A domain behind its monitor: the real server and its sockets, on a hypervisor, a xenstore and a clock that the test
 * moves. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "qmp/machine-xen.h"
#include "tests/fakes/clock.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

#define MIB UINT64_C(1024)
#define DOM "/local/domain/7/"
#define QUERY "{'execute':'query-balloon'}"

extern struct xlx_ctx *ctx;
extern struct fake_domain *domain;
extern struct machine_xen *machine;
extern unsigned looks, watches; /* those of the tracker */
extern int fd;                  /* of the client; -1: it has gone */
extern char got[65536];         /* what the client has read and not taken */

/* Once for each program, as the set-up of its group of tests. */
int make_path(void **state);
/* A PV, PVH or HVM guest with static-max 256 MiB and its monitor. */
void begin(const char *type, uint64_t held_kb, uint64_t target_kb, uint64_t videoram_kb);
void end(void);

void client_comes(void);
void client_goes(void);
void say(const char *request);
/* The next line that has come; NULL: none has. */
const char *line(void);
/* Says, and returns the next line. */
const char *ask(const char *request);

/* What is ready happens. */
void turn(void);
/* Time passes. */
void pass(uint64_t ms);
/* Writes a node below memory/. */
void write_kb(const char *node, uint64_t kb);

#endif
