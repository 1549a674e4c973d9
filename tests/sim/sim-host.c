/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "balance/host.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "tests/sim/fair.h"
#include "tests/sim/world.h"

/* The host that the balancer sees, on a world. Each operation that changes something is a moment to be killed at. */

static struct world *world_of(struct host *host)
{
    return CONTAINER_OF(host, struct world, host);
}

static void maybe_killed(struct world *w)
{
    if (w->kill_in && !--w->kill_in)
        longjmp(w->killed, 1);
}

static uint64_t now_ms(struct host *host)
{
    return world_of(host)->now_ms;
}

static int look(struct host *host, const struct host_sample **samples, size_t *count, struct host_memory *memory)
{
    struct world *w = world_of(host);
    size_t n = 0;

    /* Domids are given in the order of birth, which is not the scenario's: an index by domid keeps them ascending. */
    for (size_t i = 0; i < w->scenario->guest_count; i++) {
        const struct guest *g = &w->guests[i];
        size_t at = n;

        if (g->state == GUEST_ABSENT)
            continue;
        while (at && w->samples[at - 1].domid > g->domid) {
            w->samples[at] = w->samples[at - 1];
            at--;
        }
        w->samples[at] = (struct host_sample){
            .domid = g->domid,
            .held_memkb = g->held_memkb + (uint64_t)g->offset_memkb,
            .limit_memkb = g->limit_memkb,
            .paused = g->paused || g->state == GUEST_BUILDING,
            .dying = g->state == GUEST_DYING,
        };
        snprintf(w->samples[at].uuid, sizeof(w->samples[at].uuid), "%s", g->life_uuid);
        n++;
    }
    *samples = w->samples;
    *count = n;
    *memory = (struct host_memory){w->scenario->total_memkb, w->free_memkb, w->claim_memkb};
    return 0;
}

static int facts(struct host *host, uint32_t domid, struct host_domain *f)
{
    const struct guest *g = world_guest(world_of(host), domid);

    if (!g)
        return ERROR_DOMAIN_NOTFOUND;
    *f = (struct host_domain){
        .name = g->life_name,
        .uuid = g->life_uuid,
        .type = g->type,
        .fixed = g->fixed,
        .building = g->state == GUEST_BUILDING,
        .migrating = g->migrating,
        .managed = g->managed,
        .min_memkb = g->min_memkb,
        .max_memkb = g->max_memkb,
        .weight = g->weight,
        .static_max_memkb = g->static_max_memkb,
        .offset_memkb = g->offset_memkb,
        .offset_known = true,
        .slack_memkb = g->videoram_memkb + LIMIT_SLACK_MEMKB,
        .dom0 = g->dom0,
        .lend = {g->lend_memkb == NEVER ? HOST_LEND_ALL : HOST_LEND_MEMKB, g->lend_memkb},
        .tight = g->type != PLAN_HVM,
        .has_target = true,
        .target_memkb = g->target_memkb,
        .has_own = g->has_own,
        .own_memkb = g->own_memkb,
    };
    return 0;
}

static int report(struct host *host, uint32_t domid, struct host_report *r)
{
    const struct guest *g = world_guest(world_of(host), domid);

    if (!g || !g->has_report)
        return ERROR_NOTFOUND;
    *r = g->report;
    r->at_ms = g->told_ms;
    r->serial = g->told;
    if (!(g->manners & MANNERS_OF_OTHERS))
        r->answers = !(g->manners & MANNER_MINUTE);
    return 0;
}

static int report_ask(struct host *host, uint32_t domid)
{
    struct world *w = world_of(host);
    struct guest *g = world_guest(w, domid);

    if (!g)
        return ERROR_NOTFOUND;
    guest_ask(w, g);
    return 0;
}

static int target_get(struct host *host, uint32_t domid, uint64_t *target_memkb)
{
    const struct guest *g = world_guest(world_of(host), domid);

    if (!g)
        return ERROR_DOMAIN_NOTFOUND;
    *target_memkb = g->target_memkb;
    return 0;
}

static int target_set(struct host *host, uint32_t domid, uint64_t expected_memkb, uint64_t target_memkb,
                      uint64_t limit_memkb)
{
    struct world *w = world_of(host);
    struct guest *g = world_guest(w, domid);
    uint64_t old;
    int64_t slack;

    maybe_killed(w);
    if (!g)
        return ERROR_DOMAIN_NOTFOUND;
    if (g->target_memkb != expected_memkb)
        return ERROR_INVAL;
    old = g->target_memkb;
    slack = slack_memkb(w);
    g->target_memkb = g->own_memkb = target_memkb;
    g->limit_memkb = limit_memkb ? limit_memkb : guest_usual_limit_memkb(g);
    g->has_own = g->busy = true;
    guest_sees_target(w, g);
    check_write(w, g, old, slack);
    maybe_killed(w);
    return 0;
}

