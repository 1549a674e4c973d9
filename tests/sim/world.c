/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOW_MEMKB (64 * MIB)
#define LOW_OVER_MEMKB (96 * MIB)
/* Agents look at the clock together, so that a thousand of them are not a thousand moments. */
#define AGENT_GRID_MS 100u
#define STEP_MS 50u
/* Until a guest that died is started again by its owner. */
#define REBIRTH_MS 5000u
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
    w->balancer = balancer_new(&w->host, &config);
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        if (w->guests[i].state != GUEST_ABSENT)
            balancer_domain_appeared(w->balancer, w->guests[i].domid, true);
    }
    /* Those who hold a reservation come back. */
    for (size_t i = 0; i < w->booking_count; i++) {
        struct booking *b = &w->bookings[i];

        if (b->over || !*b->id)
            continue;
        if (balancer_lease(w->balancer, b->id, b->action->ms2))
            b->over = true;
        else if (b->domid)
            balancer_hand(w->balancer, b->id, b->domid);
    }
}

static void daemon_kill(struct world *w, uint64_t down_ms)
{
    balancer_free(w->balancer);
    w->balancer = NULL;
    w->kill_in = 0;
    w->wake_at_ms = NEVER;
    w->restart_at_ms = w->now_ms + down_ms;
}

/* Calls of the balancer that may end in its death. */
#define ALIVE(w, call)                                                                                                 \
    do {                                                                                                               \
        if ((w)->balancer) {                                                                                           \
            if (!setjmp((w)->killed))                                                                                  \
                call;                                                                                                  \
            else                                                                                                       \
                daemon_kill((w), 100);                                                                                 \
        }                                                                                                              \
    } while (0)

/* ---- what scenarios do ---- */

static struct booking *find_booking(struct world *w, const char *name)
{
    for (size_t i = w->booking_count; i--;) {
        if (!strcmp(w->bookings[i].name, name))
            return &w->bookings[i];
    }
    return NULL;
}

static void do_reserve(struct world *w, const struct action *a)
{
    struct booking *b = &w->bookings[w->booking_count];
    struct reserve_request request = {a->memkb, a->memkb2, a->ms, a->ms2, RESERVE_NO_DOMAIN};

    if (w->booking_count == sizeof(w->bookings) / sizeof(*b) || !w->balancer)
        return;
    w->booking_count++;
    *b = (struct booking){.asked_ms = w->now_ms, .ready_ms = NEVER, .action = a, .guest = -1};
    snprintf(b->name, sizeof(b->name), "%s", a->name);
    b->over = true;
    ALIVE(w, b->over = balancer_reserve(w->balancer, &request, b->id));
}

static void be_born(struct world *w, struct guest *g)
{
    guest_be_born(w, g, false);
    if (w->balancer)
        balancer_domain_appeared(w->balancer, g->domid, false);
}

/* A plain start fails on a full host. */
static void start_beside(struct world *w, struct guest *g)
{
    if (w->free_memkb < g->start_memkb + (uint64_t)g->offset_memkb)
        return;
    w->changed_by_others = true;
    be_born(w, g);
}

static void do_start(struct world *w, const struct action *a)
{
    struct guest *g = &w->guests[a->guest];
    struct booking *b = *a->name ? find_booking(w, a->name) : NULL;

    if (g->state != GUEST_ABSENT)
        return;
    if (b) {
        b->guest = a->guest;
        return;
    }
    start_beside(w, g);
}

static void start_with_reservation(struct world *w, struct booking *b)
{
    struct guest *g = &w->guests[b->guest];

    if (b->ready_ms == NEVER || b->over || !w->balancer || g->state != GUEST_ABSENT)
        return;
    /* A domain that takes more than was reserved for it is like one that was started without. */
    if (g->start_memkb + (uint64_t)g->offset_memkb > b->action->memkb || b->action->memkb2)
        w->changed_by_others = true;
    be_born(w, g);
    b->domid = g->domid;
    b->guest = -1;
    ALIVE(w, balancer_hand(w->balancer, b->id, g->domid));
    /* Killed before it heard: it takes the domain for one that was started beside it, until it is told again. */
    if (!w->balancer)
        w->changed_by_others = true;
    w->statistics.last_change_ms = w->now_ms;
}

static void forget_guest(struct world *w, struct guest *g)
{
    if (w->balancer)
        ALIVE(w, balancer_domain_gone(w->balancer, g->domid));
    g->state = GUEST_DYING;
}

static void guest_changed(struct world *w, struct guest *g)
{
    if (w->balancer && g->state != GUEST_ABSENT)
        balancer_domain_changed(w->balancer, g->domid);
}

static void do_range(struct world *w, const struct action *a, struct guest *g)
{
    g->min_memkb = a->memkb;
    g->max_memkb = a->memkb2;
    g->managed = true;
    if (a->number)
        g->weight = a->number;
    guest_changed(w, g);
}

static void do_hog(struct world *w, const struct action *a)
{
    uint64_t now = a->memkb;

    if (now > w->hog_memkb && now - w->hog_memkb > w->free_memkb)
        now = w->hog_memkb + w->free_memkb;
    w->free_memkb = w->free_memkb + w->hog_memkb - now;
    w->hog_memkb = now;
    w->changed_by_others = true;
}

