/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_BALANCE_TWO_GUESTS_H
#define TESTS_BALANCE_TWO_GUESTS_H

/* The balancer alone, on a host of two guests that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "balance/engine/state.h"
#include "base/cleanup.h"
#include "base/error.h"

#define MIB UINT64_C(1024)
#define OFFSET 64
#define SLACK 1024
#define RESERVE (100 * MIB)
#define GUESTS 2

struct guest {
    bool there, paused, migrating, shut_down, gives, takes, climbs, tight, silent, stands, no_total;
    uint32_t domid, kb_per_ms;
    uint64_t held_memkb, limit_memkb, target_memkb, own_memkb, used_memkb;
    uint64_t told_ms, told;
    uint64_t total_memkb; /* it counted when it looked at itself; 0: what it holds */
    char uuid[37];
};

struct two_guests {
    struct host host;
    uint64_t now_ms, wake_at_ms, free_memkb, claimed_memkb, asked;
    uint64_t look_takes_ms, looks;
    struct host_sample samples[GUESTS];
    struct guest guests[GUESTS];
    char kept_name[96], kept_value[128];
};

extern struct two_guests fake;
extern struct balancer *b;
extern struct balancer_config config;

/* Set-up and tear-down of a test. */
int make(void **state);
int unmake(void **state);

/* A guest that comes, follows its target and says nothing yet; it takes the place of the one with its domid modulo two. */
struct guest *add(uint32_t domid, uint64_t mib);
/* NULL: there is none. */
struct guest *guest(uint32_t domid);
/* It reports that it uses so much of what it holds. */
void says(struct guest *g, uint64_t used_mib);
/* Guests move, and the balancer is woken when it asked for that. */
void pass(uint64_t ms);
struct balancer_domain view_of(struct gc *gc, uint32_t domid);

#endif
