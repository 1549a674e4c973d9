/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_TESTS_SIM_WORLD_H
#define XLX_TESTS_SIM_WORLD_H

/*
 * A simulated host in virtual time, with the daemon's own balancer on it. docs/sim.md describes what it models.
 * world.c: time, events, what scenarios do. guest.c: what guests hold and use. agent.c: what they say of it.
 * sim-host.c: balance/host.h. check.c: invariants.
 */

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/looks.h"
#include "balance/engine/balancer.h"
#include "balloon/guest-agent.h"

#define NEVER UINT64_MAX
#define MIB UINT64_C(1024)

/* What every limit has above target and video memory: as libxl. */
#define LIMIT_SLACK_MEMKB 1024u

/* How its balloon driver moves; those of the second line can be no fault of the guest's owner. */
enum kind { KIND_INSTANT, KIND_RATE, KIND_CREEP, KIND_STUCK, KIND_GIVEUP, KIND_FLOOR, KIND_DRIVERLESS };
/* What it does on purpose besides, in any combination. */
enum way {
    WAY_SLACK = 1,    /* holds whatever its limit lets it hold */
    WAY_KEEPS = 2,    /* gives nothing */
    WAY_DECLINES = 4, /* takes nothing */
    WAY_DAWDLES = 8,  /* gives as slowly as may pass for giving */
};
/* What its agent says. */
enum agent { AGENT_HONEST, AGENT_NONE, AGENT_HIGH, AGENT_LOW, AGENT_WILD, AGENT_FLIP };
/* How it says so, in any combination. */
enum manner {
    MANNER_SPAM = 1,   /* 50 times a second */
    MANNER_MINUTE = 2, /* once a minute, whatever happens */
    MANNER_FADES = 4,  /* takes its report away after a while, and stays silent */
    MANNER_ENDS = 8,   /* stays silent after a while; what it said last stands */
    /* Not xl-ext's agent but another (balloon/guest-agent.h), which writes what that one writes, when it does; only one
     * of these. */
    MANNER_XENSERVER = 16,
    MANNER_XENSERVER_WINDOWS = 32,
    MANNER_XCPNG = 64,
    MANNER_XCPNG_WINDOWS = 128,
    MANNER_MEMINFO = 256,
    MANNER_QUBES = 512,
    MANNER_MUTE = 1024, /* its kernel does not tell of stalls */
};
#define MANNERS_OF_OTHERS                                                                                              \
    (MANNER_XENSERVER | MANNER_XENSERVER_WINDOWS | MANNER_XCPNG | MANNER_XCPNG_WINDOWS | MANNER_MEMINFO | MANNER_QUBES)
/* As what it comes back when it has died: with its UUID, its name, both, neither. The domid is always another. */
enum returns { RETURNS_SAME, RETURNS_UUID, RETURNS_NAME, RETURNS_NEW };
enum guest_state { GUEST_ABSENT, GUEST_BUILDING, GUEST_LIVE, GUEST_DYING };

struct guest {
    /* from the scenario */
    char name[24];
    enum kind kind;
    unsigned ways; /* of enum way */
    enum agent agent;
    unsigned manners; /* of enum manner */
    bool hostile;     /* nobody owes it anything; else it is honest, or merely unlucky */
    enum plan_type type;
    bool fixed, managed;
    bool dom0; /* domid 0, without a limit */
    uint64_t static_max_memkb, min_memkb, max_memkb, weight;
    uint64_t start_memkb;
    uint64_t rate_kb_s, give_kb_s;
    uint64_t videoram_memkb;
    uint64_t floor_memkb, giveup_memkb;
    uint64_t boot_ms; /* driver and agent are silent so long */
    int64_t offset_memkb;
    /* the load: what its programs want to use; a square wave when period is set */
    uint64_t used_memkb, burst_memkb, period_ms;
    uint64_t touch_kb_s; /* how fast they touch it */
    uint64_t lend_memkb; /* what it may be lent beyond its share; NEVER: all */
    uint64_t fades_ms, flip_ms;
    uint64_t lives_ms; /* dies after so long, and comes back; 0: does not */
    enum returns returns;

