/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "tests/sim/policy.h"
#include "tests/sim/world.h"

static void *start(struct world *w, const struct balancer_config *config)
{
    return balancer_new(&w->host, config);
}

static void stop(void *daemon)
{
    balancer_free(daemon);
}

static void appeared(void *daemon, uint32_t domid, bool initial)
{
    balancer_domain_appeared(daemon, domid, initial);
}

static void gone(void *daemon, uint32_t domid)
{
    balancer_domain_gone(daemon, domid);
}

static void changed(void *daemon, uint32_t domid)
{
    balancer_domain_changed(daemon, domid);
}

static void reported(void *daemon, uint32_t domid)
{
    balancer_domain_reported(daemon, domid);
}

static void target_written(void *daemon, uint32_t domid)
{
    balancer_target_written(daemon, domid);
}

static void emergency(void *daemon)
{
    balancer_emergency(daemon);
}

static void wake(void *daemon)
{
    balancer_wake(daemon);
}

static int take_back(void *daemon, uint32_t domid)
{
    return balancer_auto(daemon, domid);
}

static int reserve(void *daemon, const struct reserve_request *request, char id[RESERVE_ID_LEN])
{
    return balancer_reserve(daemon, request, id);
}

static int release(void *daemon, const char *id)
{
    return balancer_release(daemon, id);
}

static int hand(void *daemon, const char *id, uint32_t domid)
{
    return balancer_hand(daemon, id, domid);
}

static int lease(void *daemon, const char *id, uint64_t lease_ms)
{
    return balancer_lease(daemon, id, lease_ms);
}

const struct policy policy_memd = {
    .name = "memd",
    .judged = true,
    .start = start,
    .stop = stop,
    .appeared = appeared,
    .gone = gone,
    .changed = changed,
    .reported = reported,
    .target_written = target_written,
    .emergency = emergency,
    .wake = wake,
    .take_back = take_back,
    .reserve = reserve,
    .release = release,
    .hand = hand,
    .lease = lease,
};

const struct policy *policy_find(const char *name)
{
    static const struct policy *const policies[] = {&policy_memd, &policy_oracle, &policy_squeezed, &policy_qmemman};

    for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
        if (!strcmp(policies[i]->name, name))
            return policies[i];
    }
    return NULL;
}
