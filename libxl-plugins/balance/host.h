/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_HOST_H
#define XLX_BALANCE_HOST_H

/*
 * The host as the balancer sees it: all it can ask and do. Xen implements it (host-xen.c), the simulator implements it
 * (tests/sim), other hypervisors can. Nothing here blocks or runs a loop. What the host has to say by itself it says by
 * calling the functions of balance/engine/balancer.h.
 *
 * rc as everywhere: 0 or an ERROR_* of libxl. An ERROR_DOMAIN_NOTFOUND is a domain that went away: no fault.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "balance/policy/plan.h"

/* What changes all the time; got for all domains at once, cheaply, without any message to xenstored. */
struct host_sample {
    uint32_t domid;
    uint64_t held_memkb;    /* what the hypervisor counts as the domain's */
    uint64_t claimed_memkb; /* claimed for it, not yet held */
    uint64_t limit_memkb;   /* the most that the hypervisor lets it hold; UINT64_MAX: all */
    bool paused, dying, shut_down;
    char uuid[37]; /* empty: it has none */
};

struct host_memory {
    uint64_t total_memkb, free_memkb;
    uint64_t claimed_memkb; /* sum of all outstanding claims */
};

/* How much beyond its fair share a domain may be lent while others do not need theirs. */
struct host_lend {
    enum host_lend_kind {
        HOST_LEND_DEFAULT, /* of a domain: as the host's configuration says */
        HOST_LEND_ALL,
        HOST_LEND_MEMKB,
        HOST_LEND_PERCENT, /* of the fair share */
    } kind;
    uint64_t amount;
};

/* What rarely changes of a domain; asked for when it appears and when the host says that it is different now. */
struct host_domain {
    const char *name, *uuid; /* valid while the domain is there, and what they point to is always the present one; uuid
                                may be empty */
    enum plan_type type;
    bool fixed;     /* cannot balloon: stub domain, passthrough, no balloon; dom0 unless it is to be managed */
    bool building;  /* not run yet */
    bool migrating; /* arriving or leaving, or held */
    bool held;      /* somebody asked to have it left alone */
    bool managed;   /* has a range */
    uint64_t min_memkb, max_memkb, weight;
    struct host_lend lend;
    const char *range_source; /* who gave the range: a word for programs; static, NULL: none, or not known */
    uint64_t static_max_memkb;
    int64_t offset_memkb; /* held less this is comparable with a target */
    bool offset_known;    /* it was measured; else offset_memkb is the best guess */
    /* What libxl's limit leaves above a target: its constant and the video memory. */
    uint64_t slack_memkb;
    /* The limit may be nearer to the target than that: nobody but the guest takes memory for it (no QEMU that writes
     * into it, no sharing or paging), and it is not being saved or moved. */
    bool tight;
    bool dom0; /* its limit is not the balancer's to move */
    bool has_target;
    uint64_t target_memkb;
    /* The last target that the balancer wrote or took for its own, as it was recorded; survives the balancer. 0: the
     * target is somebody else's. */
    bool has_own;
    uint64_t own_memkb;
};

/* What a guest reports of itself. Not to be trusted: any number. */
struct host_report {
    bool has_available; /* false: total and free only */
    /* What it does not report of these is 0, too. */
    bool has_free, has_swap, has_oom_kills, has_pressure, has_stalled;
    uint64_t total_memkb; /* UINT64_MAX: it does not say; all that it holds */
    uint64_t available_memkb, free_memkb;
    bool has_used; /* it says what is used, and nothing of what is available */
    uint64_t used_memkb;
    uint64_t swap_used_memkb;
    uint64_t oom_kills;
    uint64_t pressure;   /* share of the last 10 s that some task stalled for memory, in 1/10000 */
    uint64_t stalled_us; /* since its kernel started */
    /* What the host knows of it, not the guest: */
    uint64_t at_ms;     /* when it came, of the host's clock; 0: not known */
    uint64_t serial;    /* another one for each that came */
    uint64_t period_ms; /* its source writes at least so often while the guest lives; 0: only when something changes */
    bool answers;       /* its source reports when it is asked to (report_ask) */
    bool stands;        /* the last one, which is no older than at_ms: nothing was measured anew */
    const char *agent;  /* its source, for programs, and for people ("by ..."); static, NULL: not known */
    const char *agent_words;
};

enum host_target_cause {
    HOST_TARGET_PLAN,
    HOST_TARGET_GRANT,
    HOST_TARGET_REARM,
    HOST_TARGET_PROBE,
    HOST_TARGET_UNREACHABLE,
};

struct host_event {
    enum host_event_type {
        HOST_EVENT_TARGET,
        HOST_EVENT_HEALTH,
        HOST_EVENT_PINNED,
        HOST_EVENT_RESERVATION,
        HOST_EVENT_SHORT,
        HOST_EVENT_EMERGENCY,
    } type;
    uint32_t domid;
    uint64_t old_memkb, new_memkb; /* TARGET; PINNED: new; SHORT: new is the shortfall; EMERGENCY: new is free memory */
    const char *what;              /* TARGET: reason, HEALTH: ok, slow, stuck; RESERVATION: its id */
    const char *why;               /* HEALTH: a sentence */
};

