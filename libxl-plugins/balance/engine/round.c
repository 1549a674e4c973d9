/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "balance/engine/state.h"
#include "balance/policy/plan-json.h"
#include "base/error.h"

/* What an ordinary guest's growth needs until memory comes, and no more than 2 % of the host. */
#define FLOAT_MEMKB (UINT64_C(64) << 10)
#define FLOAT_PART 50
/* After how long a stuck guest that says that it has plenty is tried again because somebody wants to start; twice as long
 * after each try in vain. */
#define RETRY_MS 30000u
#define RETRY_DOUBLINGS 6u
/* How long memory may take to reach a guest. */
#define ARRIVAL_LEAST_MS 200u
#define ARRIVAL_MOST_MS 3000u

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
    b->float_memkb = b->config.float_memkb;
    if (b->float_memkb == BALANCER_FLOAT_AUTO)
        b->float_memkb =
            b->memory.total_memkb / FLOAT_PART < FLOAT_MEMKB ? b->memory.total_memkb / FLOAT_PART : FLOAT_MEMKB;
    b->looked = true;
    return 0;
}

static void refresh(struct balancer *b, uint64_t within_ms)
{
    uint64_t behind_ms = b->behind_ms;

    b->behind_ms = 0;
    balancer_turn_begins(b, within_ms);
    for (size_t i = 0; i < b->count; i++) {
        if (b->doms[i]->seen)
            dom_refresh(b, b->doms[i]);
    }
    if (b->behind_ms && behind_ms)
        b->behind_ms = behind_ms;
}

void balancer_look(struct balancer *b)
{
    GC_SCOPE(gc);

    b->now_ms = b->host->ops->now_ms(b->host);
    if (look(b))
        return;
    refresh(b, TURN_VIEW_MS);
    dom_wishes_fill(b, gc);
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
    static const char *const whys[] = {"it follows its target", "it follows its target, but will need long",
                                       "it does not follow its target", "it has no balloon"};
    enum plan_balloon now = balloon_of(d);

    if (now == d->told)
        return;
    d->told = now;
    balancer_tell(b,
                  &(struct host_event){
                      .type = HOST_EVENT_HEALTH, .domid = d->domid, .what = plan_balloon_names[now], .why = whys[now]});
}

/* A start tries those who say that they can give what it lacks. */
static void try_for_a_start(struct balancer *b, struct dom *d)
{
    uint64_t lacks = reserve_lacks_memkb(b);

    if (!reserve_waits(b, false))
        d->tries = 0;
    if (!health_stuck(&d->health, HEALTH_GIVING) || !lacks || (d->tries && b->now_ms < d->try_again_ms) ||
        dom_says_spare_memkb(d) < lacks)
        return;
    d->try_again_ms = b->now_ms + ((uint64_t)RETRY_MS << (d->tries < RETRY_DOUBLINGS ? d->tries : RETRY_DOUBLINGS));
    d->tries++;
    health_reconsider(&d->health, HEALTH_GIVING);
}

static void note_arrival(struct balancer *b, struct dom *d)
{
    uint64_t took = b->now_ms - d->raised_at_ms;

    if (!d->raised_at_ms || d->actual_memkb + HEALTH_NEAR_KB < d->target_memkb)
        return;
    d->raised_at_ms = 0;
    took = took < ARRIVAL_LEAST_MS ? ARRIVAL_LEAST_MS : took > ARRIVAL_MOST_MS ? ARRIVAL_MOST_MS : took;
    d->arrival_ms = d->arrival_ms ? (d->arrival_ms + took) / 2 : took;
}

/* Above its target by no more than its driver's pages and its slack it is there. */
static uint64_t comparable_memkb(const struct dom *d)
{
    bool there = d->actual_memkb > d->target_memkb && d->actual_memkb - d->target_memkb <= dom_tolerance_memkb(d);

    return there ? d->target_memkb : d->actual_memkb;
}

static void judge(struct balancer *b, struct dom *d)
{
    enum health_verdict verdict;

    d->rearm = false;
    if (!dom_balanced(b, d)) {
        health_pause(&d->health, d->actual_memkb, b->now_ms);
        d->raised_at_ms = 0;
        return;
    }
    try_for_a_start(b, d);
    for (enum health_way way = HEALTH_GIVING; way <= HEALTH_TAKING; way++) {
        if (health_probe_due(&d->health, way, d->actual_memkb, b->now_ms))
            b->counters.probes++;
    }
    verdict = health_look(&d->health, comparable_memkb(d), d->target_memkb, b->now_ms);
    d->rearm = verdict == HEALTH_REARM;
    if (verdict == HEALTH_GAVE_UP && health_stuck(&d->health, HEALTH_GIVING) && d->owes) {
        d->refused_used_memkb = d->demand.used_memkb;
        credit_refused(b, d);
    }
    note_arrival(b, d);
    tell_health(b, d);
}

