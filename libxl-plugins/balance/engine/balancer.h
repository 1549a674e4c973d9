/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_ENGINE_BALANCER_H
#define XLX_BALANCE_ENGINE_BALANCER_H

/*
 * The balancer: watches a host through balance/host.h, plans (balance/policy/plan.h), and moves targets until the plan is
 * reached or is known to be out of reach. The same code runs in memd and in the simulator.
 *
 *   something happens --coalesced--> round: look, judge each guest, plan, write
 *   round with something in flight --100 ms to 1 s--> round, else nothing until something happens
 *
 * It holds no state that it could not find again: what must survive it lies with the host (targets, the mark of who
 * wrote them, reservations). Killed at any instant and made anew it goes on.
 */

#include "balance/host.h"
#include "base/gc.h"

struct balancer;

#define BALANCER_FLOAT_AUTO UINT64_MAX

struct balancer_config {
    uint64_t reserve_memkb;    /* what stays free on the host */
    uint64_t backstop_ms;      /* a look at the host when nothing happens, default 60 s */
    uint64_t report_gap_ms;    /* reports of one guest are read at most so often, default 500 */
    uint64_t boot_ms;          /* a guest that appears is left alone so long, unless it reports; default 60 s */
    unsigned headroom_percent; /* on top of what a guest uses, default 20 */
    uint64_t arrival_ms;       /* how long memory takes to reach a guest until that was measured, default 500 */
    uint64_t float_memkb;      /* kept free from those who do not need it; BALANCER_FLOAT_AUTO (default): by the host */
    struct host_lend lend;     /* of domains that have no setting of their own; default: all */
};
void balancer_config_defaults(struct balancer_config *config);

/* host and what it stands for must outlive the balancer. Reads the reservations that are kept. */
struct balancer *balancer_new(struct host *host, const struct balancer_config *config);
/* Changes nothing on the host. NULL is allowed. */
void balancer_free(struct balancer *b);

/* ---- what the host says ---- */

/* A domain is there: when the balancer starts (initial) or later. */
void balancer_domain_appeared(struct balancer *b, uint32_t domid, bool initial);
void balancer_domain_gone(struct balancer *b, uint32_t domid);
/* Its facts (name, range, static-max, building, migrating) are other now. */
void balancer_domain_changed(struct balancer *b, uint32_t domid);
/* It wrote a report; may be said as often as it likes. */
void balancer_domain_reported(struct balancer *b, uint32_t domid);
/* memory/target was written, by whomever. */
void balancer_target_written(struct balancer *b, uint32_t domid);
/* Memory of the host runs out (VIRQ_ENOMEM). */
void balancer_emergency(struct balancer *b);
/* The time of the last wake_at has come. */
void balancer_wake(struct balancer *b);

/* ---- reservations ---- */

enum reserve_state {
    RESERVE_WAITING,
    RESERVE_READY,
    RESERVE_HANDED,
    /* the rest is over */
    RESERVE_RELEASED,
    RESERVE_TIMED_OUT,
    RESERVE_EXPIRED,
    RESERVE_DONE,
};
extern const char *const reserve_state_names[]; /* NULL at the end */

#define RESERVE_ID_LEN 16
#define RESERVE_NO_DOMAIN UINT32_MAX
/* So many at a time. */
#define RESERVE_MAX 256

struct reserve_request {
    uint64_t size_memkb;
    uint64_t min_memkb;  /* 0: size, nothing less */
    uint64_t timeout_ms; /* not ready by then: over. 0: none */
    uint64_t lease_ms;   /* over by then unless handed. 0: until released. A handed one has half an hour from then */
    uint32_t domid;      /* handed from the start, or RESERVE_NO_DOMAIN */
    char uuid[37];       /* handed to the domain of that UUID as soon as there is one; empty: to none */
};

struct reserve_info {
    char id[RESERVE_ID_LEN];
    enum reserve_state state;
    struct reserve_request request;
    uint64_t memkb;                             /* what is (to be) held free; TIMED_OUT: what there was */
    uint64_t counted_memkb;                     /* less what its domain has of it */
    uint64_t since_ms, deadline_ms, expires_ms; /* of the host's clock; UINT64_MAX: never */
    uint64_t shortfall_memkb;
};

