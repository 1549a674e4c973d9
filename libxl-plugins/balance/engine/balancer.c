/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "balance/engine/state.h"
#include "base/error.h"

/* Agents answer in milliseconds. */
#define GREET_MS 2000u

void balancer_config_defaults(struct balancer_config *config)
{
    *config = (struct balancer_config){
        .reserve_memkb = UINT64_C(128) << 10,
        .backstop_ms = 60000,
        .report_gap_ms = 500,
        .arrival_ms = 500,
        .float_memkb = BALANCER_FLOAT_AUTO,
        .lend.kind = HOST_LEND_ALL,
        .boot_ms = 60000,
        .headroom_percent = 20,
    };
}

struct balancer *balancer_new(struct host *host, const struct balancer_config *config)
{
    struct balancer *b = calloc(1, sizeof(*b));

    if (!b)
        abort();
    b->host = host;
    b->config = *config;
    b->feasible = true;
    b->now_ms = host->ops->now_ms(host);
    b->round_at_ms = b->wake_at_ms = NEVER;
    reserve_load(b);
    credit_load(b);
    balancer_round_soon(b);
    return b;
}

void balancer_free(struct balancer *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->count; i++)
        free(b->doms[i]);
    free(b->doms);
    reserve_free(b);
    free(b->credits);
    free(b);
}

/* ---- domains ---- */

static size_t place_of(const struct balancer *b, uint32_t domid)
{
    size_t low = 0, high = b->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (b->doms[middle]->domid < domid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct dom *dom_find(struct balancer *b, uint32_t domid)
{
    size_t at = place_of(b, domid);

    return at < b->count && b->doms[at]->domid == domid ? b->doms[at] : NULL;
}

void balancer_domain_appeared(struct balancer *b, uint32_t domid, bool initial)
{
    size_t at = place_of(b, domid);
    struct dom *d;

    if (dom_find(b, domid)) {
        balancer_domain_changed(b, domid);
        return;
    }
    d = calloc(1, sizeof(*d));
    if (b->count == b->capacity) {
        b->capacity = b->capacity ? b->capacity * 2 : 16;
        b->doms = reallocarray(b->doms, b->capacity, sizeof(struct dom *));
    }
    if (!d || !b->doms)
        abort();
    memmove(b->doms + at + 1, b->doms + at, (b->count - at) * sizeof(struct dom *));
    b->doms[at] = d;
    b->count++;
    b->now_ms = b->host->ops->now_ms(b->host);
    d->domid = domid;
    d->facts_stale = true;
    d->facts.name = d->facts.uuid = "";
    d->never_ran = !initial;
    d->appeared_ms = initial ? 0 : b->now_ms;
    /* One that was there before us needs no time to boot, but to say what it wants before anything is taken from it. */
    d->boot_until_ms = b->now_ms + (initial ? GREET_MS : b->config.boot_ms);
    d->report_due = true;
    d->report_at_ms = b->now_ms;
    d->still_since_ms = b->now_ms;
    d->last_state = PLAN_RUNNING;
    balancer_round_soon(b);
}

void balancer_domain_gone(struct balancer *b, uint32_t domid)
{
    size_t at = place_of(b, domid);

    if (!dom_find(b, domid))
        return;
    b->now_ms = b->host->ops->now_ms(b->host);
    credit_domain_gone(b, b->doms[at]);
    free(b->doms[at]);
    b->count--;
    memmove(b->doms + at, b->doms + at + 1, (b->count - at) * sizeof(struct dom *));
    /* Its memory comes back in the next moments. */
    b->fast_until_ms = b->freed_until_ms = b->now_ms + TICK_FAST_FOR_MS;
    reserve_domain_gone(b, domid);
    balancer_round_soon(b);
}

void balancer_domain_changed(struct balancer *b, uint32_t domid)
{
    struct dom *d = dom_find(b, domid);

    if (!d)
        return;
    d->facts_stale = true;
    b->now_ms = b->host->ops->now_ms(b->host);
    balancer_round_soon(b);
}

/* Not the target alone: who writes the one that it had already says so in the record beside it, which is a fact. */
void balancer_target_written(struct balancer *b, uint32_t domid)
{
    balancer_domain_changed(b, domid);
}

int balancer_auto(struct balancer *b, uint32_t domid)
{
    struct dom *d = dom_find(b, domid);
    uint64_t target;
    int rc;

    if (!d)
        return ERROR_DOMAIN_NOTFOUND;
    b->now_ms = b->host->ops->now_ms(b->host);
    rc = b->host->ops->target_get(b->host, domid, &target);
    if (!rc)
        rc = b->host->ops->target_accept(b->host, domid, target);
    if (rc)
        return rc;
    d->pinned = false;
    d->facts_stale = true;
    balancer_round_soon(b);
    return 0;
}

/* ---- time ---- */

void balancer_turn_begins(struct balancer *b, uint64_t length_ms)
{
    b->turn_until_ms = b->host->ops->now_ms(b->host) + length_ms;
}

bool balancer_turn_over(const struct balancer *b)
{
    return b->host->ops->now_ms(b->host) >= b->turn_until_ms;
}

void balancer_tell(struct balancer *b, const struct host_event *event)
{
    b->host->ops->event(b->host, event);
}

void balancer_wake_wanted(struct balancer *b, uint64_t at_ms)
{
    if (at_ms >= b->wake_at_ms)
        return;
    b->wake_at_ms = at_ms;
    if (!b->awake)
        b->host->ops->wake_at(b->host, at_ms);
}

void balancer_round_wanted(struct balancer *b, uint64_t at_ms)
{
    if (at_ms < b->round_at_ms)
        b->round_at_ms = at_ms;
    balancer_wake_wanted(b, at_ms);
}

uint64_t balancer_round_gap_ms(const struct balancer *b)
{
    uint64_t gap = ROUND_PAUSE * b->took_ms;

    return gap < ROUND_GAP_MS ? ROUND_GAP_MS : gap < TICK_MS ? gap : TICK_MS;
}

void balancer_round_soon(struct balancer *b)
{
    uint64_t at = b->last_round_ms + balancer_round_gap_ms(b);

    balancer_round_wanted(b, b->looked && at > b->now_ms ? at : b->now_ms);
}

void balancer_emergency(struct balancer *b)
{
    b->now_ms = b->host->ops->now_ms(b->host);
    b->emergency = true;
    b->counters.emergencies++;
    balancer_round_wanted(b, b->now_ms);
}

const struct balancer_counters *balancer_counters(const struct balancer *b)
{
    return &b->counters;
}