/* ---- one round ---- */

/* Host memory that comes or goes, or a guest on its way: when to look again. */
static uint64_t next_tick(const struct balancer *b, bool more_to_raise)
{
    uint64_t change = b->memory.free_memkb > b->last_free_memkb ? b->memory.free_memkb - b->last_free_memkb
                                                                : b->last_free_memkb - b->memory.free_memkb;
    uint64_t gap = balancer_round_gap_ms(b), interval = b->now_ms < b->freed_until_ms ? TICK_MS : NEVER;

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
            return b->hurry || gap > TICK_FAST_MS ? gap : TICK_FAST_MS;
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
    if (interval == TICK_FAST_MS && (b->hurry || gap > TICK_FAST_MS))
        interval = gap;
    return interval;
}

static void plan_next(struct balancer *b, bool more_to_raise)
{
    uint64_t tick = next_tick(b, more_to_raise);

    balancer_round_wanted(b, tick == NEVER ? NEVER : b->now_ms + tick);
    balancer_round_wanted(b, reserve_next_ms(b));
    balancer_round_wanted(b, b->now_ms + b->config.backstop_ms);
    for (size_t i = 0; i < b->count; i++) {
        struct dom *d = b->doms[i];

        if (d->boot_until_ms > b->now_ms && !d->has_report)
            balancer_round_wanted(b, d->boot_until_ms);
        if (!dom_balanced(b, d))
            continue;
        balancer_round_wanted(b, demand_settle(&d->demand, b->now_ms));
        for (enum health_way way = HEALTH_GIVING; way <= HEALTH_TAKING; way++) {
            if (health_stuck(&d->health, way))
                balancer_round_wanted(b, d->health.sides[way].probe_at_ms);
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
        balancer_tell(b, &(struct host_event){.type = HOST_EVENT_EMERGENCY, .new_memkb = b->memory.free_memkb});
    for (size_t i = 0; i < b->count; i++) {
        struct dom *d = b->doms[i];

        d->written = false;
        if (d->seen)
            judge(b, d);
        demand_settle(&d->demand, b->now_ms);
    }
    reserve_review(b);
    dom_wishes_fill(b, gc);
    reserve_admit(b);
    round_decide(b, gc, urgent);
    balancer_turn_begins(b, TURN_WRITE_MS);
    more = targets_move(b, gc);
    targets_rearm(b);
    reserve_settle(b);
    if (!more)
        limits_offer(b);
    plan_next(b, more);
    /* Looks between rounds do not hide from the next what has changed since this one. */
    b->last_free_memkb = b->memory.free_memkb;
}

/* What one took that was held up by something else counts half, and is forgotten soon. */
static void note_cost(struct balancer *b, uint64_t began_ms)
{
    uint64_t took = b->host->ops->now_ms(b->host) - began_ms;

    b->took_ms = (b->took_ms + took) / 2;
}

/* Memory is not handed out before it is known who is there, unless that takes too long. */
static bool may_decide(struct balancer *b)
{
    if (!b->behind_ms || b->emergency)
        return true;
    if (b->now_ms < b->behind_ms + FACTS_PATIENCE_MS)
        return false;
    b->behind_ms = b->now_ms;
    return true;
}

void balancer_wake(struct balancer *b)
{
    uint64_t began_ms = b->host->ops->now_ms(b->host);

    b->now_ms = began_ms;
    b->awake = true;
    b->wake_at_ms = NEVER;
    if (look(b)) {
        /* Whatever is due has to wait: asking again at once would only keep the processor busy. */
        b->awake = false;
        balancer_wake_wanted(b, b->now_ms + TICK_SLOW_MS);
        return;
    }
    refresh(b, TURN_MS);
    for (size_t i = 0; i < b->count; i++)
        dom_read_due_report(b, b->doms[i]);
    if (b->round_at_ms <= b->now_ms && may_decide(b)) {
        run_round(b);
        note_cost(b, began_ms);
    }
    if (b->behind_ms)
        balancer_wake_wanted(b, b->now_ms);
    balancer_wake_wanted(b, b->round_at_ms);
    /* Of one that Xen's list has lost already nothing is read: waking for it would be at once, and for ever. */
    for (size_t i = 0; i < b->count; i++) {
        if (b->doms[i]->seen && b->doms[i]->report_due)
            balancer_wake_wanted(b, b->doms[i]->report_at_ms);
    }
    b->awake = false;
    b->host->ops->wake_at(b->host, b->wake_at_ms);
}