    /* the run */
    enum guest_state state;
    uint32_t domid;
    unsigned number;                   /* in the scenario, from 1 */
    char life_name[40], life_uuid[37]; /* of this life */
    uint64_t born_ms, died_ms;
    uint64_t gone_told_ms; /* the daemon hears then that gone_domid is gone; NEVER: it has */
    uint32_t gone_domid;
    uint64_t held_memkb; /* less its offset */
    uint64_t fraction;   /* of a KiB, in 1/1000: what a slow one has moved */
    uint64_t target_memkb;
    uint64_t limit_memkb;                   /* the hypervisor's, of all that it holds */
    uint64_t touched_memkb, touch_fraction; /* what its programs have of what they want */
    bool waits;                             /* they wait for memory */
    uint64_t waits_since_ms;
    bool busy;               /* it moved in the last step */
    unsigned lives;          /* how often it was born */
    uint64_t still_since_ms; /* it has not moved since */
    bool has_own, own_marked;
    uint64_t own_memkb;
    bool paused, migrating, asleep, stopped;
    uint64_t asleep_at_memkb, moved_memkb;
    uint64_t build_memkb; /* what it will hold when built */
    /* its agent; see agent.c */
    struct host_report report;
    bool has_report, asked;
    uint64_t report_at_ms, psi_ms;
    uint64_t first_total_memkb; /* when it told first in this life; 0: it has not */
    uint64_t told_ms, told;     /* when the last report was written, and how many were before */
    struct looks looks;
    bool alarm; /* page faults wake it */
    uint64_t sampled_memkb;
    double pressure; /* of 0 to 1, decaying over 10 s */
    uint64_t stalled_us;
    /* what it is owed; see fair.h */
    bool judged, told_starved;
    uint64_t first_memkb;                 /* held when it was first seen */
    double peak_memkb;                    /* the most that it was owed of what it still holds */
    uint64_t needs_memkb, needs_fraction; /* what its programs had by now were there always memory */
    uint64_t owed_memkb;
    double starved, due, allowed; /* KiB * s */
    /* of the other policies */
    uint64_t squeezed_held_memkb, squeezed_since_ms;
    bool squeezed_stuck;
    double wished_memkb;
    /* statistics */
    int last_way;
    uint64_t last_turn_memkb;
};

enum action_type {
    DO_RESERVE,
    DO_RELEASE,
    DO_START,
    DO_DESTROY,
    DO_PAUSE,
    DO_RESUME,
    DO_LOAD,
    DO_KILL,
    DO_KILL_AT,
    DO_SET,
    DO_AUTO,
    DO_RANGE,
    DO_HOG,
    DO_CLAIM,
    DO_AGENT,
    DO_MIGRATE,
    DO_BREAK,
};

struct action {
    uint64_t at_ms;
    enum action_type type;
    int guest;     /* index, or -1 */
    char name[24]; /* of a reservation */
    uint64_t memkb, memkb2, ms, ms2, number;
};

struct booking {
    char name[24], id[RESERVE_ID_LEN];
    uint64_t asked_ms, ready_ms; /* NEVER: not yet */
    bool over;
    const struct action *action;
    int guest;      /* waiting to be started with it, or -1 */
    uint32_t domid; /* of the guest that was started with it, 0: none yet */
};

struct expectation {
    uint64_t writes_max, wakes_max, converge_ms, oscillations_max, latency_ms;
    double unmet_percent, ratio_max; /* 0: none */
    bool quiet;
    struct bounds {
        int guest;
        uint64_t low_memkb, high_memkb;
    } targets[16], held[16];
    size_t target_count, held_count;
    uint64_t free_memkb; /* of the host, always */
};

struct scenario {
    char name[64];
    uint64_t total_memkb, reserve_memkb;
    uint64_t length_ms, quiet_ms; /* the last quiet_ms must be without target writes */
    struct guest *guests;
    size_t guest_count;
    struct action *actions; /* ascending time */
    size_t action_count;
    struct expectation expect;
    bool check_covered, check_starved;
};

struct statistics {
    uint64_t least_free_memkb;
    int64_t worst_over_memkb, worst_uncovered_memkb;
    uint64_t writes, quiet_writes, oscillations, probe_writes;
    uint64_t last_write_ms, last_change_ms;
    double worst_unmet;
    uint64_t worst_latency_ms;
    unsigned bookings_ready, bookings_asked;
    uint64_t wakes, quiet_wakes;
    /* Integral of what honest guests lacked of what they were owed; the sum of the steps of what they were owed, each
     * times the time to hear of it and decide. */
    double starved_mib_s, reaction_mib_s;
    /* The same with foresight, and their ratio, with half a second for each step on both sides. */
    bool has_oracle;
    double oracle_mib_s, ratio;
};

struct policy;

struct run_options {
    bool verbose;
    const struct policy *policy;
    bool figures;
    bool strict;         /* all invariants, also those that the scenario does not ask for */
    void (*ended)(void); /* at the end of the scenario, before the daemon is stopped; NULL: nothing */
    FILE *trace;         /* NULL: none. A line for each guest and half second: seconds name held target used, in MiB */
};

