/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/sim/policy.h"
#include "tests/sim/world.h"

#define FAILURES_SHOWN 10u

void fail(struct world *w, const char *format, ...)
{
    va_list args;

    if (!w->policy->judged || w->options->figures)
        return;
    if (w->failures++ >= FAILURES_SHOWN)
        return;
    va_start(args, format);
    printf("# %s at %.3f s: ", w->scenario->name, (double)w->now_ms / 1000);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

/* What reservations that were granted still keep from the free memory: read from what is kept, not asked of the
 * balancer. handed: of that domain only. */
uint64_t promised_memkb(struct world *w, const struct guest *handed)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < w->kept_count; i++) {
        const struct guest *g;
        uint64_t has;

        if (!w->kept[i].reservation || w->kept[i].state == RESERVE_WAITING)
            continue;
        g = w->kept[i].state == RESERVE_HANDED ? world_guest(w, w->kept[i].domid) : NULL;
        if (handed && g != handed)
            continue;
        has = g ? g->held_memkb + (uint64_t)g->offset_memkb : 0;
        sum += w->kept[i].memkb > has ? w->kept[i].memkb - has : 0;
    }
    return sum;
}

uint64_t reservations_memkb(struct world *w)
{
    uint64_t sum = promised_memkb(w, NULL);

    for (size_t i = 0; i < w->kept_count; i++) {
        if (w->kept[i].reservation && w->kept[i].state == RESERVE_WAITING)
            sum += w->kept[i].size_memkb;
    }
    return sum;
}

/* ---- what guests could take ---- */

/* So long a domain that is not balanced may still move. */
#define STILL_MS 120000u

static bool balanced(const struct guest *g)
{
    return g->state == GUEST_LIVE && g->managed && !g->fixed && !g->migrating && !g->paused && g->has_own &&
           g->own_memkb == g->target_memkb;
}

/* What it holds, or could hold whenever it likes, as the hypervisor counts. */
uint64_t could_hold_memkb(struct world *w, const struct guest *g)
{
    uint64_t offset = (uint64_t)g->offset_memkb, held = g->held_memkb + offset, could = g->limit_memkb, promised;
    bool moves = g->state == GUEST_BUILDING ||
                 (!g->paused && g->kind != KIND_DRIVERLESS && w->now_ms < g->still_since_ms + STILL_MS);

    if (g->state == GUEST_ABSENT)
        return 0;
    if (g->state == GUEST_DYING)
        return held;
    if (g->dom0)
        could = g->target_memkb + offset;
    else if (!balanced(g) && could > guest_usual_limit_memkb(g))
        could = guest_usual_limit_memkb(g);
    if (could <= held || !(moves || balanced(g) || g->dom0))
        return held;
    /* What was reserved for it is counted there. */
    promised = promised_memkb(w, g);
    return could - held > promised ? could - promised : held;
}

/* Memory that is nobody's, whatever guests do. */
static int64_t uncovered_memkb(struct world *w)
{
    uint64_t sum = w->hog_memkb + w->claim_memkb + w->scenario->reserve_memkb + promised_memkb(w, NULL);

    for (size_t i = 0; i < w->scenario->guest_count; i++)
        sum += could_hold_memkb(w, &w->guests[i]);
    return (int64_t)sum - (int64_t)w->scenario->total_memkb;
}

static void check_covered(struct world *w)
{
    int64_t over = uncovered_memkb(w);
    /* What others took of that which a guest could not take meanwhile shows when it can: when it is resumed. */
    bool by_others = w->changed_by_others || (w->acted && (w->debt || w->uncovered_memkb));

    /* What others have taken the balancer can only make less. */
    if (over > w->uncovered_memkb && !by_others) {
        fail(w, "%.1f MiB more could be taken than there is", (double)over / 1024);
        if (over > w->statistics.worst_uncovered_memkb)
            w->statistics.worst_uncovered_memkb = over;
    }
    w->uncovered_memkb = over > 0 ? over : 0;
}

/* ---- what was promised ---- */

static uint64_t pending_memkb(struct world *w, const struct guest *g)
{
    uint64_t pending, promised, goal = g->target_memkb;

    /* What its limit keeps it from is promised to nobody. */
    if (g->limit_memkb < goal + (uint64_t)g->offset_memkb)
        goal = g->limit_memkb - (uint64_t)g->offset_memkb;
    if ((g->state != GUEST_LIVE && g->state != GUEST_BUILDING) || goal <= g->held_memkb)
        return 0;
    pending = goal - g->held_memkb;
    promised = promised_memkb(w, g);
    return pending > promised ? pending - promised : 0;
}

/* Free memory that nobody was promised. */
int64_t slack_memkb(struct world *w)
{
    int64_t slack = (int64_t)w->free_memkb - (int64_t)w->claim_memkb - (int64_t)w->scenario->reserve_memkb -
                    (int64_t)promised_memkb(w, NULL);

    for (size_t i = 0; i < w->scenario->guest_count; i++)
        slack -= (int64_t)pending_memkb(w, &w->guests[i]);
    return slack;
}

