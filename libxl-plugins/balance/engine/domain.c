/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known of one domain: its facts and who wrote its target, what it holds and owes, what it reports. */
#include <string.h>

#include "balance/engine/state.h"
#include "balloon/sizes.h"
#include "base/least.h"
#include "base/error.h"

/* An offset of a guest that rests is taken for known when it is not larger than drivers' usual ones: less than
 * OFFSET_MAX_KB, because who takes what it was not given may stop anywhere in its slack. */
#define OFFSET_MOST_MEMKB 128
#define OFFSET_REST_MS 3000u
/* Reports that came one after the other are read at once so many times, then at report_gap_ms. */
#define QUICK_READS 8u
#define QUICK_GAP_MS 100u
/* A report of a source that says nothing while nothing changes is asked for again when it is so old. */
#define OLD_MS 10000u
#define ANSWER_WAIT_MS 2000u
/* So fresh a report needs no renewal. */
#define NEW_MS 1000u
/* Better news of one that gave nothing than this ends the guess that it cannot. */
#define NEWS_LEAST_MEMKB (UINT64_C(16) << 10)

enum plan_state dom_state(const struct balancer *b, const struct dom *d)
{
    if (!d->seen || d->sample.dying)
        return PLAN_DYING;
    /* Also when it has been stopped for that: it may go on here. */
    if (d->facts.migrating)
        return PLAN_MIGRATING;
    if (d->sample.shut_down)
        return PLAN_DYING;
    if (d->facts.building || d->never_ran)
        return PLAN_BUILDING;
    if (d->sample.paused)
        return PLAN_PAUSED;
    if (b->now_ms < d->boot_until_ms && !d->has_report)
        return PLAN_BOOTING;
    return PLAN_RUNNING;
}

static bool ours(const struct dom *d)
{
    return d->facts.managed && !d->facts.fixed && !d->pinned && d->facts.has_target;
}

bool dom_balanced(const struct balancer *b, const struct dom *d)
{
    return ours(d) && dom_state(b, d) == PLAN_RUNNING;
}

bool dom_paused(const struct balancer *b, const struct dom *d)
{
    return ours(d) && dom_state(b, d) == PLAN_PAUSED;
}

/* ---- facts ---- */

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
    balancer_tell(b, &(struct host_event){.type = HOST_EVENT_PINNED, .domid = d->domid, .new_memkb = target_memkb});
}

static void reconsider(struct balancer *b, struct dom *d)
{
    bool changed = health_reconsider(&d->health, HEALTH_GIVING);

    if (health_reconsider(&d->health, HEALTH_TAKING) || changed)
        balancer_round_soon(b);
}

static void read_facts(struct balancer *b, struct dom *d)
{
    struct host_domain facts;

    if (b->host->ops->facts(b->host, d->domid, &facts))
        return;
    /* A driver that came makes all new. */
    if (facts.offset_known && !d->facts.offset_known)
        reconsider(b, d);
    /* What was measured here stays until the host knows better. */
    if (!facts.offset_known && d->facts.offset_known) {
        facts.offset_known = true;
        facts.offset_memkb = d->facts.offset_memkb;
    }
    d->facts = facts;
    d->facts_stale = false;
    credit_find(b, d);
    if (!facts.has_target)
        return;
    if (facts.managed && !facts.has_own && !b->host->ops->target_accept(b->host, d->domid, facts.target_memkb)) {
        d->facts.has_own = true;
        d->facts.own_memkb = facts.target_memkb;
    }
    d->own_memkb = d->facts.own_memkb;
    compare_target(b, d, facts.target_memkb);
}

/* ---- reports ---- */

static void forget_report(struct balancer *b, struct dom *d)
{
    d->has_report = false;
    d->asked_ms = 0;
    demand_forget(&d->demand, b->now_ms);
}

uint64_t dom_report_age_ms(const struct balancer *b, const struct dom *d)
{
    return b->now_ms > d->report.at_ms ? b->now_ms - d->report.at_ms : 0;
}

/* Its source would have written again: the guest's agent has ended. */
static void expire_report(struct balancer *b, struct dom *d)
{
    const struct host_report *r = &d->report;

    if (d->has_report && r->at_ms && r->period_ms && !r->answers &&
        dom_report_age_ms(b, d) >= DEMAND_LIVES * r->period_ms)
        forget_report(b, d);
}

/* ---- what it holds ---- */

