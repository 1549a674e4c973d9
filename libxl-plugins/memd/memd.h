/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MEMD_MEMD_H
#define XLX_MEMD_MEMD_H

/* What the files of memd's frame share. Services see core/service.h only. */

#include "core/service.h"
#include "xlx-plugin.h"

/* The services, in the order of their start; its end is NULL. They are stopped in the opposite order. */
extern const struct service *const memd_services[];

/*
 * The domains that there are, and their records. Xen says that a domain has come or gone, not which: the tracker asks
 * for the list then, once for all that happened at the same time, and tells what is different. Of each domain it watches
 * the name and the sizes. It costs nothing while nothing happens.
 */
struct tracker;

struct tracker_ops {
    void (*appeared)(void *arg, struct service_domain *domain);
    void (*renamed)(void *arg, struct service_domain *domain);
    void (*written)(void *arg, struct service_domain *domain, enum service_node node);
    void (*shut_down)(void *arg, struct service_domain *domain, unsigned reason);
    /* The record goes when this returns. */
    void (*gone)(void *arg, struct service_domain *domain);
};

/* Tells of all domains that are there before it returns. domains is empty, and the tracker's until it is freed. Logs. */
int tracker_new(struct xlx_ctx *ctx, struct service_domains *domains, const struct tracker_ops *ops, void *arg,
                struct tracker **tracker);
/* Tells nothing. NULL is allowed. */
void tracker_free(struct tracker *tracker);

/*
 * One memd balances a host, and one serves a run folder: a lock in each, also when the run folder is another than the
 * host's usual one.
 */
struct memd_locks {
    int host, run; /* -1: none */
};
#define MEMD_LOCKS_NONE                                                                                                \
    {                                                                                                                  \
        -1, -1                                                                                                         \
    }
/* Makes the folders when they are not there. Logs. */
int memd_lock(struct xlx_ctx *ctx, const char *host_folder, const char *run_folder, struct memd_locks *locks);
/* Idempotent. */
void memd_unlock(struct memd_locks *locks);

/*
 * What systemd wants to know (sd_notify(3)): a datagram to $NOTIFY_SOCKET. Without that variable nothing is sent.
 */
struct notify {
    int fd; /* -1: nobody to tell */
    uv_loop_t *loop;
    uint64_t feed_every_ms; /* 0: there is no watchdog */
    uint64_t fed_ms;        /* loop time */
    struct ev_timer watchdog;
};
/* Also starts to feed the watchdog of $WATCHDOG_USEC, at half its time. Never fails: failures are logged as warnings.
 */
void notify_start(struct xlx_ctx *ctx, struct notify *notify);
/* The loop has turned: who was woken anyhow feeds the watchdog then, so that an idle memd is not woken for that alone.
 */
void notify_woken(struct notify *notify);
void notify_say(struct notify *notify, const char *state);
void notify_stop(struct notify *notify);

extern const struct xlx_command cmd_memd;

#endif