struct world {
    struct host host;
    const struct scenario *scenario;
    const struct run_options *options;
    uint64_t trace_at_ms;
    struct guest *guests;
    const struct policy *policy;
    void *daemon; /* NULL: killed */
    uint64_t now_ms, moved_ms, wake_at_ms, restart_at_ms;
    uint64_t greeted_ms; /* the daemon was started then */
    uint64_t fair_hash;  /* of what shares were last computed from */
    uint64_t free_memkb, hog_memkb, claim_memkb;
    bool low;                /* VIRQ_ENOMEM has fired */
    bool debt;               /* others took what was promised */
    int64_t uncovered_memkb; /* what could be taken beyond what there is, at the last moment */
    bool changed_by_others;  /* within the event going on */
    bool acted;              /* the scenario did something within it */
    uint64_t kill_in;        /* operations of the balancer until it is killed, 0: not */
    jmp_buf killed;
    struct host_sample *samples;
    struct booking bookings[64];
    size_t booking_count;
    struct {
        char name[32], value[192];
        /* A reservation's, as its text says. */
        bool reservation;
        int state;
        uint64_t size_memkb, memkb;
        uint32_t domid;
    } kept[RESERVE_MAX];
    size_t kept_count;
    size_t next_action;
    uint32_t next_domid;
    struct statistics statistics;
    unsigned failures;
};

/* world.c; returns whether all invariants and expectations held. */
bool world_run(const struct scenario *scenario, const struct run_options *options, struct statistics *statistics);
struct guest *world_guest(struct world *w, uint32_t domid);

/* Calls of the daemon that may end in its death. */
#define ALIVE(w, call)                                                                                                 \
    do {                                                                                                               \
        if ((w)->daemon) {                                                                                             \
            if (!setjmp((w)->killed))                                                                                  \
                call;                                                                                                  \
            else                                                                                                       \
                world_daemon_kill((w), 100);                                                                           \
        }                                                                                                              \
    } while (0)
void world_daemon_kill(struct world *w, uint64_t down_ms);

/* events.c */
void world_act(struct world *w, const struct action *a);
/* By the toolstack alone; it fails on a full host. */
void world_start_beside(struct world *w, struct guest *g);
void world_start_booked(struct world *w, struct booking *b);
void world_guest_born(struct world *w, struct guest *g);
void world_guest_dies(struct world *w, struct guest *g);
void world_guest_changed(struct world *w, struct guest *g);

/* guest.c */
/* What its kernel keeps for itself, and what must be available before a program of its gets any more. */
#define KERNEL_MEMKB (24 * MIB)
#define WAIT_MEMKB (14 * MIB)
void guest_be_born(struct world *w, struct guest *g, bool built);
void guest_move(struct world *w, struct guest *g, uint64_t passed_ms);
/* What libxl would set for its target. */
uint64_t guest_usual_limit_memkb(const struct guest *g);
uint64_t guest_total_memkb(const struct guest *g);
/* It does not, or what it holds is in use. */
bool guest_cannot_give(const struct world *w, const struct guest *g);
uint64_t guest_wants_memkb(const struct world *w, const struct guest *g);

/* agent.c */
/* Whose agent it has, and how far apart that tells at the most; 0: it tells when something happens. */
enum guest_agent guest_agent_of(const struct guest *g);
uint64_t guest_period_ms(const struct guest *g);
/* Lets its agent look at the clock; returns whether it has written, or taken its report away. */
bool guest_report(struct world *w, struct guest *g);
/* When it does next. */
uint64_t guest_next_report_ms(const struct world *w, const struct guest *g);
/* Its target was written; its programs touch memory: it looks at once. */
void guest_sees_target(const struct world *w, struct guest *g);
void guest_touches(const struct world *w, struct guest *g);
/* The host asks it. */
void guest_ask(struct world *w, struct guest *g);
/* Its programs stalled, or not, for so long. */
void guest_stalls(struct guest *g, uint64_t passed_ms);

/* guest-show.c: a line for each. */
void guests_show(const struct world *w);
/* When it is time for the next. */
void guests_trace(struct world *w);

/* sim-host.c */
extern const struct host_ops sim_host_ops;

/* check.c */
void check_always(struct world *w);
/* Its target was written; old_slack_memkb: slack_memkb before. */
void check_write(struct world *w, const struct guest *g, uint64_t old_memkb, int64_t old_slack_memkb);
void check_end(struct world *w);
void fail(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
int64_t slack_memkb(struct world *w);
/* What it holds, or could hold whenever it likes, as the hypervisor counts. */
uint64_t could_hold_memkb(struct world *w, const struct guest *g);
/* What reservations that were granted still keep from the free memory. handed: of that domain only. */
uint64_t promised_memkb(struct world *w, const struct guest *handed);
/* The same of all, and what those that wait want. */
uint64_t reservations_memkb(struct world *w);

/* scenario.c: reads a file; 0 or -1 after a message. */
int scenario_read(struct gc *gc, const char *path, struct scenario *scenario);
/* random.c */
void scenario_random(struct gc *gc, uint64_t seed, struct scenario *scenario);

#endif