uint64_t dom_tolerance_memkb(const struct dom *d)
{
    int64_t slack = (int64_t)d->facts.slack_memkb - d->facts.offset_memkb;

    if (d->facts.tight && d->facts.offset_known)
        return HEALTH_NEAR_KB;
    return slack > HEALTH_NEAR_KB ? (uint64_t)slack : HEALTH_NEAR_KB;
}

/* The least that it has held since it was asked: neither target nor limit rise beyond that before it has given. */
static void note_debt(struct dom *d)
{
    bool owes = d->facts.has_target && d->actual_memkb > d->target_memkb + dom_tolerance_memkb(d);

    if (owes && (!d->owes || d->actual_memkb < d->least_memkb))
        d->least_memkb = d->actual_memkb;
    if (!owes)
        d->stood_memkb = d->target_memkb;
    d->owes = owes;
}

uint64_t dom_stands_at_memkb(const struct dom *d)
{
    if (d->owes)
        return d->stood_memkb ? least(d->least_memkb, most(d->stood_memkb, d->target_memkb)) : d->least_memkb;
    if (d->facts.has_target && d->actual_memkb > d->target_memkb)
        return d->target_memkb;
    return d->actual_memkb;
}

/* Of what it was asked for: what it gives beyond that, or before it was asked, is its own affair. */
static void note_gift(struct balancer *b, struct dom *d)
{
    uint64_t to = d->actual_memkb > d->target_memkb ? d->actual_memkb : d->target_memkb;

    if (dom_balanced(b, d) && d->last_actual_memkb > to)
        credit_gave(b, d, d->last_actual_memkb - to);
}

/* Where a guest that was moved comes to rest tells its driver's offset. */
static void measure_offset(struct balancer *b, struct dom *d)
{
    int64_t distance = (int64_t)d->sample.held_memkb - (int64_t)d->target_memkb;

    if (!dom_balanced(b, d) || b->now_ms < d->still_since_ms + OFFSET_REST_MS || distance < OFFSET_MIN_KB ||
        distance > OFFSET_MOST_MEMKB || d->sample.held_memkb == d->sample.limit_memkb)
        return;
    if (d->facts.offset_known && d->facts.offset_memkb == distance)
        return;
    d->facts.offset_known = true;
    d->facts.offset_memkb = distance;
}

static void count_as(struct dom *d)
{
    int64_t actual = (int64_t)d->sample.held_memkb - d->facts.offset_memkb;

    d->actual_memkb = actual > 0 ? (uint64_t)actual : 0;
}

void dom_refresh(struct balancer *b, struct dom *d)
{
    uint64_t held_before = d->actual_memkb;
    enum plan_state state;

    if (d->facts_stale && balancer_turn_over(b))
        b->behind_ms = b->behind_ms ? b->behind_ms : b->now_ms;
    else if (d->facts_stale)
        read_facts(b, d);
    expire_report(b, d);
    d->last_actual_memkb = held_before;
    count_as(d);
    if (d->actual_memkb != held_before)
        d->still_since_ms = b->now_ms;
    measure_offset(b, d);
    count_as(d);
    d->promise_memkb = d->target_memkb;
    d->promise_limit_memkb = d->sample.limit_memkb;
    note_debt(d);
    note_gift(b, d);
    state = dom_state(b, d);
    /* What it did not do while it could not says nothing. */
    if (state == PLAN_RUNNING && d->last_state != PLAN_RUNNING) {
        d->still_since_ms = b->now_ms;
        reconsider(b, d);
    }
    if (state != d->last_state)
        balancer_round_soon(b);
    d->last_state = state;
}

/* ---- what it says ---- */

uint64_t dom_doubted_memkb(const struct balancer *b, const struct dom *d)
{
    uint64_t held = d->actual_memkb < d->target_memkb ? d->actual_memkb : d->target_memkb;

    if (!d->has_report || !d->report.at_ms || d->report.answers)
        return 0;
    return demand_doubted_memkb(&d->demand, held, dom_report_age_ms(b, d));
}

/* What it held when it looked at itself. Who tells no total of that moment may have given some since. */
static uint64_t held_at(const struct dom *d, const struct host_report *report)
{
    return report->total_memkb == UINT64_MAX ? most(d->actual_memkb, d->last_actual_memkb) : d->actual_memkb;
}

