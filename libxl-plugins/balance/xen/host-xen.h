/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_XEN_HOST_XEN_H
#define XLX_BALANCE_XEN_HOST_XEN_H

/*
 * A Xen host behind balance/host.h. host-xen.c: time, looks and what is kept; xen-config.c: its part of memd's
 * configuration; xen-domain.c: one domain's facts, reports and watches; xen-ranges.c: its range; xen-target.c: writing
 * a target; xen-starts.c: starts by others that fail; xen-saves.c: domains that others save or send away; virq.c: the
 * hypervisor's word that memory runs out.
 */

#include <xenctrl.h>
#include <xenevtchn.h>

#include "balance/engine/balancer.h"
#include "balance/xen/ranges.h"
#include "balance/xen/settings.h"
#include "balloon/guest-reports.h"
#include "core/service.h"

struct xen_config {
    bool manage_all;                         /* also domains without a range of their own */
    uint64_t default_min_memkb;              /* of those; 0: the least that they can live with */
    uint64_t dom0_min_memkb, dom0_max_memkb; /* dom0 is balanced when the maximum is not 0 */
    uint32_t report_interval_s;
    const char *ranges;             /* the path of ranges.cfg */
    const char *const *config_dirs; /* where configurations of domains lie */
    size_t config_dir_count;
};

/* What the host adds to a domain's record. */
struct xen_domain {
    struct host_xen *xen;
    const struct service_domain *domain;
    uint32_t domid;
    bool followed; /* its reports and its static-max are watched, too */
    bool shown;    /* its range has been written to its nodes */
    bool held_read, held;
    bool warned; /* of a range in a file that it cannot have */
    struct guest_follow follow;
    struct guest_stats stats;
    uint64_t stats_serial; /* how many came before */
    struct store_watch devices_watch;
    bool devices_watched; /* it has fired for its registration */
    unsigned echoes;      /* events about its target that are our own writes' */
    uint64_t failed_ms;   /* a write of its target failed then, and was undone without being counted; 0: none did */
    uint64_t videoram_memkb;
};

/* Limits of a domain whose memory is being read; 0: ours is not put. */
struct xen_restore {
    uint64_t libxl_memkb, ours_memkb;
};

struct host_xen {
    struct host host;
    struct xlx_ctx *ctx;
    struct xs_handle *xs;
    xc_interface *xc;
    struct store_watcher *watcher;
    struct xen_config config;
    struct ev_timer timer;
    struct host_sample *samples;
    size_t sample_capacity;
    const struct service_domains *domains;
    unsigned slot; /* where a record holds our struct xen_domain */
    xenevtchn_handle *evtchn;
    /* What files say, each in a pool of its own. */
    struct gc *config_gc, *listed_gc, *found_gc;
    struct ranges listed, found; /* ranges.cfg; configurations of domains */
    uint64_t found_ms;
    /* Starts by others (xen-starts.c), and what is kept for one that failed; 0: nothing. */
    struct store_watch libxl_watch;
    struct ev_timer starts_timer;
    struct xen_start *starts;
    char kept_id[RESERVE_ID_LEN];
    uint64_t kept_memkb, kept_until_ms;
    /* Domains that are being saved or sent away (xen-saves.c). */
    const char *save_helper; /* the path of libxl's program for that; NULL: none is known */
    int saves_fd;            /* inotify's; -1: none */
    struct ev_fd saves_opened;
    struct ev_timer saves_timer;
    unsigned saves_looks;
    struct xen_save *saves;
    uint64_t collected_ms; /* when ranges were last collected; 0: not yet */
    int virq_port;         /* -1: somebody else has bound it */
    bool autoballoon, libvirt_autoballoon;
    struct ev_fd virq_fd;
};

/* Opens what it needs and reads its part of memd's configuration. *balancer's defaults become those of a Xen host.
 * Logs. The host is freed by its close operation. */
int host_xen_open(const struct service_env *env, struct balancer_config *balancer, struct host **host);

extern const struct host_ops host_xen_ops;

/* ---- xen-config.c ---- */

/* Its arrays are in the pool, its texts belong to config. Logs. */
int xen_config_read(struct xlx_ctx *ctx, struct gc *gc, const struct config *config, struct xen_config *xen);
void xen_config_defaults(struct xlx_ctx *ctx, struct balancer_config *balancer);

