/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/balance/two-guests.h"

#include "tests/fakes/host.h"

struct two_guests fake;
struct balancer *b;
struct balancer_config config;

struct guest *guest(uint32_t domid)
{
    for (size_t i = 0; i < GUESTS; i++) {
        if (fake.guests[i].there && fake.guests[i].domid == domid)
            return &fake.guests[i];
    }
    return NULL;
}

static uint64_t now_ms(struct host *host)
{
    return fake.now_ms;
}

static int look(struct host *host, const struct host_sample **samples, size_t *count, struct host_memory *memory)
{
    size_t n = 0;

    fake.now_ms += fake.look_takes_ms;
    fake.looks++;
    for (size_t i = 0; i < GUESTS; i++) {
        const struct guest *g = &fake.guests[i];

        if (!g->there)
            continue;
        fake.samples[n] = (struct host_sample){.domid = g->domid,
                                               .held_memkb = g->held_memkb,
                                               .limit_memkb = g->limit_memkb,
                                               .paused = g->paused,
                                               .shut_down = g->shut_down};
        memcpy(fake.samples[n++].uuid, g->uuid, sizeof(g->uuid));
    }
    *samples = fake.samples;
    *count = n;
    *memory = (struct host_memory){4096 * MIB, fake.free_memkb, fake.claimed_memkb};
    return 0;
}

static int facts(struct host *host, uint32_t domid, struct host_domain *f)
{
    const struct guest *g = guest(domid);

    if (!g)
        return ERROR_DOMAIN_NOTFOUND;
    *f = (struct host_domain){.name = "guest",
                              .uuid = g->uuid,
                              .type = PLAN_PVH,
                              .managed = true,
                              .migrating = g->migrating,
                              .min_memkb = 256 * MIB,
                              .max_memkb = 4096 * MIB,
                              .weight = 256,
                              .static_max_memkb = 4096 * MIB,
                              .offset_memkb = OFFSET,
                              .offset_known = true,
                              .slack_memkb = SLACK,
                              .tight = g->tight,
                              .has_target = true,
                              .target_memkb = g->target_memkb,
                              .has_own = true,
                              .own_memkb = g->own_memkb};
    return 0;
}

static uint64_t total_of(const struct guest *g)
{
    return g->total_memkb ? g->total_memkb : g->held_memkb;
}

static int report(struct host *host, uint32_t domid, struct host_report *r)
{
    const struct guest *g = guest(domid);

    if (!g || g->silent)
        return ERROR_NOTFOUND;
    *r = (struct host_report){.has_available = true,
                              .total_memkb = g->no_total ? UINT64_MAX : total_of(g),
                              .available_memkb = total_of(g) > g->used_memkb ? total_of(g) - g->used_memkb : 0,
                              .stands = g->stands,
                              .at_ms = g->told_ms,
                              .serial = g->told,
                              .answers = true};
    return 0;
}

static int report_ask(struct host *host, uint32_t domid)
{
    fake.asked++;
    return 0;
}

static int target_get(struct host *host, uint32_t domid, uint64_t *target_memkb)
{
    *target_memkb = guest(domid)->target_memkb;
    return 0;
}

static int target_set(struct host *host, uint32_t domid, uint64_t expected_memkb, uint64_t target_memkb,
                      uint64_t limit_memkb)
{
    struct guest *g = guest(domid);

    g->target_memkb = g->own_memkb = target_memkb;
    g->limit_memkb = limit_memkb;
    return 0;
}

static int limit_set(struct host *host, uint32_t domid, uint64_t limit_memkb)
{
    guest(domid)->limit_memkb = limit_memkb;
    return 0;
}

static int keep(struct host *host, const char *name, const char *value)
{
    snprintf(fake.kept_name, sizeof(fake.kept_name), "%s", value ? name : "");
    snprintf(fake.kept_value, sizeof(fake.kept_value), "%s", value ? value : "");
    return 0;
}

static void kept(struct host *host, void (*each)(void *arg, const char *name, const char *value), void *arg)
{
    if (*fake.kept_name)
        each(arg, fake.kept_name, fake.kept_value);
}

static void wake_at(struct host *host, uint64_t at_ms)
{
    fake.wake_at_ms = at_ms;
}

static struct host_ops ops;

int make(void **state)
{
    balancer_config_defaults(&config);
    config.reserve_memkb = RESERVE;
    config.float_memkb = 0;
    ops = fake_host_ops;
    ops.now_ms = now_ms;
    ops.look = look;
    ops.facts = facts;
    ops.report = report;
    ops.report_ask = report_ask;
    ops.target_get = target_get;
    ops.target_set = target_set;
    ops.limit_set = limit_set;
    ops.keep = keep;
    ops.kept = kept;
    ops.wake_at = wake_at;
    fake = (struct two_guests){.host.ops = &ops, .now_ms = 1000000, .free_memkb = RESERVE};
    b = balancer_new(&fake.host, &config);
    return 0;
}

int unmake(void **state)
{
    balancer_free(b);
    return 0;
}

struct guest *add(uint32_t domid, uint64_t mib)
{
    struct guest *g = &fake.guests[domid % GUESTS];

    *g = (struct guest){.there = true, .gives = true, .takes = true, .tight = true, .domid = domid};
    g->target_memkb = g->own_memkb = mib * MIB;
    g->held_memkb = g->target_memkb + OFFSET;
    g->limit_memkb = g->target_memkb + SLACK;
    memset(g->uuid, '0' + (int)(domid % 10), sizeof(g->uuid) - 1);
    balancer_domain_appeared(b, domid, true);
    return g;
}

void says(struct guest *g, uint64_t used_mib)
{
    g->used_memkb = used_mib * MIB;
    g->told_ms = fake.now_ms;
    g->told++;
    balancer_domain_reported(b, g->domid);
}

/* At 256 MiB a second, and never more than its limit and what is free. */
static void move(struct guest *g, uint64_t passed_ms)
{
    uint64_t goal = g->target_memkb + OFFSET, step = (g->kb_per_ms ? g->kb_per_ms : 256) * passed_ms / 4 * 4;

    if (!g->there || g->paused)
        return;
    if (g->climbs)
        goal = g->limit_memkb > g->held_memkb ? g->limit_memkb : g->held_memkb;
    if (goal < g->held_memkb && g->gives) {
        step = step < g->held_memkb - goal ? step : g->held_memkb - goal;
        g->held_memkb -= step;
        fake.free_memkb += step;
    } else if (goal > g->held_memkb && g->takes) {
        goal = goal < g->limit_memkb ? goal : g->limit_memkb;
        step = goal <= g->held_memkb ? 0 : step < goal - g->held_memkb ? step : goal - g->held_memkb;
        step = step < fake.free_memkb ? step : fake.free_memkb;
        g->held_memkb += step;
        fake.free_memkb -= step;
    }
}

void pass(uint64_t ms)
{
    for (uint64_t end = fake.now_ms + ms; fake.now_ms < end; fake.now_ms += 10) {
        for (size_t i = 0; i < GUESTS; i++)
            move(&fake.guests[i], 10);
        if (fake.wake_at_ms > fake.now_ms)
            continue;
        fake.wake_at_ms = UINT64_MAX;
        balancer_wake(b);
    }
}

struct balancer_domain view_of(struct gc *gc, uint32_t domid)
{
    struct balancer_domain view;

    assert_int_equal(balancer_view_domain(b, gc, domid, &view), 0);
    return view;
}