#define SETTINGS_WEIGHT 256
#define SETTINGS_WEIGHT_MAX 65535

/* Within which range a domain is balanced. */
struct settings {
    uint64_t min_memkb, max_memkb, weight;
    struct host_lend lend;
};

struct balancer;
struct gc;
struct service_domain;

struct host {
    const struct host_ops *ops;
    /* Who is told what the host has to say; NULL: nobody (yet). */
    struct balancer *balancer;
    /* Who hears of the balancer's events beside the host; NULL: nobody. */
    void (*told)(void *arg, const struct host_event *event);
    void *told_arg;
};

struct host_ops {
    /* Monotonic, and the same after the balancer was restarted. */
    uint64_t (*now_ms)(struct host *host);
    /* All domains, ascending domid, then the host's memory: in this order, so that what moves in between is counted
     * as still to come and not as free. samples stays valid until the next look. */
    int (*look)(struct host *host, const struct host_sample **samples, size_t *count, struct host_memory *memory);
    int (*facts)(struct host *host, uint32_t domid, struct host_domain *facts);
    /* Its name, valid while it is there; NULL: there is no such domain. */
    const char *(*name)(struct host *host, uint32_t domid);
    /* The guest's last report. ERROR_NOTFOUND: it has none, or has none any more. */
    int (*report)(struct host *host, uint32_t domid, struct host_report *report);
    /* Asks the guest for a report of this moment; balancer_domain_reported tells when one has come, also one that says
     * the same as the last. */
    int (*report_ask)(struct host *host, uint32_t domid);
    int (*target_get)(struct host *host, uint32_t domid, uint64_t *target_memkb);
    /* Writes a target, records in the same act that the balancer wrote it, moves the hypervisor's limit in the order in
     * which the guest can never climb over its share. Who writes another target at the same time keeps it; when the
     * host has told of that, target_disown mends the limit. limit_memkb: what the domain may hold from then
     * on, also less than it holds (then it can take nothing); 0: target, slack and offset as libxl has it.
     * ERROR_INVAL: the target was no longer expected_memkb; nothing has been changed. */
    int (*target_set)(struct host *host, uint32_t domid, uint64_t expected_memkb, uint64_t target_memkb,
                      uint64_t limit_memkb);
    /* Moves the limit alone; also of a domain whose target is somebody else's. No message to xenstored. */
    int (*limit_set)(struct host *host, uint32_t domid, uint64_t limit_memkb);
    /* Records the target as it stands for the balancer's own. */
    int (*target_accept)(struct host *host, uint32_t domid, uint64_t target_memkb);
    /* Records that the target is not the balancer's, whatever its value: has_own with 0. A limit of the balancer's that
     * keeps the domain from that target is raised. */
    int (*target_disown)(struct host *host, uint32_t domid);
    /* Durable text by name (letters, digits, '-'), for reservations. NULL removes. */
    int (*keep)(struct host *host, const char *name, const char *value);
    void (*kept)(struct host *host, void (*each)(void *arg, const char *name, const char *value), void *arg);
    /* Asks for balancer_wake at that time or soon after; replaces the last wish. UINT64_MAX: none. */
    void (*wake_at)(struct host *host, uint64_t at_ms);
    /* Valid during the call. */
    void (*event)(struct host *host, const struct host_event *event);

    /* What people ask of memd beside the balancer. A host that serves no commands leaves these NULL. */

    /* Keeps a range, durably; a weight of 0 is the one that it has, or else the usual one. ERROR_INVAL: it cannot be,
     * *fault says why (a sentence, in the pool). Other errors have been logged. The balancer is not told. */
    int (*range_set)(struct host *host, struct gc *gc, uint32_t domid, const struct settings *range,
                     const char **fault);
    /* Not an error when it has none. Logs. */
    int (*range_forget)(struct host *host, uint32_t domid);
    /* Has it left alone as one that migrates (facts.held), durably, until it is not held any more or gone. */
    int (*hold)(struct host *host, uint32_t domid, bool held);
    /* Reads anew what files say of ranges; the balancer is not told. An error: *fault is a sentence, in the pool, and all
     * stays as it was. */
    int (*ranges_read)(struct host *host, struct gc *gc, const char **fault);
    /* Its range stands in a file from now on: what range_set kept is forgotten. ERROR_NOTFOUND: it stands in none. */
    int (*range_lasts)(struct host *host, uint32_t domid);
    /* What is wrong with the host itself, a sentence each. */
    void (*warnings)(struct host *host, void (*each)(void *arg, const char *text), void *arg);

    /* What memd knows of domains; NULL: the host finds its domains by itself, and tells the balancer. */

    /* A domain is there; its record stays valid until domain_gone. */
    void (*domain_there)(struct host *host, struct service_domain *domain);
    /* Its target or its static-max was written, by whomever. */
    void (*domain_written)(struct host *host, struct service_domain *domain, bool target);
    /* It is gone. The balancer has been told. */
    void (*domain_gone)(struct host *host, struct service_domain *domain);
    /* Frees the host; the balancer has been freed. */
    void (*close)(struct host *host);
};

#endif
