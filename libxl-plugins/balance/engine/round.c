/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "balance/engine/state.h"
#include "base/error.h"

/* ---- look ---- */

static int look(struct balancer *b)
{
    const struct host_sample *samples;
    size_t count, s = 0;
    int rc;

    rc = b->host->ops->look(b->host, &samples, &count, &b->memory);
    if (rc)
        return rc;
    b->counters.looks++;
    b->samples = samples;
    b->sample_count = count;
    for (size_t i = 0; i < b->count; i++) {
        struct dom *d = b->doms[i];

        while (s < count && samples[s].domid < d->domid)
            s++;
        d->seen = s < count && samples[s].domid == d->domid;
        if (!d->seen) {
            memset(&d->sample, 0, sizeof(d->sample));
            continue;
        }
        d->sample = samples[s];
        if (d->never_ran && !d->sample.paused) {
            d->never_ran = false;
            d->boot_until_ms = b->now_ms + b->config.boot_ms;
        }
    }
    b->looked = true;
    return 0;
}

/* ---- what is known of a domain ---- */

/* Somebody else wrote its target: it is his from now on. */
static void compare_target(struct balancer *b, struct dom *d, uint64_t target_memkb)
{
    d->target_memkb = target_memkb;
    if (!d->facts.managed || d->pinned || target_memkb == d->own_memkb)
        return;
    d->pinned = true;
    /* Also for the next balancer, and also should the target come to be what ours was. */
    if (d->own_memkb)
        b->host->ops->target_disown(b->host, d->domid);
    d->own_memkb = 0;
    tell(b, &(struct host_event){.type = HOST_EVENT_PINNED, .domid = d->domid, .new_memkb = target_memkb});
}

static void read_facts(struct balancer *b, struct dom *d)
{
    struct host_domain facts;

    if (b->host->ops->facts(b->host, d->domid, &facts))
        return;
    d->facts = facts;
    d->facts_stale = false;
    if (!facts.has_target)
        return;
    if (facts.managed && !facts.has_own && !b->host->ops->target_accept(b->host, d->domid, facts.target_memkb)) {
        d->facts.has_own = true;
        d->facts.own_memkb = facts.target_memkb;
    }
    d->own_memkb = d->facts.own_memkb;
    compare_target(b, d, facts.target_memkb);
}

static void refresh(struct balancer *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct dom *d = b->doms[i];
        int64_t actual;

        if (!d->seen)
            continue;
        if (d->facts_stale)
            read_facts(b, d);
        actual = (int64_t)d->sample.held_memkb - d->facts.offset_memkb;
        d->last_actual_memkb = d->actual_memkb;
        d->actual_memkb = actual > 0 ? (uint64_t)actual : 0;
        d->promise_memkb = d->target_memkb;
    }
}

void balancer_look(struct balancer *b)
{
    b->now_ms = b->host->ops->now_ms(b->host);
    if (look(b))
        return;
    refresh(b);
    wishes_fill(b);
}

/* ---- reports ---- */

static void read_report(struct balancer *b, struct dom *d)
{
    struct host_report report;
    int rc;

    d->report_due = false;
    d->report_read_ms = b->now_ms;
    rc = b->host->ops->report(b->host, d->domid, &report);
    b->counters.reports_read++;
    d->has_report = !rc;
    /* Without a report it is as if it had never been able to say: its share goes by its range. */
    if (rc) {
        demand_forget(&d->demand);
        return;
    }
    /* Who can speak has booted, also when it falls silent later. */
    d->boot_until_ms = 0;
    demand_report(&d->demand, &report, d->actual_memkb, d->target_memkb, b->config.headroom_percent, b->now_ms);
}

/* Only a wish that differs is worth a round. */
static bool wish_differs(const struct dom *d)
{
    uint64_t now = d->demand.known ? d->demand.seen_memkb : 0;
    uint64_t then = d->planned_demand_memkb;

    return now > then ? now - then > then / 100 : then - now > now / 100;
}

static void read_due_reports(struct balancer *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct dom *d = b->doms[i];

        if (!d->seen || !d->report_due || d->report_at_ms > b->now_ms)
            continue;
        read_report(b, d);
        if (wish_differs(d))
            round_soon(b);
    }
}

/* ---- guests judged ---- */

static enum plan_balloon balloon_of(const struct dom *d)
{
    if (health_stuck(&d->health, HEALTH_GIVING) || health_stuck(&d->health, HEALTH_TAKING))
        return PLAN_BALLOON_STUCK;
    return health_slow(&d->health) ? PLAN_BALLOON_SLOW : PLAN_BALLOON_OK;
}

static void tell_health(struct balancer *b, struct dom *d)
{
    static const char *const names[] = {"ok", "slow", "stuck", "none"};
    static const char *const whys[] = {"it follows its target", "it follows its target, but will need long",
                                       "it does not follow its target", "it has no balloon"};
    enum plan_balloon now = balloon_of(d);

    if (now == d->told)
        return;
    d->told = now;
    tell(b, &(struct host_event){.type = HOST_EVENT_HEALTH, .domid = d->domid, .what = names[now], .why = whys[now]});
}