static void do_set(struct world *w, const struct action *a, struct guest *g)
{
    g->target_memkb = a->memkb;
    g->limit_memkb = guest_usual_limit_memkb(g);
    g->busy = true;
    w->changed_by_others = true;
    if (w->balancer && g->state != GUEST_ABSENT)
        balancer_target_written(w->balancer, g->domid);
}

static void do_to_guest(struct world *w, const struct action *a, struct guest *g)
{
    if (g->state == GUEST_ABSENT)
        return;
    switch (a->type) {
    case DO_DESTROY:
        if (g->state != GUEST_DYING)
            forget_guest(w, g);
        break;
    case DO_PAUSE:
        g->paused = true;
        guest_changed(w, g);
        break;
    case DO_RESUME:
        g->paused = false;
        guest_changed(w, g);
        break;
    case DO_LOAD:
        g->used_memkb = a->memkb;
        g->busy = true;
        break;
    case DO_SET:
        do_set(w, a, g);
        break;
    case DO_AUTO:
        ALIVE(w, balancer_auto(w->balancer, g->domid));
        break;
    case DO_RANGE:
        do_range(w, a, g);
        break;
    case DO_AGENT:
        g->stopped = !a->number;
        if (g->stopped)
            g->has_report = false;
        if (w->balancer)
            balancer_domain_reported(w->balancer, g->domid);
        break;
    case DO_MIGRATE:
        g->migrating = true;
        guest_changed(w, g);
        break;
    default:
        break;
    }
}

static void act(struct world *w, const struct action *a)
{
    struct booking *b;

    if (w->options->verbose)
        printf("%9.3f --- action %d\n", (double)w->now_ms / 1000, (int)a->type);
    w->statistics.last_change_ms = w->now_ms;
    switch (a->type) {
    case DO_RESERVE:
        do_reserve(w, a);
        break;
    case DO_RELEASE:
        b = find_booking(w, a->name);
        if (b && w->balancer && !b->over)
            ALIVE(w, balancer_release(w->balancer, b->id));
        break;
    case DO_START:
        do_start(w, a);
        break;
    case DO_KILL:
        if (w->balancer)
            daemon_kill(w, a->ms);
        break;
    case DO_KILL_AT:
        if (w->balancer)
            w->kill_in = a->number;
        break;
    case DO_HOG:
        do_hog(w, a);
        break;
    case DO_CLAIM:
        w->claim_memkb = a->memkb;
        w->changed_by_others = true;
        break;
    case DO_BREAK:
        w->guests[a->guest].kind = KIND_STUCK;
        break;
    default:
        do_to_guest(w, a, &w->guests[a->guest]);
        break;
    }
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
            forget_guest(w, g);
            continue;
        }
        g->died_ms = w->now_ms;
        start_beside(w, g);
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
        if (g->state == GUEST_ABSENT)
            continue;
        if (guest_next_report_ms(g) < next)
            next = guest_next_report_ms(g);
        /* A kernel looks at its own memory all the time. */
        if ((g->busy || g->state == GUEST_BUILDING) && w->now_ms + STEP_MS < next)
            next = w->now_ms + STEP_MS;
    }
    return next > w->now_ms ? next : w->now_ms;
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
            guest_changed(w, g);
        if (g->state == GUEST_DYING && !g->held_memkb) {
            w->free_memkb += (uint64_t)g->offset_memkb;
            g->state = GUEST_ABSENT;
            g->died_ms = w->now_ms;
            w->statistics.last_change_ms = w->now_ms;
        }
    }
}

static void agents_report(struct world *w)
{
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        struct guest *g = &w->guests[i];
        bool written;

        if (g->state == GUEST_ABSENT || guest_next_report_ms(g) > w->now_ms)
            continue;
        written = guest_report(w, g);
        if (g->report_at_ms > w->now_ms + AGENT_GRID_MS && g->report_at_ms != NEVER)
            g->report_at_ms -= g->report_at_ms % AGENT_GRID_MS;
        if (written && w->balancer)
            balancer_domain_reported(w->balancer, g->domid);
    }
}

static void watch_low_memory(struct world *w)
{
    if (w->free_memkb > LOW_OVER_MEMKB)
        w->low = false;
    if (w->low || w->free_memkb >= LOW_MEMKB)
        return;
    w->low = true;
    if (w->balancer)
        balancer_emergency(w->balancer);
}

static void moment(struct world *w)
{
    w->changed_by_others = false;
    while (w->next_action < w->scenario->action_count && w->scenario->actions[w->next_action].at_ms <= w->now_ms)
        act(w, &w->scenario->actions[w->next_action++]);
    turn_guests(w);
    if (w->restart_at_ms <= w->now_ms)
        daemon_start(w);
    for (size_t i = 0; i < w->booking_count; i++) {
        if (w->bookings[i].guest >= 0)
            start_with_reservation(w, &w->bookings[i]);
    }
    agents_report(w);
    watch_low_memory(w);
    if (w->balancer && w->wake_at_ms <= w->now_ms) {
        w->wake_at_ms = NEVER;
        w->statistics.wakes++;
        if (w->now_ms + w->scenario->quiet_ms > w->scenario->length_ms)
            w->statistics.quiet_wakes++;
        ALIVE(w, balancer_wake(w->balancer));
    }
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
    balancer_free(w->balancer);
    free(w->guests);
    free(w->samples);
    free(w);
    return ok;
}
