/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/sampler.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

struct sampler {
    struct xlx_ctx *ctx;
    struct ev_timer timer;
    LIST_HEAD(sampler_clients, sampler_client) clients;
    /* where a walk over the clients goes on, so that any of them may leave meanwhile */
    struct sampler_client *walk;
    /* What somebody else has asked for, when the clients have not had it yet. */
    bool shared;
    xc_domaininfo_t *infos;
    size_t count, capacity;
};

int sampler_look(struct xlx_ctx *ctx, struct gc *gc, xc_domaininfo_t **infos, size_t *count)
{
    unsigned capacity = 256, n = 0;
    xc_interface *xc;
    int rc, r;

    rc = ctx_xc(ctx, &xc);
    if (rc)
        return rc;
    *infos = gc_array(gc, capacity, sizeof(**infos));
    for (;;) {
        uint32_t first = n ? (*infos)[n - 1].domain + 1u : 0;

        r = xc_domain_getinfolist(xc, first, capacity - n, *infos + n);
        if (r < 0) {
            LOG(ctx, ERROR, "the hypervisor does not list its domains: %s", strerror(errno));
            return ERROR_FAIL;
        }
        n += (unsigned)r;
        if (n < capacity)
            break;
        capacity *= 4;
        *infos = gc_realloc(gc, *infos, capacity * sizeof(**infos));
    }
    *count = n;
    return 0;
}

static int compare_domid(const void *key, const void *info)
{
    uint32_t a = *(const uint32_t *)key, b = ((const xc_domaininfo_t *)info)->domain;

    return a < b ? -1 : a > b;
}

const xc_domaininfo_t *sampler_find(const xc_domaininfo_t *infos, size_t count, uint32_t domid)
{
    return count ? bsearch(&domid, infos, count, sizeof(*infos), compare_domid) : NULL;
}

static void time_to_look(struct ev_timer *t);

static void arm(struct sampler *s)
{
    uint64_t now = ev_clock_ms(), due = UINT64_MAX;
    const struct sampler_client *c;

    ev_timer_stop(&s->timer);
    LIST_FOREACH (c, &s->clients, entry)
        due = c->due_ms < due ? c->due_ms : due;
    if (s->shared)
        due = now;
    if (!LIST_EMPTY(&s->clients) && due != UINT64_MAX)
        ev_timer_start(&s->ctx->loop, &s->timer, due > now ? due - now : 0, 0, time_to_look);
}

static void time_to_look(struct ev_timer *t)
{
    struct sampler *s = CONTAINER_OF(t, struct sampler, timer);
    uint64_t now = ev_clock_ms();
    xc_domaininfo_t *infos = NULL;
    size_t count = 0;
    GC_SCOPE(gc);
    int rc;

    if (s->shared) {
        infos = gc_array(gc, s->count + 1, sizeof(*infos));
        memcpy(infos, s->infos, s->count * sizeof(*infos));
        count = s->count;
        s->shared = false;
        rc = 0;
    } else {
        rc = sampler_look(s->ctx, gc, &infos, &count);
    }
    /* Everybody gets every answer: it has been paid for. */
    for (struct sampler_client *c = LIST_FIRST(&s->clients); c; c = s->walk) {
        s->walk = LIST_NEXT(c, entry);
        c->due_ms = now + c->interval_ms;
        c->sampled(c, rc, infos, count, now);
    }
    arm(s);
}

static void sampler_close(struct xlx_ctx *ctx)
{
    ev_timer_stop(&ctx->sampler->timer);
    free(ctx->sampler->infos);
    free(ctx->sampler);
}

int sampler_look_shared(struct xlx_ctx *ctx, struct gc *gc, xc_domaininfo_t **infos, size_t *count)
{
    struct sampler *s = ctx->sampler;
    int rc;

    rc = sampler_look(ctx, gc, infos, count);
    if (rc || !s || LIST_EMPTY(&s->clients))
        return rc;
    if (*count > s->capacity) {
        s->capacity = *count * 2;
        s->infos = reallocarray(s->infos, s->capacity, sizeof(*s->infos));
        if (!s->infos)
            abort();
    }
    memcpy(s->infos, *infos, *count * sizeof(*s->infos));
    s->count = *count;
    s->shared = true;
    arm(s);
    return 0;
}

int sampler_join(struct xlx_ctx *ctx, struct sampler_client *client, uint64_t interval_ms,
                 void (*sampled)(struct sampler_client *, int, const xc_domaininfo_t *, size_t, uint64_t))
{
    struct sampler *s = ctx->sampler;
    xc_interface *xc;
    int rc;

    rc = ctx_xc(ctx, &xc);
    if (rc)
        return rc;
    if (!s) {
        s = ctx->sampler = calloc(1, sizeof(*s));
        if (!s)
            abort();
        s->ctx = ctx;
        ctx_at_end(ctx, sampler_close);
    }
    client->sampler = s;
    client->sampled = sampled;
    LIST_INSERT_HEAD(&s->clients, client, entry);
    client->interval_ms = interval_ms < SAMPLER_INTERVAL_MIN_MS ? SAMPLER_INTERVAL_MIN_MS : interval_ms;
    client->due_ms = ev_clock_ms() + interval_ms;
    arm(s);
    return 0;
}

void sampler_interval(struct sampler_client *client, uint64_t interval_ms)
{
    uint64_t now;

    if (interval_ms < SAMPLER_INTERVAL_MIN_MS)
        interval_ms = SAMPLER_INTERVAL_MIN_MS;
    if (!client->sampler || client->interval_ms == interval_ms)
        return;
    now = ev_clock_ms();
    client->interval_ms = interval_ms;
    client->due_ms = now + interval_ms;
    arm(client->sampler);
}

void sampler_leave(struct sampler_client *client)
{
    struct sampler *s = TAKE_PTR(client->sampler);

    if (!s)
        return;
    if (s->walk == client)
        s->walk = LIST_NEXT(client, entry);
    LIST_REMOVE(client, entry);
    /* Who joins later is not served from what was true once. */
    if (LIST_EMPTY(&s->clients))
        s->shared = false;
    arm(s);
}
