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

#define SERVICES_MAX 8

/* A domain as memd knows it: the one record of it. It keeps its address from domain_appeared until domain_gone has
 * returned, and services keep pointers to it instead of copies. */
struct service_domain {
    uint32_t domid;
    libxl_domain_type type; /* LIBXL_DOMAIN_TYPE_INVALID: libxl does not know it */
    char uuid[XLX_UUID_LEN];
    char name[XLX_NAME_MAX];
    bool shut_down;            /* its kernel has ended, it still holds its memory */
    bool target_watched;       /* domain_written tells of each write of its target; false: xenstored refused */
    void *slots[SERVICES_MAX]; /* what each service adds to it, at service_env.slot; NULL: nothing (yet) */
};

/* All of them, ascending domid. */
struct service_domains {
    struct service_domain **list;
    size_t count, capacity;
};

/* NULL: there is no such domain. */
struct service_domain *service_domain_find(const struct service_domains *domains, uint32_t domid);
/* The record stays its maker's; there must be none with that domid. */
void service_domains_add(struct service_domains *domains, struct service_domain *domain);
void service_domains_remove(struct service_domains *domains, struct service_domain *domain);
/* The table itself, not the records. */
void service_domains_dispose(struct service_domains *domains);

/* What of a domain's nodes in xenstore memd watches for all services. */
enum service_node {
    SERVICE_NODE_TARGET,     /* memory/target */
    SERVICE_NODE_STATIC_MAX, /* memory/static-max */
};

/* What memd gives to each of its services; stays valid until stop. */
struct service_env {
    struct xlx_ctx *ctx;
    const struct config *config;
    const char *run_folder; /* exists, 0755, root's; by default /run/xl-ext */
    const struct service_domains *domains;
    unsigned slot; /* the service's own in each domain's record */
    /* Ends memd in good order with XLX_EXIT_FAILED, from the loop. What was wrong has been logged. */
    void (*fail)(const struct service_env *env);
    void *memd; /* private */
};

struct service {
    const char *name;
    /* *state is handed to all other calls. An error (logged) ends memd. */
    int (*start)(const struct service_env *env, void **state);
    /* Called once if start succeeded, also when domains are still there. */
    void (*stop)(void *state);

    /* SIGHUP: files that people write may be read anew. */
    void (*reload)(void *state);

    /* A domain that xenstored knows (dom0 too): one that runs already, or one just built, before it is unpaused. */
    void (*domain_appeared)(void *state, struct service_domain *domain);
    void (*domain_renamed)(void *state, struct service_domain *domain);
    /* Somebody, perhaps the service itself, has written that node since the domain appeared. */
    void (*domain_written)(void *state, struct service_domain *domain, enum service_node node);
    /* Its kernel has ended (poweroff, reboot, crash...); reason is one of SHUTDOWN_* of xen/sched.h. */
    void (*domain_shut_down)(void *state, struct service_domain *domain, unsigned reason);
    /* It is gone or dying; its memory may still be on its way back to the host. The record is still in the table, and
     * gone when all services have been told. */
    void (*domain_gone)(void *state, struct service_domain *domain);
};

#endif