/* ERROR_INVAL: a size of 0, a minimum above it; ERROR_BUFFERFULL: RESERVE_MAX of them. It is kept before this returns,
 * and may be ready already: when the domain of its UUID is waited for by another, id is that one's, made as large as the
 * larger of the two. */
int balancer_reserve(struct balancer *b, const struct reserve_request *request, char id[RESERVE_ID_LEN]);
/* ERROR_NOTFOUND: no such id. */
int balancer_release(struct balancer *b, const char *id);
int balancer_hand(struct balancer *b, const char *id, uint32_t domid);
/* The connection that held it is gone or back: without a lease of its own it ends lease_ms from now. */
int balancer_lease(struct balancer *b, const char *id, uint64_t lease_ms);
/* NULL: no such id. Valid until the next call of any function. */
const struct reserve_info *balancer_reservation(struct balancer *b, const char *id);
/* In the pool; oldest first. */
const struct reserve_info **balancer_reservations(struct balancer *b, struct gc *gc, size_t *count);

/* What a domain may come to hold whose memory is put into it, however much that is: what it holds, what is reserved for
 * it, and what is free and nobody's. Looks at the host. 0: there is no such domain. */
uint64_t balancer_could_hold_memkb(struct balancer *b, uint32_t domid);

/* ---- pins ---- */

/* Takes a target that others wrote for its own: the domain is balanced again. */
int balancer_auto(struct balancer *b, uint32_t domid);

/* ---- views ---- */

#define BALANCER_HISTORY 16
struct balancer_change {
    uint64_t at_ms;
    uint64_t old_memkb, new_memkb;
    const char *reason; /* static */
};

struct balancer_domain {
    struct plan_domain plan; /* as the policy sees it */
    struct host_domain facts;
    enum plan_balloon balloon;
    bool pinned;
    uint64_t planned_memkb;
    uint64_t fair_memkb; /* its fair share */
    uint64_t lent_memkb; /* what it holds beyond that */
    uint64_t owed_memkb; /* what it was asked for and refused to give back */
    const char *reason;  /* static */
    bool has_report;
    struct host_report report; /* the last; only with has_report */
    uint64_t reported_memkb;   /* the demand before it was bounded */
    const char *agent;         /* who reports, or did: a word for programs; static, "none": nobody has */
    uint64_t report_age_ms;    /* UINT64_MAX: it never reported */
    const char *range_source;  /* who gave it its range: a word for programs; static, "none": nobody */
    bool rate_known;
    uint64_t rate_kb_per_s;
    uint64_t left_ms;                                 /* at that rate; UINT64_MAX: does not move or need not */
    uint64_t probe_ms;                                /* stuck: tried again in that time; UINT64_MAX: not stuck */
    struct balancer_change history[BALANCER_HISTORY]; /* newest first */
    size_t history_count;
    const char *why; /* in the pool */
};

struct balancer_host {
    struct host_memory memory;
    uint64_t reserve_memkb, reserved_memkb, in_flight_memkb;
    uint64_t float_memkb; /* to be kept free from those who do not need it; what is there of it is in free_memkb */
    int64_t budget_memkb;
    bool feasible;
    uint64_t shortfall_memkb;
};

/* Looks at the host now, without acting, so that views are fresh. No message to xenstored. */
void balancer_look(struct balancer *b);
void balancer_view_host(struct balancer *b, struct balancer_host *view);
/* Ascending domid; ERROR_DOMAIN_NOTFOUND when there is no such domain. */
int balancer_view_domain(struct balancer *b, struct gc *gc, uint32_t domid, struct balancer_domain *view);
uint32_t *balancer_domids(struct balancer *b, struct gc *gc, size_t *count);
/* The plan of this moment, from what was last seen. */
struct plan *balancer_view_plan(struct balancer *b, struct gc *gc, struct plan_input *input);

/* Counters since it was made, for metrics. */
struct balancer_counters {
    uint64_t rounds, looks, reports_read, targets_written, rearmed, probes, emergencies;
};
const struct balancer_counters *balancer_counters(const struct balancer *b);

#endif
