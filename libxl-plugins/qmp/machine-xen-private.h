/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_QMP_MACHINE_XEN_PRIVATE_H
#define XLX_QMP_MACHINE_XEN_PRIVATE_H

/* What the files behind machine-xen.h share: machine-xen.c (life and size), machine-target.c (requests), machine-run.c,
 * machine-stats.c. */

#include <xenctrl.h>

#include "balloon/guest-reports.h"
#include "core/sampler.h"
#include "balloon/actual.h"
#include "qmp/machine-xen.h"

struct machine_xen {
    struct machine machine;
    struct xlx_ctx *ctx;
    struct xs_handle *xs;
    uint32_t domid;
    const struct service_domain *domain;
    bool no_floor;

    /* while there are clients */
    bool followed;
    struct sampler_client sampler;
    bool has_balloon;
    uint64_t static_max_memkb;
    uint64_t videoram_memkb; /* a domain keeps what it was built with, whatever its node says later */
    struct actual actual;
    uint64_t told_memkb;
    enum machine_status status;
    bool shut_down; /* its end was told */

    bool disorder; /* target or static-max stand in xenstore as something that is no size */

    /* A client's request, until the guest has been there or another sets the target. A guest that gave up on it is
     * re-armed (balloon/rearm.h). */
    bool requested;
    uint64_t request_memkb;
    struct ev_timer rearm; /* active: a re-arm is half done */

    /* a cont that libxl is busy with */
    struct unpause *unpause;

    /* statistics */
    uint32_t stats_interval;
    bool stats_interval_known;
    struct guest_follow follow;
    struct ev_timer stats_poll;
    struct machine_stats stats;
};

static inline struct machine_xen *machine_xen_of(struct machine *m)
{
    return (struct machine_xen *)m;
}

/* One look at the hypervisor's figures; tells clients what is different. */
void machine_xen_look(struct machine_xen *x, const xc_domaininfo_t *info, uint64_t now_ms);
/* Asks for them now. ERROR_DOMAIN_NOTFOUND is not logged. */
int machine_xen_look_now(struct machine_xen *x);

/* It has a way to go, and something has moved it not long ago. */
bool machine_xen_expected_to_move(const struct machine_xen *x, uint64_t now_ms);
void machine_xen_adapt_sampling(struct machine_xen *x);

/* machine-target.c */
int machine_target_balloon(struct machine *m, uint64_t size_bytes);
/* Asks again when the guest has given up, from time to time. */
void machine_target_rearm(struct machine_xen *x, uint64_t now_ms);
/* The target that stands in xenstore now. While a guest is asked again it is a page off; any other is somebody else's
 * and ends the request. */
void machine_target_seen(struct machine_xen *x, uint64_t target_memkb);
/* A domain is not left a page off. */
void machine_target_stop(struct machine_xen *x);

/* machine-run.c */
enum machine_status machine_run_status(const xc_domaininfo_t *info);
/* It would run if it were let. */
bool machine_run_stopped(enum machine_status status);
void machine_run(struct machine *m, bool run, struct monitor_call *call);
void machine_run_stop(struct machine_xen *x);

/* machine-stats.c */
void machine_stats_init(struct machine_xen *x);
/* Clients came, or the last has gone. */
void machine_stats_follow(struct machine_xen *x, bool clients);
void machine_stats_stop(struct machine_xen *x);
void machine_stats_get(struct machine *m, struct machine_stats *stats);
uint32_t machine_stats_interval(struct machine *m);
void machine_stats_set_interval(struct machine *m, uint32_t seconds);

#endif
