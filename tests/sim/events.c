/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What scenarios do to a world. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/policy.h"
#include "tests/sim/world.h"

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

    if (w->booking_count == sizeof(w->bookings) / sizeof(*b) || !w->daemon)
        return;
    w->booking_count++;
    *b = (struct booking){.asked_ms = w->now_ms, .ready_ms = NEVER, .action = a, .guest = -1};
    snprintf(b->name, sizeof(b->name), "%s", a->name);
    b->over = true;
    ALIVE(w, b->over = w->policy->reserve(w->daemon, &request, b->id));
}

void world_guest_born(struct world *w, struct guest *g)
{
    guest_be_born(w, g, false);
    ALIVE(w, w->policy->appeared(w->daemon, g->domid, false));
}

/* A plain start fails on a full host. */
void world_start_beside(struct world *w, struct guest *g)
{
    if (w->free_memkb < g->start_memkb + (uint64_t)g->offset_memkb)
        return;
    w->changed_by_others = true;
    world_guest_born(w, g);
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
    world_start_beside(w, g);
}

void world_start_booked(struct world *w, struct booking *b)
{
    struct guest *g = &w->guests[b->guest];

    if (b->ready_ms == NEVER || b->over || !w->daemon || g->state != GUEST_ABSENT)
        return;
    /* A domain that can take more than was reserved for it is like one that was started without. */
    world_guest_born(w, g);
    if (g->limit_memkb > b->action->memkb || b->action->memkb2)
        w->changed_by_others = true;
    b->domid = g->domid;
    b->guest = -1;
    ALIVE(w, w->policy->hand(w->daemon, b->id, g->domid));
    /* Killed before it heard: it takes the domain for one that was started beside it, until it is told again. */
    if (!w->daemon)
        w->changed_by_others = true;
    w->statistics.last_change_ms = w->now_ms;
}

void world_guest_dies(struct world *w, struct guest *g)
{
    g->state = GUEST_DYING;
}

void world_guest_changed(struct world *w, struct guest *g)
{
    if (w->daemon && g->state != GUEST_ABSENT)
        w->policy->changed(w->daemon, g->domid);
}

static void do_range(struct world *w, const struct action *a, struct guest *g)
{
    g->min_memkb = a->memkb;
    g->max_memkb = a->memkb2;
    g->managed = true;
    if (a->number)
        g->weight = a->number;
    world_guest_changed(w, g);
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
    guest_sees_target(w, g);
    w->changed_by_others = true;
    if (w->daemon && g->state != GUEST_ABSENT)
        w->policy->target_written(w->daemon, g->domid);
}

static void do_to_guest(struct world *w, const struct action *a, struct guest *g)
{
    if (g->state == GUEST_ABSENT)
        return;
    switch (a->type) {
    case DO_DESTROY:
        if (g->state != GUEST_DYING)
            world_guest_dies(w, g);
        break;
    case DO_PAUSE:
        g->paused = true;
        world_guest_changed(w, g);
        break;
    case DO_RESUME:
        g->paused = false;
        world_guest_changed(w, g);
        break;
    case DO_LOAD:
        g->used_memkb = a->memkb;
        g->busy = true;
        break;
    case DO_SET:
        do_set(w, a, g);
        break;
    case DO_AUTO:
        ALIVE(w, w->policy->take_back(w->daemon, g->domid));
        break;
    case DO_RANGE:
        do_range(w, a, g);
        break;
    case DO_AGENT:
        g->stopped = !a->number;
        if (g->stopped)
            g->has_report = false;
        if (w->daemon)
            w->policy->reported(w->daemon, g->domid);
        break;
    case DO_MIGRATE:
        g->migrating = true;
        world_guest_changed(w, g);
        break;
    default:
        break;
    }
}

void world_act(struct world *w, const struct action *a)
{
    struct booking *b;

    if (w->options->verbose)
        printf("%9.3f --- action %d\n", (double)w->now_ms / 1000, (int)a->type);
    w->statistics.last_change_ms = w->now_ms;
    w->acted = true;
    switch (a->type) {
    case DO_RESERVE:
        do_reserve(w, a);
        break;
    case DO_RELEASE:
        b = find_booking(w, a->name);
        if (b && w->daemon && !b->over)
            ALIVE(w, w->policy->release(w->daemon, b->id));
        break;
    case DO_START:
        do_start(w, a);
        break;
    case DO_KILL:
        if (w->daemon)
            world_daemon_kill(w, a->ms);
        break;
    case DO_KILL_AT:
        if (w->daemon)
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
