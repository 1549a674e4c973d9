/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/sim/fair.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/policy.h"

/* Who is slower is taken for somebody who does not move. */
#define MOVES_KB_S (1 * MIB)
/* To hear of it, and to decide. */
#define REACTION_S 0.5
/* After a restart guests are heard first. */
#define GREET_MS 3000u
#define SHARE_ROUNDS 48

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

static uint64_t hi_memkb(const struct guest *g)
{
    return g->max_memkb < g->static_max_memkb ? g->max_memkb : g->static_max_memkb;
}

static bool takes_part(const struct guest *g)
{
    return g->state == GUEST_LIVE && g->managed && !g->fixed && !g->migrating && !g->paused && g->has_own &&
           g->own_memkb == g->target_memkb;
}

static bool moves(const struct world *w, const struct guest *g)
{
    return (g->kind == KIND_INSTANT || g->kind == KIND_RATE || g->kind == KIND_FLOOR) && g->rate_kb_s >= MOVES_KB_S &&
           w->now_ms >= g->born_ms + g->boot_ms;
}

static bool tells(const struct guest *g)
{
    return g->agent == AGENT_HONEST && !g->stopped;
}

/* ---- who is to have what, at least and at most ---- */

static double needs_memkb(const struct world *w, const struct guest *g)
{
    double most_memkb = (double)hi_memkb(g), needs = (double)(guest_wants_memkb(w, g) + KERNEL_MEMKB);

    if (g->hostile || !tells(g))
        return most_memkb;
    return least(most(needs, (double)g->min_memkb), most_memkb);
}

/* What nobody can take from it: of an honest guest what its programs use; but neither keeps what it got while it was
 * owed less. */
static double keeps_memkb(const struct world *w, struct guest *g)
{
    double held = (double)g->held_memkb, in_use = least(held, (double)(g->touched_memkb + KERNEL_MEMKB));

    if (!g->hostile && !moves(w, g))
        return held;
    if (g->kind == KIND_FLOOR)
        in_use = most(in_use, least(held, (double)g->floor_memkb));
    if (!g->hostile) {
        g->peak_memkb = least(g->peak_memkb, in_use);
        return g->peak_memkb;
    }
    return most(least(held, g->peak_memkb), (double)g->first_memkb);
}

/* What all others hold or could take, reservations, claims and the reserve are not there to be shared. */
static double pool_memkb(struct world *w)
{
    uint64_t used = w->hog_memkb + w->claim_memkb + w->scenario->reserve_memkb + reservations_memkb(w);

    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        const struct guest *g = &w->guests[i];

        used += takes_part(g) ? (uint64_t)g->offset_memkb : could_hold_memkb(w, g);
    }
    return (double)w->scenario->total_memkb - (double)used;
}

/* ---- max-min ---- */

struct claim {
    struct guest *guest;
    double weight, least, keeps, most;
};

static double amount(const struct claim *c, double level)
{
    return most(c->keeps, least(c->least + level * c->weight, c->most));
}

/* The level at which all together have the pool; below 0: not even the least fits. */
static double find_level(const struct claim *claims, size_t count, double pool)
{
    double low = 0, high = 1, sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += amount(&claims[i], 0);
        high = most(high, (claims[i].most - claims[i].least) / claims[i].weight);
    }
    if (sum > pool)
        return -1;
    for (unsigned n = 0; n < SHARE_ROUNDS; n++) {
        double middle = (low + high) / 2;

        sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += amount(&claims[i], middle);
        if (sum > pool)
            high = middle;
        else
            low = middle;
    }
    return low;
}

static size_t collect(struct world *w, struct claim *claims)
{
    size_t count = 0;

    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        struct guest *g = &w->guests[i];

        if (takes_part(g))
            claims[count++] =
                (struct claim){g, g->weight ? (double)g->weight : 1, (double)g->min_memkb, 0, (double)hi_memkb(g)};
    }
    return count;
}

static bool changed(struct world *w)
{
    uint64_t hash = w->hog_memkb + w->claim_memkb * 3 + reservations_memkb(w) * 5 + (w->daemon != NULL);

    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        const struct guest *g = &w->guests[i];
        uint64_t keeps = takes_part(g) ? (uint64_t)g->peak_memkb / MIB : could_hold_memkb(w, g) / MIB;

        if (takes_part(g) && (g->hostile || !moves(w, g)))
            keeps += g->held_memkb / MIB;
        if (takes_part(g))
            keeps += g->touched_memkb / MIB;

        hash = hash * UINT64_C(0x9e3779b97f4a7c15) + keeps + guest_wants_memkb(w, g) * 7 + g->weight * 11 +
               g->min_memkb * 13 + hi_memkb(g) * 17 + takes_part(g) + tells(g) * 2u + moves(w, g) * 4u;
    }
    if (hash == w->fair_hash)
        return false;
    w->fair_hash = hash;
    return true;
}

