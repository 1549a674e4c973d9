/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

/* A scenario for each number. Changes of this file change what each seed means. */

static uint64_t draw(uint64_t *state, uint64_t below)
{
    /* splitmix64 */
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return below ? z % below : 0;
}

static uint64_t draw_mib(uint64_t *state, uint64_t low, uint64_t high)
{
    return (low + draw(state, high - low + 1)) * MIB;
}

static void random_guest(uint64_t *state, struct guest *g, unsigned n)
{
    static const enum kind kinds[] = {KIND_INSTANT, KIND_RATE,  KIND_RATE,   KIND_RATE, KIND_RATE,
                                      KIND_CREEP,   KIND_STUCK, KIND_GIVEUP, KIND_FLOOR};
    static const enum agent agents[] = {AGENT_HONEST, AGENT_HONEST, AGENT_HONEST, AGENT_HONEST, AGENT_NONE,
                                        AGENT_HIGH,   AGENT_LOW,    AGENT_HONEST, AGENT_WILD};
    uint64_t agent;

    memset(g, 0, sizeof(*g));
    snprintf(g->name, sizeof(g->name), "g%u", n);
    g->kind = kinds[draw(state, 9)];
    agent = draw(state, 9);
    g->agent = agents[agent];
    if (agent == 7)
        g->manners = MANNER_SPAM;
    g->type = (enum plan_type)draw(state, 3);
    g->managed = draw(state, 8);
    g->fixed = !draw(state, 16);
    g->static_max_memkb = draw_mib(state, 512, 2560);
    g->min_memkb = draw_mib(state, 64, 256);
    g->max_memkb = draw(state, 3) ? g->static_max_memkb : draw_mib(state, 512, 2560);
    g->weight = draw(state, 2) ? 256 : 1 + draw(state, 1000);
    g->start_memkb = draw_mib(state, 256, g->static_max_memkb / MIB < 1024 ? g->static_max_memkb / MIB : 1024);
    g->rate_kb_s = draw_mib(state, 16, 256);
    if (g->kind == KIND_CREEP)
        g->rate_kb_s = 8 + draw(state, 256);
    g->give_kb_s = g->rate_kb_s;
    g->touch_kb_s = 1024 * MIB;
    g->lend_memkb = NEVER;
    g->flip_ms = 10000;
    g->hostile = g->manners || (g->agent != AGENT_HONEST && g->agent != AGENT_NONE);
    g->floor_memkb = draw_mib(state, 128, 512);
    g->giveup_memkb = draw_mib(state, 8, 128);
    g->boot_ms = draw(state, 3) ? 0 : draw(state, 40000);
    g->offset_memkb = (int64_t)(draw(state, 3) * 64);
    g->used_memkb = draw_mib(state, 32, 1024);
    if (!draw(state, 6)) {
        g->burst_memkb = draw_mib(state, 32, 1024);
        g->period_ms = 2000 + 1000 * draw(state, 40);
    }
}

/* What a guest may do on purpose, drawn apart: the worlds are the same with and without. */
static void make_hostile(uint64_t *state, struct guest *g)
{
    static const enum agent agents[] = {AGENT_HONEST, AGENT_NONE, AGENT_HIGH, AGENT_HIGH,
                                        AGENT_LOW,    AGENT_LOW,  AGENT_WILD, AGENT_FLIP};
    static const unsigned ways[] = {WAY_SLACK,    WAY_KEEPS,   WAY_SLACK | WAY_KEEPS,   WAY_SLACK | WAY_KEEPS,
                                    WAY_DECLINES, WAY_DAWDLES, WAY_DAWDLES | WAY_SLACK, 0};
    static const unsigned manners[] = {0, 0, 0, 0, MANNER_SPAM, MANNER_FADES, MANNER_MINUTE, 0};

    g->hostile = true;
    g->agent = agents[draw(state, 8)];
    g->ways = ways[draw(state, 8)];
    g->manners = manners[draw(state, 8)];
    if (g->ways & WAY_DAWDLES)
        g->give_kb_s = 16 + draw(state, 512);
    if (!draw(state, 8))
        g->lives_ms = 10000 + 1000 * draw(state, 60);
    g->returns = (enum returns)draw(state, 4);
    g->fades_ms = 1000 * draw(state, 60);
    g->flip_ms = 1000 + 1000 * draw(state, 20);
}

/* Hostile and merely unlucky ones, and what all may be lent. */
static void mix_in(uint64_t seed, struct scenario *s)
{
    uint64_t state = seed * UINT64_C(0xd1342543de82ef95) + 29,
             lend = draw(&state, 2) ? NEVER : draw_mib(&state, 0, 512);

    for (size_t i = 0; i < s->guest_count; i++) {
        struct guest *g = &s->guests[i];

        g->lend_memkb = draw(&state, 4) ? lend : draw_mib(&state, 0, 512);
        if (!draw(&state, 4))
            make_hostile(&state, g);
        else if (!draw(&state, 12))
            g->manners = MANNER_MINUTE;
        else if (!draw(&state, 12))
            g->kind = KIND_DRIVERLESS;
        g->touch_kb_s = draw_mib(&state, 64, 2048);
    }
}

