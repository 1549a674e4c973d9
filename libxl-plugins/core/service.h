/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_SERVICE_H
#define XLX_CORE_SERVICE_H

/*
 * A service of memd, the memory daemon. memd owns the process: context and loop, configuration, the lock that lets only
 * one of it run, readiness, signals, and the domains that there are. A service adds what is done with them.
 *
 * A service is one const struct, listed in memd/services.c. It runs on memd's loop and never blocks. For each service
 *
 *   Idle --start--> Running --domain_appeared for each domain there is--> ... --stop--> Idle
 *
 * Callbacks a service has no use for are NULL. A service must cost nothing while nothing happens: no timer, no sample.
 */

#include "core/config.h"
#include "core/ctx.h"

/* A domain as memd knows it. Valid during the call. */
struct service_domain {
    uint32_t domid;
    libxl_domain_type type; /* LIBXL_DOMAIN_TYPE_INVALID: libxl does not know it */
    char uuid[XLX_UUID_LEN];
    char name[XLX_NAME_MAX];
    bool shut_down; /* its kernel has ended, it still holds its memory */
};

/* What memd gives to its services; stays valid until stop. */
struct service_env {
    struct xlx_ctx *ctx;
    const struct config *config;
    const char *run_folder; /* exists, 0755, root's; by default /run/xl-ext */
    /* Ends memd in good order with XLX_EXIT_FAILED, from the loop. What was wrong has been logged. */
    void (*fail)(const struct service_env *env);
};

struct service {
    const char *name;
    /* *state is handed to all other calls. An error (logged) ends memd. */
    int (*start)(const struct service_env *env, void **state);
    /* Called once if start succeeded, also when domains are still there. */
    void (*stop)(void *state);

    /* A domain that xenstored knows (dom0 too): one that runs already, or one just built, before it is unpaused. */
    void (*domain_appeared)(void *state, const struct service_domain *domain);
    void (*domain_renamed)(void *state, const struct service_domain *domain);
    /* Its kernel has ended (poweroff, reboot, crash...); reason is one of SHUTDOWN_* of xen/sched.h. */
    void (*domain_shut_down)(void *state, const struct service_domain *domain, unsigned reason);
    /* It is gone or dying; its memory may still be on its way back to the host. */
    void (*domain_gone)(void *state, uint32_t domid);
};

#endif
