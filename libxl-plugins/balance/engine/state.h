/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_ENGINE_STATE_H
#define XLX_BALANCE_ENGINE_STATE_H

/* What the balancer's files share: balancer.c (events, time), round.c (one round), domain.c (what is known of a domain),
 * ledger.c (what guests could take), limits.c (what the hypervisor lets them), credit.c (what they are lent and owe),
 * wishes.c (input of the plan), decide.c (what is asked of whom), act.c (targets), reserve.c (reservations), view.c. */

#include "balance/engine/balancer.h"
#include "balance/policy/demand.h"
#include "balance/policy/health.h"

#define NEVER UINT64_MAX

/* Events of one moment make one round; rounds are at least so far apart, and so many times as long as one takes: a
 * balancer that keeps the processor busy takes it from the guests that are to give and to take. */
#define ROUND_GAP_MS 50u
#define ROUND_PAUSE 8u
/* While something moves: at first, then, and while all that moves is slow. */
#define TICK_FAST_MS 100u
#define TICK_MS 250u
#define TICK_SLOW_MS 1000u
#define TICK_FAST_FOR_MS 5000u
/* How long facts are read, and targets written, before others have their turn; somebody who asks for a view waits longer
 * for the facts of this moment. */
#define TURN_MS 250u
#define TURN_WRITE_MS 500u
#define TURN_VIEW_MS 1000u
/* A round waits so long for facts. */
#define FACTS_PATIENCE_MS 5000u
/* What has not moved for so long is not going to. */
#define STILL_MS 180000u

/* What a guest was lent and did not give back when it was asked; of a UUID, or of a name where there is none. */
struct credit {
    uint64_t owed_memkb;     /* asked for and refused; 0: nothing */
    uint64_t given_memkb;    /* what it was seen to give when asked */
    unsigned refusals;       /* in a row */
    uint64_t pardoned_at_ms; /* when a refusal by a domain that is gone counts no more */
};

struct dom {
    uint32_t domid;
    struct host_domain facts;
    bool facts_stale;
    bool never_ran;       /* paused since it appeared: being built */
    uint64_t appeared_ms; /* 0: it was there before the balancer */
    bool pinned;
    uint64_t own_memkb; /* what the balancer wrote last or took for its own */
    uint64_t boot_until_ms;
    enum plan_state last_state;

    bool has_report, report_due;
    uint64_t report_at_ms; /* due then */
    uint64_t report_read_ms;
    unsigned quick_reads; /* in a row */
    struct host_report report;
    uint64_t asked_ms;   /* for a report, and it has not come; 0: not */
    uint64_t renewed_ms; /* the last time that it was asked because somebody else is short */
    struct demand demand;
    uint64_t planned_demand_memkb; /* of the last plan */
    uint64_t arrival_ms;           /* how long memory takes to reach it; 0: not known */

    struct health health;
    enum plan_balloon told;      /* by the last event */
    unsigned tries;              /* for a start that waits */
    uint64_t try_again_ms;       /* not before, after the first */
    uint64_t refused_used_memkb; /* by its last report when it was found to give nothing */

    /* this look */
    bool seen;
    struct host_sample sample;
    uint64_t actual_memkb, last_actual_memkb;
    uint64_t promise_memkb;       /* the highest target since the look */
    uint64_t promise_limit_memkb; /* the highest limit since the look */
    uint64_t target_memkb;
    struct plan_domain plan;
    bool rearm, written;
    unsigned refusals; /* writes of its target in a row that failed; not tried again before */
    uint64_t refused_until_ms;

    uint64_t still_since_ms; /* holds the same since then */
    bool closed;             /* its limit was put to what it holds, although it should have more */
    uint64_t closed_at_ms;
    bool limited; /* its limit is ours, and may be nearer to its target than libxl's */

    bool owes;            /* it holds more than it was asked to */
    uint64_t least_memkb; /* the least that it has held since */
    uint64_t stood_memkb; /* its target before; 0: not known */
    struct credit credit;
    bool credit_loaded;
    uint64_t fair_memkb, cap_memkb; /* its share, and how far it may go beyond it */

    uint64_t planned_memkb;
    enum plan_reason reason;
    uint64_t granted_at_ms;
    uint64_t raised_at_ms; /* and what it was raised to has not reached it yet; 0: it has */