static void read_report(struct balancer *b, struct dom *d)
{
    bool first = !d->has_report, stands;
    struct host_report report;

    d->report_due = false;
    d->report_read_ms = b->now_ms;
    b->counters.reports_read++;
    if (b->host->ops->report(b->host, d->domid, &report)) {
        forget_report(b, d);
        return;
    }
    if (d->asked_ms && report.serial != d->report.serial) {
        d->asked_ms = 0;
        balancer_round_soon(b);
    }
    /* What the guest has taken since it was measured is not in it: only its age is other. Of several that have come since
     * one may have been measured. */
    stands = d->has_report && report.stands && report.serial == d->report.serial + 1;
    d->report = report;
    if (stands)
        return;
    d->has_report = true;
    /* Who can speak has booted, also when it falls silent later. */
    d->boot_until_ms = 0;
    demand_report(&d->demand, &report, held_at(d, &report), d->target_memkb, b->config.headroom_percent,
                  d->arrival_ms ? d->arrival_ms : b->config.arrival_ms, b->now_ms);
    /* Its driver may have come with its agent. */
    if (first)
        reconsider(b, d);
    /* More is available than when it gave nothing, and not because it was given more since. */
    if (d->demand.used_memkb + NEWS_LEAST_MEMKB + d->actual_memkb / 32 <= d->refused_used_memkb &&
        health_reconsider(&d->health, HEALTH_GIVING))
        balancer_round_soon(b);
}

/* Only a wish that differs is worth a round. */
static bool wish_differs(const struct dom *d)
{
    uint64_t now = d->demand.need_memkb, then = d->planned_demand_memkb;

    return now > then ? now - then > then / 100 : then - now > now / 100;
}

void dom_read_due_report(struct balancer *b, struct dom *d)
{
    if (!d->seen || !d->report_due || d->report_at_ms > b->now_ms)
        return;
    read_report(b, d);
    if (wish_differs(d))
        balancer_round_soon(b);
}

void balancer_domain_reported(struct balancer *b, uint32_t domid)
{
    struct dom *d = dom_find(b, domid);
    uint64_t gap = b->config.report_gap_ms;

    if (!d || d->report_due)
        return;
    b->now_ms = b->host->ops->now_ms(b->host);
    /* Quick for as long as something really happens, which is never long. */
    if (b->now_ms >= d->report_read_ms + 2 * gap)
        d->quick_reads = 0;
    if (d->quick_reads < QUICK_READS) {
        d->quick_reads++;
        gap = gap < QUICK_GAP_MS ? gap : QUICK_GAP_MS;
    }
    d->report_due = true;
    d->report_at_ms = d->report_read_ms + gap;
    if (d->report_at_ms < b->now_ms)
        d->report_at_ms = b->now_ms;
    balancer_wake_wanted(b, d->report_at_ms);
}

bool dom_report_confirmed(struct balancer *b, struct dom *d)
{
    uint64_t age = dom_report_age_ms(b, d);

    /* Of those that say nothing nothing has to be confirmed. */
    if (!d->has_report || !d->report.at_ms)
        return true;
    if (d->asked_ms) {
        if (b->now_ms < d->asked_ms + ANSWER_WAIT_MS) {
            balancer_round_wanted(b, d->asked_ms + ANSWER_WAIT_MS);
            return false;
        }
        forget_report(b, d);
        return true;
    }
    /* Others are doubted as they age, and expire. */
    if (!d->report.answers || age < (d->report.period_ms ? DEMAND_LIVES * d->report.period_ms : OLD_MS))
        return true;
    if (b->host->ops->report_ask(b->host, d->domid))
        return true;
    d->asked_ms = b->now_ms;
    balancer_round_wanted(b, b->now_ms + ANSWER_WAIT_MS);
    return false;
}

bool dom_report_can_renew(const struct balancer *b, const struct dom *d)
{
    return d->has_report && d->report.at_ms && d->report.answers && !d->asked_ms && dom_report_age_ms(b, d) >= NEW_MS &&
           b->now_ms >= d->renewed_ms + NEW_MS;
}

/* One that cannot be asked now is asked the next time: no error. */
void dom_report_renew(struct balancer *b, struct dom *d)
{
    d->renewed_ms = b->now_ms;
    b->host->ops->report_ask(b->host, d->domid);
}

uint64_t dom_says_spare_memkb(const struct dom *d)
{
    return d->has_report ? d->demand.available_memkb : 0;
}