void check_always(struct world *w)
{
    int64_t slack = slack_memkb(w);
    uint64_t sum = w->free_memkb + w->hog_memkb;

    if (w->free_memkb < w->statistics.least_free_memkb)
        w->statistics.least_free_memkb = w->free_memkb;
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        if (w->guests[i].state != GUEST_ABSENT)
            sum += w->guests[i].held_memkb + (uint64_t)w->guests[i].offset_memkb;
    }
    if (w->scenario->check_covered || w->options->strict)
        check_covered(w);
    if (sum != w->scenario->total_memkb)
        fail(w, "the simulator lost memory: %" PRIu64 " of %" PRIu64 " KiB", sum, w->scenario->total_memkb);
    if (slack >= 0) {
        w->debt = false;
        return;
    }
    if (!w->debt && w->changed_by_others)
        w->debt = true;
    /* A guest that takes what its limit lets it take may find that others took it first. */
    if (w->debt || -slack <= w->uncovered_memkb)
        return;
    if (-slack > w->statistics.worst_over_memkb)
        w->statistics.worst_over_memkb = -slack;
    fail(w, "%.1f MiB more is promised than is free", (double)-slack / 1024);
}

void check_write(struct world *w, const struct guest *g, uint64_t old_memkb, int64_t old_slack_memkb)
{
    uint64_t hi = g->max_memkb < g->static_max_memkb ? g->max_memkb : g->static_max_memkb;
    int64_t slack;

    if (g->target_memkb < g->min_memkb || g->target_memkb > hi)
        fail(w, "%s: target %" PRIu64 " KiB is not within %" PRIu64 " to %" PRIu64, g->name, g->target_memkb,
             g->min_memkb, hi);
    if (g->target_memkb % PLAN_PAGE_KB)
        fail(w, "%s: target %" PRIu64 " KiB is no multiple of 4 KiB", g->name, g->target_memkb);
    /* Of a paused one the target may be put where it stands. */
    if (!g->managed || g->fixed || g->state != GUEST_LIVE || (g->paused && g->target_memkb != g->held_memkb) ||
        g->migrating)
        fail(w, "%s: target written although it must be left alone", g->name);
    if (g->target_memkb <= old_memkb || g->target_memkb <= g->held_memkb)
        return;
    slack = slack_memkb(w);
    /* What was reserved for it, or what its limit keeps it from, is missing to nobody. */
    if (slack >= 0 || slack >= old_slack_memkb)
        return;
    if (-slack > w->statistics.worst_over_memkb)
        w->statistics.worst_over_memkb = -slack;
    fail(w, "%s: raised to %.1f MiB, for which %.1f MiB are missing", g->name, (double)g->target_memkb / 1024,
         (double)-slack / 1024);
}

/* ---- at the end ---- */

/* What guests cannot give nobody can have. Returns whether that was so anywhere. */
static bool keep_what_is_not_given(struct world *w, struct plan_domain *domains, const struct plan_input *input,
                                   const struct plan *plan)
{
    bool kept = false;

    for (size_t i = 0; i < input->count; i++) {
        const struct guest *g = world_guest(w, domains[i].domid);
        uint64_t held = g ? g->held_memkb - g->held_memkb % PLAN_PAGE_KB : 0;

        if (!g || !plan_participates(&domains[i]) || held <= plan->targets[i].target_memkb ||
            held <= domains[i].min_memkb || !guest_cannot_give(w, g))
            continue;
        domains[i].min_memkb = domains[i].max_memkb = domains[i].static_max_memkb = held;
        kept = true;
    }
    return kept;
}

/* What honest guests lack of what they use, against a plan that knows what they use. */
static void check_unmet(struct world *w)
{
    struct plan_domain *domains;
    struct plan_input input;
    struct plan *plan;
    GC_SCOPE(gc);

    balancer_view_plan(w->daemon, gc, &input);
    domains = gc_array(gc, input.count, sizeof(*domains));
    for (size_t i = 0; i < input.count; i++) {
        const struct guest *g = world_guest(w, input.domains[i].domid);

        domains[i] = input.domains[i];
        if (g && g->agent == AGENT_HONEST && !g->period_ms && domains[i].demand_known)
            domains[i].demand_memkb = (guest_wants_memkb(w, g) + 24 * MIB) * 6 / 5;
    }
    if (w->options->verbose) {
        for (size_t i = 0; i < input.count; i++)
            printf("# view %u: held %.1f target %.1f min %.1f max %.1f demand %.1f takes part %d state %d balloon %d\n",
                   input.domains[i].domid, (double)input.domains[i].actual_memkb / 1024,
                   (double)input.domains[i].target_memkb / 1024, (double)input.domains[i].min_memkb / 1024,
                   (double)plan_hi_memkb(&input.domains[i]) / 1024,
                   input.domains[i].demand_known ? (double)input.domains[i].demand_memkb / 1024 : -1,
                   plan_participates(&input.domains[i]), input.domains[i].state, input.domains[i].balloon);
    }
    input.domains = domains;
    plan = plan_make(gc, &input);
    while (keep_what_is_not_given(w, domains, &input, plan))
        plan = plan_make(gc, &input);
    for (size_t i = 0; i < input.count; i++) {
        const struct guest *g = world_guest(w, domains[i].domid);
        uint64_t could = plan->targets[i].target_memkb, wants;
        double unmet;

        if (!g || !plan_participates(&domains[i]) || g->agent != AGENT_HONEST || g->period_ms)
            continue;
        wants = guest_wants_memkb(w, g) + 24 * MIB;
        if (could > wants)
            could = wants;
        if (w->options->verbose)
            printf("# end %s: held %.1f target %.1f plan %.1f (%s) demand %.1f wants %.1f\n", g->name,
                   (double)g->held_memkb / 1024, (double)g->target_memkb / 1024,
                   (double)plan->targets[i].target_memkb / 1024, plan_reason_name(plan->targets[i].reason),
                   domains[i].demand_known ? (double)input.domains[i].demand_memkb / 1024 : -1, (double)wants / 1024);
        unmet = could > g->held_memkb ? 100.0 * (double)(could - g->held_memkb) / (double)wants : 0;
        if (unmet > w->statistics.worst_unmet)
            w->statistics.worst_unmet = unmet;
        if (unmet > w->scenario->expect.unmet_percent)
            fail(w, "%s: has %.1f MiB of %.1f MiB that it could have", g->name, (double)g->held_memkb / 1024,
                 (double)could / 1024);
    }
}