    struct balancer_change history[BALANCER_HISTORY];
    unsigned history_next;
    size_t history_count;
};

struct reservation {
    struct reserve_info info;
    bool admitted;      /* counted in the plan although it waits */
    uint64_t has_memkb; /* handed: what its domain held and claimed in the last round */
};

/* A credit that is kept, also of domains that are not there. */
#define CREDIT_NAME_LEN 64
struct kept_credit {
    char name[CREDIT_NAME_LEN];
    struct credit credit;
};

struct balancer {
    struct host *host;
    struct balancer_config config;
    struct dom **doms; /* ascending domid */
    size_t count, capacity;
    struct reservation **reservations; /* oldest first */
    size_t reservation_count;
    uint64_t next_id;
    struct kept_credit *credits;
    size_t credit_count;

    uint64_t now_ms;
    uint64_t round_at_ms; /* NEVER: none wanted */
    uint64_t wake_at_ms;  /* what the host was asked for: a round or a report */
    uint64_t last_round_ms;
    uint64_t took_ms; /* a look and a round, lately */
    uint64_t fast_until_ms;
    uint64_t freed_until_ms; /* a domain has gone, and nobody tells when its memory is free */
    bool emergency;
    bool awake;             /* within balancer_wake */
    uint64_t turn_until_ms; /* what asks the host much goes on in the next turn from then on */
    uint64_t behind_ms;     /* facts that have changed are not all read since then; 0: all are */

    const struct host_sample *samples; /* of the last look */
    size_t sample_count;
    struct host_memory memory;
    uint64_t last_free_memkb;
    bool looked;
    /* of the last plan */
    bool feasible;
    bool hurry;           /* somebody waits for memory */
    uint64_t hurried_ms;  /* the last time that somebody did */
    uint64_t float_memkb; /* of the configuration, or by the size of the host */
    uint64_t shortfall_memkb;
    int64_t budget_memkb;

    struct balancer_counters counters;
};

/* balancer.c */
struct dom *dom_find(struct balancer *b, uint32_t domid);
/* To be woken at that time at the latest. */
void balancer_wake_wanted(struct balancer *b, uint64_t at_ms);
/* The same for a round. */
void balancer_round_wanted(struct balancer *b, uint64_t at_ms);
void balancer_round_soon(struct balancer *b);
/* Between two rounds. */
uint64_t balancer_round_gap_ms(const struct balancer *b);
void balancer_tell(struct balancer *b, const struct host_event *event);
/* The host may be slow to answer, and hundreds of domains may come or change at once: from now on questions may take so
 * long. Whoever else waits for the loop gets his turn then. */
void balancer_turn_begins(struct balancer *b, uint64_t length_ms);
bool balancer_turn_over(const struct balancer *b);

/* domain.c */
enum plan_state dom_state(const struct balancer *b, const struct dom *d);
bool dom_balanced(const struct balancer *b, const struct dom *d); /* managed, running, neither fixed nor pinned */
/* It ran and is paused now, and would be balanced. */
bool dom_paused(const struct balancer *b, const struct dom *d);
/* After a look: facts, what it holds, what it owes, and whether it has changed its state. */
void dom_refresh(struct balancer *b, struct dom *d);
/* What it holds beyond its target although it is there: pages that its driver does not count, and slack. */
uint64_t dom_tolerance_memkb(const struct dom *d);
/* Where its target belongs when it does not move: where it stands, without what it has taken of its slack. Never above its
 * target before it was asked, nor the least that it has held since, or each time that it is judged would let it climb. */
uint64_t dom_stands_at_memkb(const struct dom *d);
void dom_read_due_report(struct balancer *b, struct dom *d);
/* Whether its report is of this moment, as far as can be told. One that is not is asked for; what does not come is
 * forgotten. */
bool dom_report_confirmed(struct balancer *b, struct dom *d);
/* Somebody else is short of what this one keeps for its needs: has it report anew, if it can and did not just do so.
 * Nothing waits for the answer. */
bool dom_report_can_renew(const struct balancer *b, const struct dom *d);
void dom_report_renew(struct balancer *b, struct dom *d);
/* How old its last report is, or was when it was forgotten. */
uint64_t dom_report_age_ms(const struct balancer *b, const struct dom *d);
/* What it may use by now or before it reports again, of what it holds and does not exceed its target with: the older its
 * report is, the less is taken on its word. 0: its word is as good as new, or it has none. */
