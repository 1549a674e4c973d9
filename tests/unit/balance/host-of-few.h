/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_BALANCE_HOST_OF_FEW_H
#define TESTS_BALANCE_HOST_OF_FEW_H

/* The balancer on a host of a few numbers: nothing in it moves but what the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "balance/engine/balancer.h"
#include "base/cleanup.h"
#include "base/error.h"

#define MIB UINT64_C(1024)
#define UUID "05050505-0505-0505-0505-050505050505"
#define DOMAINS 3

/* Domain n has domid n + 1. */
struct host_of_few {
    struct host host;
    uint64_t now_ms, wake_at_ms;
    int look_rc, keep_rc;
    bool takes_effect;
    unsigned looks, disowned, sets, emergencies;
    struct host_memory memory;
    struct host_sample samples[DOMAINS];
    size_t count;
    uint64_t target_memkb, own_memkb, timed_out_memkb;
    char kept[512];
    void (*loads)(void (*each)(void *arg, const char *name, const char *value), void *arg);
};

extern struct host_of_few fake;
extern struct balancer *b;

/* Set-up and tear-down of a test. */
int make(void **state);
int unmake(void **state);

/* The next domain, with that UUID. introduced: the balancer is told of it. */
void add_domain(uint64_t held_mib, bool paused, bool introduced);
/* Lets time pass as the balancer wants to be woken. */
void pass(uint64_t ms);

#endif