static void check_targets(struct world *w)
{
    const struct expectation *e = &w->scenario->expect;

    for (size_t i = 0; i < e->target_count; i++) {
        const struct guest *g = &w->guests[e->targets[i].guest];

        if (g->target_memkb < e->targets[i].low_memkb || g->target_memkb > e->targets[i].high_memkb)
            fail(w, "%s: target is %.1f MiB, expected %.1f to %.1f", g->name, (double)g->target_memkb / 1024,
                 (double)e->targets[i].low_memkb / 1024, (double)e->targets[i].high_memkb / 1024);
    }
}

static void check_held(struct world *w)
{
    const struct expectation *e = &w->scenario->expect;

    for (size_t i = 0; i < e->held_count; i++) {
        const struct guest *g = &w->guests[e->held[i].guest];

        if (g->held_memkb < e->held[i].low_memkb || g->held_memkb > e->held[i].high_memkb)
            fail(w, "%s: holds %.1f MiB, expected %.1f to %.1f", g->name, (double)g->held_memkb / 1024,
                 (double)e->held[i].low_memkb / 1024, (double)e->held[i].high_memkb / 1024);
    }
    if (w->statistics.least_free_memkb < e->free_memkb)
        fail(w, "host free was %.1f MiB, expected never below %.1f", (double)w->statistics.least_free_memkb / 1024,
             (double)e->free_memkb / 1024);
}

static void check_bookings(struct world *w)
{
    struct statistics *s = &w->statistics;

    for (size_t i = 0; i < w->booking_count; i++) {
        const struct booking *b = &w->bookings[i];
        uint64_t latency = b->ready_ms == NEVER ? NEVER : b->ready_ms - b->asked_ms;

        s->bookings_asked++;
        if (latency != NEVER) {
            s->bookings_ready++;
            if (latency > s->worst_latency_ms)
                s->worst_latency_ms = latency;
        }
        if (latency > w->scenario->expect.latency_ms)
            fail(w, "reservation %s: ready after %s%.1f s, expected within %.1f s", b->name,
                 latency == NEVER ? "never, not " : "", latency == NEVER ? 0 : (double)latency / 1000,
                 (double)w->scenario->expect.latency_ms / 1000);
    }
}

void check_end(struct world *w)
{
    const struct expectation *e = &w->scenario->expect;
    const struct statistics *s = &w->statistics;

    if (s->quiet_writes)
        fail(w, "%" PRIu64 " targets written in the last %.0f s, under constant load", s->quiet_writes,
             (double)w->scenario->quiet_ms / 1000);
    if (s->quiet_wakes > e->wakes_max)
        fail(w, "woken %" PRIu64 " times in the last %.0f s, expected at most %" PRIu64, s->quiet_wakes,
             (double)w->scenario->quiet_ms / 1000, e->wakes_max);
    if (s->writes > e->writes_max)
        fail(w, "%" PRIu64 " targets written, expected at most %" PRIu64, s->writes, e->writes_max);
    if (s->oscillations > e->oscillations_max)
        fail(w, "%" PRIu64 " oscillations, expected at most %" PRIu64, s->oscillations, e->oscillations_max);
    if (s->last_write_ms > s->last_change_ms && s->last_write_ms - s->last_change_ms > e->converge_ms)
        fail(w, "converged after %.1f s, expected within %.1f s", (double)(s->last_write_ms - s->last_change_ms) / 1000,
             (double)e->converge_ms / 1000);
    check_targets(w);
    check_held(w);
    check_bookings(w);
    if (w->daemon && w->policy->judged && w->scenario->expect.quiet)
        check_unmet(w);
}