uint64_t dom_doubted_memkb(const struct balancer *b, const struct dom *d);
/* What it says that it does not use. */
uint64_t dom_says_spare_memkb(const struct dom *d);

/* ledger.c */
/* The most that it could hold by now or soon, without asking anybody. */
uint64_t ledger_could_memkb(const struct balancer *b, const struct dom *d);
/* What it could take beyond what it holds and claims, and beyond what reservations keep for it. */
uint64_t ledger_pending_memkb(const struct balancer *b, const struct dom *d);
/* Paused, without a balloon, or unmoved for so long that nobody should wait for it; its limit may be closed. */
bool ledger_idle(const struct balancer *b, const struct dom *d);
/* What it should have beyond what it holds, by whoever decides on it; what is counted in the plan. */
uint64_t ledger_expected_memkb(const struct balancer *b, const struct dom *d);
/* Of reservations that are ready, handed, or (waiting too) admitted. */
uint64_t ledger_reserved_memkb(const struct balancer *b, bool waiting);
/* Free memory that nobody can take, has a claim on, or was promised; negative when there is too little. */
int64_t ledger_room_memkb(const struct balancer *b);
/* What those that are balanced could take above their targets when all are reached. */
uint64_t ledger_slack_memkb(const struct balancer *b);

/* limits.c */
/* For that target of a domain that is balanced or paused. */
uint64_t limit_for_memkb(const struct dom *d, uint64_t target_memkb);
/* Each limit where it belongs; lacking: room that somebody waits for, for which idle ones are closed. */
void limits_mend(struct balancer *b, uint64_t lacking_memkb);
/* Those that were closed get theirs back as room allows. */
void limits_offer(struct balancer *b);

/* credit.c */
void credit_load(struct balancer *b);
/* Of a domain whose facts are known. */
void credit_find(struct balancer *b, struct dom *d);
/* It was found to give nothing. */
void credit_refused(struct balancer *b, struct dom *d);
/* It was seen to give so much of what it was asked for. */
void credit_gave(struct balancer *b, struct dom *d, uint64_t memkb);
/* Its fair share has changed: what it holds within it it owes nobody. */
void credit_settle(struct balancer *b, struct dom *d);
void credit_domain_gone(struct balancer *b, struct dom *d);
/* How much beyond its fair share it may have; NEVER: no bound. */
uint64_t credit_beyond_memkb(const struct balancer *b, const struct dom *d);

/* wishes.c: the domains as the policy sees them now. */
void dom_wishes_fill(struct balancer *b, struct gc *gc);
/* Copies of d->plan for all, in the pool. */
struct plan_domain *dom_wishes(struct balancer *b, struct gc *gc);
/* What a participant still keeps after it has given for that long, at the least its minimum; by_rate: also one that is
 * not slow is expected to give at its last rate only. */
uint64_t dom_kept_memkb(const struct dom *d, uint64_t within_ms, bool by_rate);
struct plan_input dom_wishes_input(struct balancer *b, const struct plan_domain *domains);

/* decide.c: planned_memkb and reason of each. urgent: memory runs out. */
void round_decide(struct balancer *b, struct gc *gc, bool urgent);

/* act.c */
int target_write(struct balancer *b, struct dom *d, uint64_t target_memkb, const char *reason);
/* Lowers first, then raises as far as there is memory; returns whether something is left to raise. */
bool targets_move(struct balancer *b, struct gc *gc);
void targets_rearm(struct balancer *b);
/* What reservations and those that are to grow want and is not free. */
uint64_t balancer_lacks_memkb(const struct balancer *b);

/* reserve.c */
/* Writes down what there is of it. */
int reserve_keep(struct balancer *b, const struct reservation *r);
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
/* Whether any waits, or any that is admitted. */
bool reserve_waits(const struct balancer *b, bool admitted);
/* What those that wait lack even if all guests that can give went to their minimums, of the one that lacks least. */
uint64_t reserve_lacks_memkb(const struct balancer *b);
/* What the domain was promised by reservations and has not yet; 0 without one. */
uint64_t reserve_handed_memkb(const struct balancer *b, uint32_t domid);
void reserve_domain_gone(struct balancer *b, uint32_t domid);
/* The next time something must be done, NEVER: none. */
uint64_t reserve_next_ms(const struct balancer *b);

#endif
