/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/fair.h"
#include "tests/sim/policy.h"
#include "tests/sim/world.h"

#define LOW_MEMKB (64 * MIB)
#define LOW_OVER_MEMKB (96 * MIB)
/* Agents look at the clock together, so that a thousand of them are not a thousand moments. */
#define AGENT_GRID_MS 100u
#define STEP_MS 50u
/* Until a guest that died is started again by its owner. */
#define REBIRTH_MS 5000u
/* Xen's list has lost a guest for so long when the daemon hears that it is gone. */
#define GONE_UNTOLD_MS 20u
#define WAKES_MAX 2000000u

struct guest *world_guest(struct world *w, uint32_t domid)
{
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        if (w->guests[i].state != GUEST_ABSENT && w->guests[i].domid == domid)
            return &w->guests[i];
    }
    return NULL;
}

/* ---- the daemon ---- */

static void daemon_start(struct world *w)
{
    struct balancer_config config;

    balancer_config_defaults(&config);
    config.reserve_memkb = w->scenario->reserve_memkb;
    w->restart_at_ms = w->wake_at_ms = NEVER;
    w->greeted_ms = w->now_ms;
    w->daemon = w->policy->start(w, &config);
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        if (w->guests[i].state != GUEST_ABSENT)
            w->policy->appeared(w->daemon, w->guests[i].domid, true);
    }
    /* Those who hold a reservation come back. */
    for (size_t i = 0; i < w->booking_count; i++) {
        struct booking *b = &w->bookings[i];

        if (b->over || !*b->id)
            continue;
        if (w->policy->lease(w->daemon, b->id, b->action->ms2))
            b->over = true;
        else if (b->domid)
            w->policy->hand(w->daemon, b->id, b->domid);
    }
}

void world_daemon_kill(struct world *w, uint64_t down_ms)
{
    w->policy->stop(w->daemon);
    w->daemon = NULL;
    w->kill_in = 0;
    w->wake_at_ms = NEVER;
    w->restart_at_ms = w->now_ms + down_ms;
}

/* ---- time ---- */

/* When a guest that dies and comes back does the next of the two. */
static uint64_t guest_turn_ms(const struct guest *g)
{
    if (g->state == GUEST_LIVE)
        return g->born_ms + g->lives_ms;
    return g->state == GUEST_ABSENT ? g->died_ms + REBIRTH_MS : NEVER;
}

static void turn_guests(struct world *w)
{
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        struct guest *g = &w->guests[i];

        if (!g->lives_ms || !g->lives || guest_turn_ms(g) > w->now_ms)
            continue;
        if (g->state == GUEST_LIVE) {
            world_guest_dies(w, g);
            continue;
        }
        g->died_ms = w->now_ms;
        world_start_beside(w, g);
    }
}

static uint64_t next_moment(const struct world *w)
{
    uint64_t next = w->scenario->length_ms;

    if (w->next_action < w->scenario->action_count && w->scenario->actions[w->next_action].at_ms < next)
        next = w->scenario->actions[w->next_action].at_ms;
    if (w->wake_at_ms < next)
        next = w->wake_at_ms;
    if (w->restart_at_ms < next)
        next = w->restart_at_ms;
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        const struct guest *g = &w->guests[i];

        if (g->lives_ms && g->lives && guest_turn_ms(g) < next)
            next = guest_turn_ms(g);
        if (g->gone_told_ms < next)
            next = g->gone_told_ms;
        if (g->state == GUEST_ABSENT)
            continue;
        if (guest_next_report_ms(w, g) < next)
            next = guest_next_report_ms(w, g);
        /* A kernel looks at its own memory all the time. */
        if ((g->busy || g->state == GUEST_BUILDING) && w->now_ms + STEP_MS < next)
            next = w->now_ms + STEP_MS;
    }
    return next > w->now_ms ? next : w->now_ms;
}

/* The toolstack takes its nodes away, its report among them, before the daemon hears that it is gone. */
static void guest_is_gone(struct world *w, struct guest *g)
{
    g->state = GUEST_ABSENT;
    g->died_ms = w->now_ms;
    g->gone_domid = g->domid;
    g->gone_told_ms = w->now_ms + GONE_UNTOLD_MS;
    w->statistics.last_change_ms = w->now_ms;
    if (w->daemon)
        w->policy->reported(w->daemon, g->domid);
}

static void tell_gone(struct world *w, uint32_t domid)
{
    if (w->daemon)
        ALIVE(w, w->policy->gone(w->daemon, domid));
}

static void tell_of_the_gone(struct world *w)
{
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        struct guest *g = &w->guests[i];

        if (g->gone_told_ms > w->now_ms)
            continue;
        g->gone_told_ms = NEVER;
        tell_gone(w, g->gone_domid);
    }
}

