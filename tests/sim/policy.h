/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_TESTS_SIM_POLICY_H
#define XLX_TESTS_SIM_POLICY_H

/*
 * Who balances a simulated host: memd's balancer, an oracle, or the published rules of others. memd is judged by all
 * invariants; of the others the figures count.
 */

#include "balance/engine/balancer.h"

struct world;

struct policy {
    const char *name;
    bool judged;
    bool samples; /* its guests look every 100 ms and tell of changes of 30 MiB of use, instead of as agent/ does */
    void *(*start)(struct world *w, const struct balancer_config *config);
    void (*stop)(void *daemon);
    /* As in balance/engine/balancer.h. NULL: it does not care. */
    void (*appeared)(void *daemon, uint32_t domid, bool initial);
    void (*gone)(void *daemon, uint32_t domid);
    void (*changed)(void *daemon, uint32_t domid);
    void (*reported)(void *daemon, uint32_t domid);
    void (*target_written)(void *daemon, uint32_t domid);
    void (*emergency)(void *daemon);
    void (*wake)(void *daemon);
    int (*take_back)(void *daemon, uint32_t domid);
    int (*reserve)(void *daemon, const struct reserve_request *request, char id[RESERVE_ID_LEN]);
    int (*release)(void *daemon, const char *id);
    int (*hand)(void *daemon, const char *id, uint32_t domid);
    int (*lease)(void *daemon, const char *id, uint64_t lease_ms);
    /* At each moment of the world, after everything else. NULL: none. */
    void (*moment)(void *daemon);
};

extern const struct policy policy_memd, policy_oracle, policy_squeezed, policy_qmemman;
/* NULL: no such. */
const struct policy *policy_find(const char *name);

#endif