static void random_action(uint64_t *state, const struct scenario *s, struct action *a, unsigned *bookings)
{
    static const enum action_type types[] = {DO_RESERVE, DO_RESERVE, DO_RELEASE, DO_START, DO_START, DO_DESTROY,
                                             DO_PAUSE,   DO_RESUME,  DO_LOAD,    DO_LOAD,  DO_LOAD,  DO_LOAD,
                                             DO_KILL,    DO_KILL_AT, DO_SET,     DO_AUTO,  DO_HOG,   DO_AGENT,
                                             DO_BREAK,   DO_CLAIM,   DO_RANGE};

    a->type = types[draw(state, sizeof(types) / sizeof(*types))];
    a->guest = (int)draw(state, s->guest_count);
    switch (a->type) {
    case DO_RESERVE:
        a->memkb = draw_mib(state, 32, 1024);
        a->memkb2 = draw(state, 2) ? 0 : a->memkb / 2 / MIB * MIB;
        a->ms = draw(state, 2) ? 0 : 1000 * draw(state, 60);
        a->ms2 = draw(state, 2) ? 0 : 1000 + 1000 * draw(state, 60);
        snprintf(a->name, sizeof(a->name), "b%u", (*bookings)++);
        break;
    case DO_RELEASE:
    case DO_START:
        if (*bookings && draw(state, 2))
            snprintf(a->name, sizeof(a->name), "b%u", (unsigned)draw(state, *bookings));
        break;
    case DO_LOAD:
        a->memkb = draw_mib(state, 32, 2048);
        break;
    case DO_KILL:
        a->ms = draw(state, 5000);
        break;
    case DO_KILL_AT:
        a->number = 1 + draw(state, 12);
        break;
    case DO_SET:
        a->memkb = draw_mib(state, 128, 512);
        break;
    case DO_HOG:
        a->memkb = draw(state, 2) ? 0 : draw_mib(state, 16, 512);
        break;
    case DO_CLAIM:
        a->memkb = draw(state, 2) ? 0 : draw_mib(state, 16, 256);
        break;
    case DO_AGENT:
        a->number = draw(state, 2);
        break;
    case DO_RANGE:
        a->memkb = draw_mib(state, 64, 256);
        a->memkb2 = draw_mib(state, 512, 2560);
        break;
    default:
        break;
    }
}

/* Bursts, and agents whose figures change by themselves, never come to rest; creeping ones after days. */
static bool comes_to_rest(const struct scenario *s)
{
    for (size_t i = 0; i < s->guest_count; i++) {
        const struct guest *g = &s->guests[i];

        if (g->period_ms || g->agent == AGENT_WILD || g->agent == AGENT_FLIP || g->kind == KIND_CREEP || g->ways ||
            g->lives_ms)
            return false;
    }
    return true;
}

void scenario_random(struct gc *gc, uint64_t seed, struct scenario *s)
{
    uint64_t state = seed * 2654435761u + 17, at = 0, held = 0;
    unsigned bookings = 0;

    memset(s, 0, sizeof(*s));
    snprintf(s->name, sizeof(s->name), "seed %llu", (unsigned long long)seed);
    s->guest_count = 2 + draw(&state, 14);
    s->guests = gc_array(gc, s->guest_count, sizeof(*s->guests));
    for (unsigned i = 0; i < s->guest_count; i++) {
        random_guest(&state, &s->guests[i], i);
        if (draw(&state, 4)) {
            s->guests[i].state = GUEST_LIVE;
            held += s->guests[i].start_memkb + (uint64_t)s->guests[i].offset_memkb;
        }
    }
    s->check_covered = true;
    if (seed % 3)
        mix_in(seed, s);
    s->reserve_memkb = draw_mib(&state, 64, 192);
    s->total_memkb = held + s->reserve_memkb + draw_mib(&state, 0, 2048);
    s->action_count = draw(&state, 24);
    s->actions = gc_array(gc, s->action_count, sizeof(*s->actions));
    for (size_t i = 0; i < s->action_count; i++) {
        /* Often close together, where races are. */
        at += draw(&state, 3) ? draw(&state, 400) : draw(&state, 20000);
        s->actions[i].at_ms = at;
        random_action(&state, s, &s->actions[i], &bookings);
    }
    s->length_ms = at + 400000;
    s->quiet_ms = 60000;
    s->expect = (struct expectation){.writes_max = NEVER,
                                     .wakes_max = NEVER,
                                     .converge_ms = NEVER,
                                     .oscillations_max = NEVER,
                                     .latency_ms = NEVER,
                                     .unmet_percent = 3,
                                     .quiet = comes_to_rest(s)};
}
