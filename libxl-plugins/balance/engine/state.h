/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_ENGINE_STATE_H
#define XLX_BALANCE_ENGINE_STATE_H

/* What the balancer's files share: balancer.c (events, time), round.c (one round), decide.c (what is asked of whom),
 * wishes.c (input of the plan), act.c (targets), reserve.c (reservations), view.c. */

#include "balance/engine/balancer.h"
#include "balance/policy/demand.h"
#include "balance/policy/health.h"

#define NEVER UINT64_MAX

/* Events of one moment make one round; rounds are at least so far apart. */
#define ROUND_GAP_MS 50u
/* While something moves: at first, then, and while all that moves is slow. */
#define TICK_FAST_MS 100u
#define TICK_MS 250u
#define TICK_SLOW_MS 1000u
#define TICK_FAST_FOR_MS 5000u

struct dom {
    uint32_t domid;
    struct host_domain facts;
    bool facts_stale;
    bool never_ran; /* paused since it appeared: being built */
    bool pinned;
    uint64_t own_memkb; /* what the balancer wrote last or took for its own */
    uint64_t boot_until_ms;

    bool has_report, report_due;
    uint64_t report_at_ms; /* due then */
    uint64_t report_read_ms;
    struct demand demand;
    uint64_t planned_demand_memkb; /* of the last plan */

    struct health health;
    enum plan_balloon told; /* by the last event */

    /* this look */
    bool seen;
    struct host_sample sample;
    uint64_t actual_memkb, last_actual_memkb;
    uint64_t promise_memkb; /* the highest target since the look */
    uint64_t target_memkb;
    struct plan_domain plan;
    bool rearm, written;
    unsigned refusals; /* writes of its target in a row that failed; not tried again before */
    uint64_t refused_until_ms;

    uint64_t planned_memkb;
    enum plan_reason reason;
    uint64_t granted_at_ms;

    struct balancer_change history[BALANCER_HISTORY];
    unsigned history_next;
    size_t history_count;
};

struct reservation {
    struct reserve_info info;
    bool admitted; /* counted in the plan although it waits */
};

struct balancer {
    struct host *host;
    struct balancer_config config;
    struct dom **doms; /* ascending domid */
    size_t count, capacity;
    struct reservation **reservations; /* oldest first */
    size_t reservation_count;
    uint64_t next_id;

    uint64_t now_ms;
    uint64_t round_at_ms; /* NEVER: none wanted */
    uint64_t wake_at_ms;  /* what the host was asked for: a round or a report */
    uint64_t last_round_ms;
    uint64_t fast_until_ms;
    bool emergency;
    bool awake; /* within balancer_wake */

    const struct host_sample *samples; /* of the last look */
    size_t sample_count;
    struct host_memory memory;
    uint64_t last_free_memkb;
    bool looked;
    /* of the last plan */
    bool feasible;
    uint64_t shortfall_memkb;
    int64_t budget_memkb;

    struct balancer_counters counters;
};

/* balancer.c */
struct dom *dom_find(struct balancer *b, uint32_t domid);
/* To be woken at that time at the latest. */
void wake_wanted(struct balancer *b, uint64_t at_ms);
/* The same for a round. */
void round_wanted(struct balancer *b, uint64_t at_ms);
void round_soon(struct balancer *b);
void tell(struct balancer *b, const struct host_event *event);

/* wishes.c: the domains as the policy sees them now. */
enum plan_state dom_state(const struct balancer *b, const struct dom *d);
bool dom_balanced(const struct balancer *b, const struct dom *d); /* managed, running, neither fixed nor pinned */
/* What it may still take beyond what it holds and claims. */
uint64_t dom_pending(const struct balancer *b, const struct dom *d);
void wishes_fill(struct balancer *b);
/* Copies of d->plan for all, in the pool. */
struct plan_domain *wishes_domains(struct balancer *b, struct gc *gc);
/* What a participant still keeps after it has given for that long, at the least its minimum; by_rate: also one that is
 * not slow is expected to give at its last rate only. */
uint64_t wish_kept_memkb(const struct dom *d, uint64_t within_ms, bool by_rate);
/* What the participants keep together, all by their rates. */
int64_t wishes_kept_memkb(const struct balancer *b, uint64_t within_ms);
struct plan_input wishes_input(struct balancer *b, const struct plan_domain *domains);

/* decide.c: planned_memkb and reason of each. urgent: memory runs out. */
void round_decide(struct balancer *b, struct gc *gc, bool urgent);

/* act.c */
int target_write(struct balancer *b, struct dom *d, uint64_t target_memkb, const char *reason);
/* Lowers first, then raises as far as there is memory; returns whether something is left to raise. */
bool targets_move(struct balancer *b, struct gc *gc);
void targets_rearm(struct balancer *b);
/* Free memory that nobody has a claim on; negative when there is too little. */
int64_t room_memkb(const struct balancer *b);

/* reserve.c */
void reserve_become(struct balancer *b, struct reservation *r, enum reserve_state state);
/* Those that are over go; they were told of. */
void reserve_sweep(struct balancer *b);
/* A domain that was handed memory and never runs. */
#define RESERVE_HANDED_LEASE_MS 1800000u
void reserve_load(struct balancer *b);
void reserve_free(struct balancer *b);
/* reserve-round.c: time-outs, leases, and what handed ones still count; before the plan. */
void reserve_review(struct balancer *b);
/* Which of those that wait the guests can make room for. */
void reserve_admit(struct balancer *b);
/* Those for which there is enough free memory are ready. */
void reserve_settle(struct balancer *b);
/* Of those that are ready, handed, or (waiting too) admitted. */
uint64_t reserved_memkb(const struct balancer *b, bool waiting);
/* Whether any waits, or any that is admitted. */
bool reserve_waits(const struct balancer *b, bool admitted);
/* What the domain was promised by reservations and has not yet; 0 without one. */
uint64_t reserve_handed_memkb(const struct balancer *b, uint32_t domid);
void reserve_domain_gone(struct balancer *b, uint32_t domid);
/* The next time something must be done, NEVER: none. */
uint64_t reserve_next_ms(const struct balancer *b);

#endif