/* ---- xen-ranges.c ---- */

/* Reads ranges.cfg again; with an error (a sentence, in the pool) all stays as it was. */
int xen_ranges_read(struct host_xen *x, struct gc *gc, const char **fault);
/* Looks for ranges in the configurations of domains, unless that was done a moment ago. */
void xen_ranges_look(struct host_xen *x);
void xen_ranges_free(struct host_xen *x);
/* Whether a file has a range for it. */
bool xen_ranges_have(struct xen_domain *d);
/* Who gave it its range (a word, static), which is filled in; NULL: it is nobody's to balance. */
const char *xen_range_of(struct xen_domain *d, uint64_t static_max_memkb, struct settings *settings);
int xen_host_ranges_read(struct host *host, struct gc *gc, const char **fault);
int xen_host_range_lasts(struct host *host, uint32_t domid);

/* ---- xen-domain.c ---- */

struct xen_domain *xen_domain_find(struct host_xen *x, uint32_t domid);
void xen_domain_there(struct host *host, struct service_domain *domain);
void xen_domain_written(struct host *host, struct service_domain *domain, bool target);
/* Forgets what was added to it. */
void xen_domain_remove(struct host_xen *x, struct service_domain *domain);
void xen_domain_gone(struct host *host, struct service_domain *domain);
const char *xen_domain_name(struct host *host, uint32_t domid);
int xen_domain_facts(struct host *host, uint32_t domid, struct host_domain *facts);
int xen_domain_report(struct host *host, uint32_t domid, struct host_report *report);
int xen_domain_ask(struct host *host, uint32_t domid);
int xen_domain_range_set(struct host *host, struct gc *gc, uint32_t domid, const struct settings *range,
                         const char **fault);
int xen_domain_range_forget(struct host *host, uint32_t domid);
int xen_domain_hold(struct host *host, uint32_t domid, bool held);

/* ---- xen-target.c ---- */

int xen_target_get(struct host *host, uint32_t domid, uint64_t *target_memkb);
int xen_target_set(struct host *host, uint32_t domid, uint64_t expected_memkb, uint64_t target_memkb,
                   uint64_t limit_memkb);
int xen_limit_set(struct host *host, uint32_t domid, uint64_t limit_memkb);
int xen_target_accept(struct host *host, uint32_t domid, uint64_t target_memkb);
int xen_target_disown(struct host *host, uint32_t domid);
/* What was recorded for this very domain; ERROR_NOTFOUND. */
int xen_target_own(struct host_xen *x, const struct xen_domain *d, uint64_t *own_memkb);
/* target_memkb is the balancer's own, limit_memkb what the hypervisor enforces. Killed between the two steps of a
 * change it has left a limit that is too high, with which the guest could climb back over its share. */
void xen_target_mend_limit(struct host_xen *x, struct xen_domain *d, uint64_t target_memkb, uint64_t limit_memkb);
void xen_target_forget(struct host_xen *x, uint32_t domid);

/* ---- xen-starts.c ---- */

/* Notices starts by others that fail for memory. Logs. */
void xen_starts_watch(struct host_xen *x);
void xen_starts_end(struct host_xen *x);

/* ---- xen-saves.c ---- */

/* Notices who runs libxl's program that writes a domain's memory, by its path, which must outlive the host; NULL: there is
 * nothing to notice. Not being able to is no error: a warning. */
void xen_saves_watch(struct host_xen *x, const char *helper);
void xen_saves_end(struct host_xen *x);
/* Whether the domain is being saved or sent away. */
bool xen_saves_has(const struct host_xen *x, uint32_t domid);

/* ---- xen-restores.c ---- */

/* libxl's program has begun to put memory into the domain, or has ended; *r is kept from the one to the other. */
void xen_restore_begun(struct host_xen *x, uint32_t domid, struct xen_restore *r);
void xen_restore_ended(struct host_xen *x, uint32_t domid, const struct xen_restore *r);

/* ---- virq.c ---- */

/* Not being able to is no error: a warning, and the balancer's timer has to do. */
void virq_start(struct host_xen *x);
void virq_stop(struct host_xen *x);

#endif
