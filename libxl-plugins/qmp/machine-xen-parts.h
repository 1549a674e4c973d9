/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_QMP_MACHINE_XEN_PARTS_H
#define XLX_QMP_MACHINE_XEN_PARTS_H

/* What the files behind machine-xen.h share: machine-xen.c (life and memory), machine-run.c (stop and cont),
 * machine-stats.c. */

#include <xenctrl.h>

#include "core/guest-stats.h"
#include "core/sampler.h"
#include "qmp/actual.h"
#include "qmp/machine-xen.h"

struct machine_xen {
    struct machine machine;
    struct xlx_ctx *ctx;
    struct xs_handle *xs;
    uint32_t domid;
    libxl_domain_type type;
    char uuid[XLX_UUID_LEN];
    char *name;
    bool no_floor;

    /* while there are clients */
    bool followed;
    struct store_watch memory_watch;
    struct sampler_client sampler;
    bool has_balloon;
    struct actual actual;
    uint64_t told_memkb;
    uint64_t moving_since; /* ms: when something last made it move */
    enum machine_status status;
    bool shut_down; /* its end was told */

    /* a request repeated for a guest that gave up: it is moved by a page, then set */
    struct ev_timer rearm;
    uint64_t rearm_memkb;

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