static void pass_time(struct world *w, uint64_t until_ms)
{
    uint64_t passed = until_ms - w->now_ms;

    w->now_ms = until_ms;
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        struct guest *g = &w->guests[i];
        enum guest_state was;

        if (g->state == GUEST_ABSENT)
            continue;
        was = g->state;
        guest_move(w, g, passed);
        /* The host says when building has ended. */
        if (was == GUEST_BUILDING && g->state == GUEST_LIVE)
            world_guest_changed(w, g);
        if (g->state == GUEST_DYING && !g->held_memkb) {
            w->free_memkb += (uint64_t)g->offset_memkb;
            guest_is_gone(w, g);
        }
    }
    fair_passes(w, passed);
}

static void agents_report(struct world *w)
{
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        struct guest *g = &w->guests[i];
        bool written;

        if (g->state == GUEST_ABSENT || guest_next_report_ms(w, g) > w->now_ms)
            continue;
        written = guest_report(w, g);
        if (g->report_at_ms > w->now_ms + AGENT_GRID_MS && g->report_at_ms != NEVER)
            g->report_at_ms -= g->report_at_ms % AGENT_GRID_MS;
        if (written && w->options->verbose && !(g->manners & ~(unsigned)MANNER_MUTE))
            printf("%9.3f report      %-8s %8.1f of %8.1f MiB available, pressure %.2f %%\n", (double)w->now_ms / 1000,
                   g->name, (double)g->report.available_memkb / MIB, (double)g->report.total_memkb / MIB,
                   (double)g->report.pressure / 100);
        if (written && w->daemon)
            w->policy->reported(w->daemon, g->domid);
    }
}

static void watch_low_memory(struct world *w)
{
    if (w->free_memkb > LOW_OVER_MEMKB)
        w->low = false;
    if (w->low || w->free_memkb >= LOW_MEMKB)
        return;
    w->low = true;
    if (w->daemon)
        w->policy->emergency(w->daemon);
}

static void moment(struct world *w)
{
    w->changed_by_others = w->acted = false;
    while (w->next_action < w->scenario->action_count && w->scenario->actions[w->next_action].at_ms <= w->now_ms)
        world_act(w, &w->scenario->actions[w->next_action++]);
    turn_guests(w);
    tell_of_the_gone(w);
    if (w->restart_at_ms <= w->now_ms)
        daemon_start(w);
    for (size_t i = 0; i < w->booking_count; i++) {
        if (w->bookings[i].guest >= 0)
            world_start_booked(w, &w->bookings[i]);
    }
    agents_report(w);
    watch_low_memory(w);
    if (w->daemon && w->wake_at_ms <= w->now_ms) {
        w->wake_at_ms = NEVER;
        w->statistics.wakes++;
        if (w->now_ms + w->scenario->quiet_ms > w->scenario->length_ms)
            w->statistics.quiet_wakes++;
        ALIVE(w, w->policy->wake(w->daemon));
    }
    fair_shares(w);
    if (w->policy->moment)
        ALIVE(w, w->policy->moment(w->daemon));
    check_always(w);
}

bool world_run(const struct scenario *scenario, const struct run_options *options, struct statistics *statistics)
{
    struct world *w = calloc(1, sizeof(*w));
    bool ok;

    if (!w)
        abort();
    w->host.ops = &sim_host_ops;
    w->scenario = scenario;
    w->options = options;
    w->policy = options->policy;
    w->guests = calloc(scenario->guest_count + 1, sizeof(*w->guests));
    w->samples = calloc(scenario->guest_count + 1, sizeof(*w->samples));
    if (!w->guests || !w->samples)
        abort();
    memcpy(w->guests, scenario->guests, scenario->guest_count * sizeof(*w->guests));
    w->free_memkb = w->statistics.least_free_memkb = scenario->total_memkb;
    w->wake_at_ms = w->restart_at_ms = NEVER;
    w->next_domid = 1;
    /* Those that are there from the start are marked live in the scenario. */
    for (size_t i = 0; i < scenario->guest_count; i++) {
        w->guests[i].number = (unsigned)i + 1;
        w->guests[i].gone_told_ms = NEVER;
        if (w->guests[i].state == GUEST_LIVE)
            guest_be_born(w, &w->guests[i], true);
    }
    if (options->verbose)
        guests_show(w);
    w->changed_by_others = true;
    check_always(w);
    daemon_start(w);
    while (w->now_ms < scenario->length_ms && w->statistics.wakes < WAKES_MAX) {
        pass_time(w, next_moment(w));
        guests_trace(w);
        moment(w);
    }
    if (w->statistics.wakes >= WAKES_MAX)
        fail(w, "the balancer never rests");
    check_end(w);
    ok = !w->failures;
    *statistics = w->statistics;
    if (options->ended)
        options->ended();
    if (w->daemon)
        w->policy->stop(w->daemon);
    free(w->guests);
    free(w->samples);
    free(w);
    return ok;
}
