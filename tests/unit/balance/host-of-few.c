/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/balance/host-of-few.h"

#include "tests/fakes/host.h"

struct host_of_few fake;
struct balancer *b;

static uint64_t now_ms(struct host *host)
{
    return fake.now_ms;
}

static int look(struct host *host, const struct host_sample **samples, size_t *count, struct host_memory *memory)
{
    fake.looks++;
    *samples = fake.samples;
    *count = fake.count;
    *memory = fake.memory;
    return fake.look_rc;
}

static int facts(struct host *host, uint32_t domid, struct host_domain *f)
{
    *f = (struct host_domain){.name = "guest",
                              .uuid = "",
                              .type = PLAN_PVH,
                              .managed = true,
                              .min_memkb = 256 * MIB,
                              .max_memkb = 1024 * MIB,
                              .weight = 256,
                              .static_max_memkb = 1024 * MIB,
                              .has_target = true,
                              .target_memkb = fake.target_memkb,
                              .has_own = true,
                              .own_memkb = fake.own_memkb};
    return 0;
}

static int target_get(struct host *host, uint32_t domid, uint64_t *target_memkb)
{
    *target_memkb = fake.target_memkb;
    return 0;
}

static int target_set(struct host *host, uint32_t domid, uint64_t expected_memkb, uint64_t target_memkb,
                      uint64_t limit_memkb)
{
    fake.sets++;
    if (fake.takes_effect)
        fake.target_memkb = fake.own_memkb = target_memkb;
    return fake.takes_effect ? ERROR_FAIL : ERROR_INVAL;
}

static int limit_set(struct host *host, uint32_t domid, uint64_t limit_memkb)
{
    fake.samples[domid - 1].limit_memkb = limit_memkb;
    return 0;
}

static int target_disown(struct host *host, uint32_t domid)
{
    fake.disowned++;
    return 0;
}

static int keep(struct host *host, const char *name, const char *value)
{
    snprintf(fake.kept, sizeof(fake.kept), "%s", value ? value : "");
    return fake.keep_rc;
}

static void kept(struct host *host, void (*each)(void *arg, const char *name, const char *value), void *arg)
{
    if (fake.loads)
        fake.loads(each, arg);
}

static void wake_at(struct host *host, uint64_t at_ms)
{
    fake.wake_at_ms = at_ms;
}

static void event(struct host *host, const struct host_event *e)
{
    fake.emergencies += e->type == HOST_EVENT_EMERGENCY;
    if (e->type == HOST_EVENT_RESERVATION && !strcmp(e->why, "timed-out"))
        fake.timed_out_memkb = e->new_memkb;
}

static struct host_ops ops;

int make(void **state)
{
    struct balancer_config config;

    balancer_config_defaults(&config);
    config.reserve_memkb = 100 * MIB;
    ops = fake_host_ops;
    ops.now_ms = now_ms;
    ops.look = look;
    ops.facts = facts;
    ops.target_get = target_get;
    ops.target_set = target_set;
    ops.limit_set = limit_set;
    ops.target_disown = target_disown;
    ops.keep = keep;
    ops.kept = kept;
    ops.wake_at = wake_at;
    ops.event = event;
    fake = (struct host_of_few){.host.ops = &ops,
                                .now_ms = 1000000,
                                .memory = {4096 * MIB, 1100 * MIB, 0},
                                .target_memkb = 512 * MIB,
                                .own_memkb = 512 * MIB};
    b = balancer_new(&fake.host, &config);
    return 0;
}

int unmake(void **state)
{
    balancer_free(b);
    return 0;
}

void add_domain(uint64_t held_mib, bool paused, bool introduced)
{
    uint32_t domid = (uint32_t)fake.count + 1;

    fake.samples[fake.count++] =
        (struct host_sample){.domid = domid, .held_memkb = held_mib * MIB, .paused = paused, .uuid = UUID};
    if (introduced)
        balancer_domain_appeared(b, domid, false);
}

void pass(uint64_t ms)
{
    uint64_t end = fake.now_ms + ms;

    while (fake.wake_at_ms <= end && fake.now_ms < end) {
        uint64_t at = fake.wake_at_ms;

        fake.now_ms = at > fake.now_ms ? at : fake.now_ms;
        fake.wake_at_ms = UINT64_MAX;
        balancer_wake(b);
        if (fake.wake_at_ms <= at)
            fake.now_ms++;
    }
    fake.now_ms = end;
}