static void judge(struct balancer *b, struct dom *d)
{
    d->rearm = false;
    if (!dom_balanced(b, d)) {
        health_pause(&d->health, d->actual_memkb, b->now_ms);
        return;
    }
    for (enum health_way way = HEALTH_GIVING; way <= HEALTH_TAKING; way++) {
        if (health_probe_due(&d->health, way, b->now_ms))
            b->counters.probes++;
    }
    d->rearm = health_look(&d->health, d->actual_memkb, d->target_memkb, b->now_ms) == HEALTH_REARM;
    tell_health(b, d);
}

/* ---- one round ---- */

/* Host memory that comes or goes, or a guest on its way: when to look again. */
static uint64_t next_tick(const struct balancer *b, bool more_to_raise)
{
    uint64_t change = b->memory.free_memkb > b->last_free_memkb ? b->memory.free_memkb - b->last_free_memkb
                                                                : b->last_free_memkb - b->memory.free_memkb;
    uint64_t interval = NEVER;

    if (more_to_raise && change >= 1024)
        interval = TICK_MS;
    for (size_t i = 0; i < b->count; i++) {
        const struct dom *d = b->doms[i];

        if (!dom_balanced(b, d)) {
            if (d->sample.dying && d->seen && TICK_MS < interval)
                interval = TICK_MS;
            continue;
        }
        if (d->written || d->rearm)
            return TICK_FAST_MS;
        if (!d->health.moving)
            continue;
        if (!health_slow(&d->health))
            interval = TICK_MS;
        else if (interval > TICK_SLOW_MS)
            interval = TICK_SLOW_MS;
    }
    if (reserve_waits(b, true) && interval != NEVER)
        interval = TICK_FAST_MS;
    /* What it waits for may come free without any event: from a guest that others shrink. */
    if (interval > TICK_SLOW_MS && reserve_waits(b, false))
        interval = TICK_SLOW_MS;
    if (interval < TICK_SLOW_MS && b->now_ms < b->fast_until_ms)
        interval = TICK_FAST_MS;
    return interval;
}

static void plan_next(struct balancer *b, bool more_to_raise)
{
    uint64_t tick = next_tick(b, more_to_raise);

    round_wanted(b, tick == NEVER ? NEVER : b->now_ms + tick);
    round_wanted(b, reserve_next_ms(b));
    round_wanted(b, b->now_ms + b->config.backstop_ms);
    for (size_t i = 0; i < b->count; i++) {
        struct dom *d = b->doms[i];

        if (d->boot_until_ms > b->now_ms && !d->has_report)
            round_wanted(b, d->boot_until_ms);
        if (!dom_balanced(b, d))
            continue;
        round_wanted(b, demand_settle(&d->demand, d->actual_memkb, b->now_ms));
        for (enum health_way way = HEALTH_GIVING; way <= HEALTH_TAKING; way++) {
            if (health_stuck(&d->health, way))
                round_wanted(b, d->health.sides[way].probe_at_ms);
        }
    }
}

static void run_round(struct balancer *b)
{
    bool urgent = b->emergency, more;
    GC_SCOPE(gc);

    b->emergency = false;
    b->counters.rounds++;
    b->last_round_ms = b->now_ms;
    b->round_at_ms = NEVER;
    if (urgent)
        tell(b, &(struct host_event){.type = HOST_EVENT_EMERGENCY, .new_memkb = b->memory.free_memkb});
    for (size_t i = 0; i < b->count; i++) {
        struct dom *d = b->doms[i];

        d->written = false;
        if (d->seen)
            judge(b, d);
        demand_settle(&d->demand, d->actual_memkb, b->now_ms);
    }
    reserve_review(b);
    wishes_fill(b);
    reserve_admit(b);
    round_decide(b, gc, urgent);
    more = targets_move(b, gc);
    targets_rearm(b);
    reserve_settle(b);
    plan_next(b, more);
    /* Looks between rounds do not hide from the next what has changed since this one. */
    b->last_free_memkb = b->memory.free_memkb;
}

void balancer_wake(struct balancer *b)
{
    bool due;

    b->now_ms = b->host->ops->now_ms(b->host);
    b->awake = true;
    b->wake_at_ms = NEVER;
    if (look(b)) {
        /* Whatever is due has to wait: asking again at once would only keep the processor busy. */
        b->awake = false;
        wake_wanted(b, b->now_ms + TICK_SLOW_MS);
        return;
    }
    refresh(b);
    read_due_reports(b);
    due = b->round_at_ms <= b->now_ms;
    if (due)
        run_round(b);
    wake_wanted(b, b->round_at_ms);
    for (size_t i = 0; i < b->count; i++) {
        if (b->doms[i]->report_due)
            wake_wanted(b, b->doms[i]->report_at_ms);
    }
    b->awake = false;
    b->host->ops->wake_at(b->host, b->wake_at_ms);
}