static int limit_set(struct host *host, uint32_t domid, uint64_t limit_memkb)
{
    struct world *w = world_of(host);
    struct guest *g = world_guest(w, domid);

    maybe_killed(w);
    if (!g)
        return ERROR_DOMAIN_NOTFOUND;
    g->limit_memkb = limit_memkb;
    g->busy = true;
    return 0;
}

static int target_accept(struct host *host, uint32_t domid, uint64_t target_memkb)
{
    struct world *w = world_of(host);
    struct guest *g = world_guest(w, domid);

    maybe_killed(w);
    if (!g)
        return ERROR_DOMAIN_NOTFOUND;
    g->own_memkb = target_memkb;
    g->has_own = true;
    return 0;
}

static int target_disown(struct host *host, uint32_t domid)
{
    return target_accept(host, domid, 0);
}

static int keep(struct host *host, const char *name, const char *value)
{
    struct world *w = world_of(host);
    size_t i = 0;

    maybe_killed(w);
    while (i < w->kept_count && strcmp(w->kept[i].name, name))
        i++;
    if (!value) {
        if (i < w->kept_count)
            w->kept[i] = w->kept[--w->kept_count];
        return 0;
    }
    if (i == ARRAY_LEN(w->kept))
        return ERROR_FAIL;
    if (i == w->kept_count)
        w->kept_count++;
    snprintf(w->kept[i].name, sizeof(w->kept[i].name), "%s", name);
    snprintf(w->kept[i].value, sizeof(w->kept[i].value), "%s", value);
    w->kept[i].reservation = sscanf(value, "%d %" SCNu64 " %*u %" SCNu64 " %" SCNu32, &w->kept[i].state,
                                    &w->kept[i].size_memkb, &w->kept[i].memkb, &w->kept[i].domid) == 4;
    return 0;
}

static void kept(struct host *host, void (*each)(void *arg, const char *name, const char *value), void *arg)
{
    struct world *w = world_of(host);

    for (size_t i = 0; i < w->kept_count; i++)
        each(arg, w->kept[i].name, w->kept[i].value);
}

static void wake_at(struct host *host, uint64_t at_ms)
{
    world_of(host)->wake_at_ms = at_ms;
}

static void count_write(struct world *w, struct guest *g, const struct host_event *e)
{
    struct statistics *s = &w->statistics;
    int way = e->new_memkb > e->old_memkb ? 1 : -1;
    const char *what = e->what ? e->what : "";
    bool apart = !strcmp(what, "re-arm") || !strcmp(what, "probe") || !strcmp(what, "unreachable");
    uint64_t by = way > 0 ? e->new_memkb - e->old_memkb : e->old_memkb - e->new_memkb;

    s->writes++;
    if (apart) {
        s->probe_writes++;
        return;
    }
    if (g && way > 0)
        fair_lends(w, g, e->new_memkb);
    s->last_write_ms = w->now_ms;
    if (w->scenario->expect.quiet && w->now_ms + w->scenario->quiet_ms > w->scenario->length_ms)
        s->quiet_writes++;
    if (g && g->last_way && way != g->last_way && by > e->old_memkb / 33 && g->last_turn_memkb > e->old_memkb / 33)
        s->oscillations++;
    if (g) {
        g->last_way = way;
        g->last_turn_memkb = by;
    }
}

static void event(struct host *host, const struct host_event *e)
{
    static const char *const names[] = {"target", "health", "pinned", "reservation", "short", "emergency"};
    struct world *w = world_of(host);
    struct guest *g = world_guest(w, e->domid);

    if (w->options->verbose)
        printf("%9.3f %-11s %-8s %8.1f -> %8.1f MiB %s %s (free %.1f, slack %.1f)\n", (double)w->now_ms / 1000,
               names[e->type], g ? g->name : "-", (double)e->old_memkb / 1024, (double)e->new_memkb / 1024,
               e->what ? e->what : "", e->why ? e->why : "", (double)w->free_memkb / 1024,
               (double)slack_memkb(w) / 1024);
    if (e->type == HOST_EVENT_TARGET)
        count_write(w, g, e);
    if (e->type != HOST_EVENT_RESERVATION || !e->what || !e->why)
        return;
    for (size_t i = 0; i < w->booking_count; i++) {
        struct booking *b = &w->bookings[i];

        if (strcmp(b->id, e->what))
            continue;
        if (!strcmp(e->why, "ready") || !strcmp(e->why, "handed")) {
            if (b->ready_ms == NEVER)
                b->ready_ms = w->now_ms;
        } else if (strcmp(e->why, "waiting")) {
            b->over = true;
        }
    }
}

const struct host_ops sim_host_ops = {
    .now_ms = now_ms,
    .look = look,
    .facts = facts,
    .report = report,
    .report_ask = report_ask,
    .target_get = target_get,
    .target_set = target_set,
    .limit_set = limit_set,
    .target_accept = target_accept,
    .target_disown = target_disown,
    .keep = keep,
    .kept = kept,
    .wake_at = wake_at,
    .event = event,
};