/* ---- allowances ---- */

static double slowest_kb_s(const struct world *w)
{
    double slowest = 1e12;

    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        const struct guest *g = &w->guests[i];

        if (!takes_part(g) || !moves(w, g) || g->kind == KIND_INSTANT || g->ways & WAY_KEEPS)
            continue;
        slowest = least(slowest, (double)g->rate_kb_s);
        if (g->give_kb_s >= MOVES_KB_S)
            slowest = least(slowest, (double)g->give_kb_s);
    }
    return slowest;
}

static double reaction_s(const struct world *w)
{
    double period_s = 0;

    for (size_t i = 0; i < w->scenario->guest_count; i++)
        period_s = most(period_s, (double)guest_period_ms(&w->guests[i]) / 1000);
    return REACTION_S + period_s;
}

static void owe(struct world *w, struct guest *g, double owed, double slowest)
{
    bool judged = takes_part(g) && !g->hostile && tells(g) && moves(w, g) && w->daemon;
    /* What the programs of one that has just started want comes as a change of load, too. */
    double had = least((double)g->held_memkb, (double)(g->needs_memkb + KERNEL_MEMKB));
    double before = g->judged ? (double)g->owed_memkb : least(owed, had);
    double step = most(0, owed - before);

    g->judged = judged;
    g->owed_memkb = (uint64_t)owed;
    if (!judged)
        return;
    g->allowed += step * (reaction_s(w) + step / slowest);
    w->statistics.reaction_mib_s += step / MIB * reaction_s(w);
}

void fair_shares(struct world *w)
{
    struct claim *claims;
    double level, pool, slowest;
    size_t count;

    if (!changed(w))
        return;
    claims = calloc(w->scenario->guest_count + 1, sizeof(*claims));
    if (!claims)
        abort();
    count = collect(w, claims);
    pool = pool_memkb(w);
    level = find_level(claims, count, pool);
    for (size_t i = 0; i < count; i++) {
        struct guest *g = claims[i].guest;
        double share = amount(&claims[i], most(level, 0));

        claims[i].keeps = keeps_memkb(w, g);
        claims[i].most = needs_memkb(w, g);
        if (g->lend_memkb != NEVER && claims[i].most > share + (double)g->lend_memkb)
            claims[i].most = share + (double)g->lend_memkb;
    }
    level = find_level(claims, count, pool);
    slowest = slowest_kb_s(w);
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        if (!takes_part(&w->guests[i]))
            w->guests[i].judged = false;
    }
    for (size_t i = 0; i < count; i++) {
        struct guest *g = claims[i].guest;
        double needs = (double)(guest_wants_memkb(w, g) + KERNEL_MEMKB);

        double fair = level < 0 ? 0 : amount(&claims[i], level);

        g->peak_memkb = most(g->peak_memkb, fair);
        owe(w, g, least(needs, fair), slowest);
    }
    free(claims);
}

void fair_lends(struct world *w, struct guest *g, uint64_t target_memkb)
{
    if (g->lend_memkb != NEVER)
        return;
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        const struct guest *other = &w->guests[i];

        if (other->judged && other != g && other->owed_memkb > other->held_memkb + MIB)
            return;
    }
    g->peak_memkb = most(g->peak_memkb, (double)target_memkb);
}

/* ---- what was lacking ---- */

static void compare(struct world *w, struct guest *g)
{
    double bound = 0.03 * g->due + g->allowed;

    if (g->starved <= bound || g->told_starved || !(w->scenario->check_starved || w->options->strict))
        return;
    g->told_starved = true;
    fail(w, "%s: has lacked %.0f MiB*s of what it was owed, %.0f at most are excused; holds %.1f of %.1f MiB", g->name,
         g->starved / MIB, bound / MIB, (double)g->held_memkb / MIB, (double)g->owed_memkb / MIB);
}

void fair_passes(struct world *w, uint64_t passed_ms)
{
    double seconds = (double)passed_ms / 1000;

    if (!w->daemon || w->now_ms < w->greeted_ms + GREET_MS)
        return;
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        struct guest *g = &w->guests[i];
        double needs = (double)(g->needs_memkb + KERNEL_MEMKB), owed, lacks;

        if (!g->judged)
            continue;
        owed = least(needs, (double)g->owed_memkb);
        lacks = owed - (double)g->held_memkb;
        g->due += owed * seconds;
        if (lacks <= 0)
            continue;
        g->starved += lacks * seconds;
        w->statistics.starved_mib_s += lacks / MIB * seconds;
        compare(w, g);
    }
}
