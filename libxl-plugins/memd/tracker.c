/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/domain.h"
#include "core/sampler.h"
#include "memd/memd.h"
#include "xenstore/paths.h"

/* So long domains that have come are looked up before others have their turn: hundreds may come at once, and xenstored may
 * be slow. */
#define TURN_MS 250u

struct node_watch {
    struct store_watch watch;
    struct tracked *tracked;
    enum service_node node;
    bool registered; /* it has fired for its registration */
};

struct tracked {
    struct service_domain domain;
    unsigned reason; /* of its shutdown */
    struct tracker *tracker;
    struct store_watch name_watch;
    bool name_watched; /* it has fired for its registration */
    /* The nodes one by one: what else stands in their folder may be the guest's to write (Qubes' memory/meminfo). */
    struct node_watch nodes[2];
};

struct tracker {
    struct xlx_ctx *ctx;
    struct xs_handle *xs;
    struct store_watcher *watcher;
    const struct tracker_ops *ops;
    void *arg;
    struct store_watch introduced, released;
    struct ev_timer soon;
    struct service_domains *domains; /* each one is part of a struct tracked */
};

/* ---- one domain ---- */

static struct tracked *tracked_of(struct service_domain *domain)
{
    return CONTAINER_OF(domain, struct tracked, domain);
}

static void name_changed(struct store_watch *watch, const char *path)
{
    struct tracked *d = CONTAINER_OF(watch, struct tracked, name_watch);
    bool registration = !d->name_watched;
    char name[XLX_NAME_MAX];

    d->name_watched = true;
    /* The name was read after that. */
    if (registration)
        return;
    domain_name(d->tracker->ctx, d->tracker->xs, d->domain.domid, name);
    if (!strcmp(name, d->domain.name))
        return;
    snprintf(d->domain.name, sizeof(d->domain.name), "%s", name);
    d->tracker->ops->renamed(d->tracker->arg, &d->domain);
}

static void node_written(struct store_watch *watch, const char *path)
{
    struct node_watch *n = CONTAINER_OF(watch, struct node_watch, watch);
    struct tracker *t = n->tracked->tracker;

    if (n->registered)
        t->ops->written(t->arg, &n->tracked->domain, n->node);
    n->registered = true;
}

static bool watch_node(struct tracked *d, enum service_node node, const char *name)
{
    struct node_watch *n = &d->nodes[node];
    GC_SCOPE(gc);

    n->tracked = d;
    n->node = node;
    if (!store_watch_start(d->tracker->watcher, &n->watch, path_in_domain(gc, d->domain.domid, name), node_written))
        return true;
    LOGD(d->tracker->ctx, WARN, d->domain.domid, "cannot watch its %s: a change by others will not be noticed at once",
         name);
    return false;
}

static struct tracked *tracked_new(struct tracker *t, const xc_domaininfo_t *info)
{
    struct tracked *d = calloc(1, sizeof(*d));
    GC_SCOPE(gc);

    if (!d)
        abort();
    d->tracker = t;
    d->domain.domid = info->domain;
    domain_uuid_text(info->handle, d->domain.uuid);
    d->domain.type = domain_type(t->xs, info->domain);
    if (store_watch_start(t->watcher, &d->name_watch, path_in_domain(gc, info->domain, NODE_NAME), name_changed))
        LOGD(t->ctx, WARN, info->domain, "cannot watch its name: a new one will not be noticed");
    domain_name(t->ctx, t->xs, info->domain, d->domain.name);
    d->domain.target_watched = watch_node(d, SERVICE_NODE_TARGET, NODE_MEMORY_TARGET);
    watch_node(d, SERVICE_NODE_STATIC_MAX, NODE_MEMORY_STATIC_MAX);
    return d;
}

static void tracked_free(struct tracked *d)
{
    store_watch_stop(&d->name_watch);
    for (size_t i = 0; i < ARRAY_LEN(d->nodes); i++)
        store_watch_stop(&d->nodes[i].watch);
    free(d);
}

/* ---- all of them ---- */

static void drop(struct tracker *t, size_t at)
{
    struct service_domain *d = t->domains->list[at];

    t->ops->gone(t->arg, d);
    service_domains_remove(t->domains, d);
    tracked_free(tracked_of(d));
}

/* What was suspended may go on and end for good, without a look in between. */
static void look_at_shutdown(struct tracker *t, struct tracked *d, const xc_domaininfo_t *info)
{
    unsigned reason = (info->flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask;
    bool told = d->domain.shut_down && d->reason == reason;

    d->domain.shut_down = info->flags & XEN_DOMINF_shutdown;
    d->reason = reason;
    if (d->domain.shut_down && !told)
        t->ops->shut_down(t->arg, &d->domain, reason);
}

static bool same_domain(const struct service_domain *d, const xc_domaininfo_t *info)
{
    char uuid[XLX_UUID_LEN];

    domain_uuid_text(info->handle, uuid);
    return !strcmp(uuid, d->uuid);
}

/* Seen from the first of Xen's list that may be it. */
static bool is_over(const struct service_domain *d, const xc_domaininfo_t *info)
{
    return d->domid < info->domain || (d->domid == info->domain && !same_domain(d, info));
}

static void look_soon(struct tracker *t);

/* Both lists ascend, so one pass over them finds every difference. Of those that are new the rest is found in another pass
 * when until_ms has come. */
static int look(struct tracker *t, uint64_t until_ms)
{
    xc_domaininfo_t *infos;
    size_t at = 0, count;
    struct tracked *d;
    GC_SCOPE(gc);
    int rc;

    rc = sampler_look(t->ctx, gc, &infos, &count);
    if (rc)
        return rc;
    for (size_t i = 0; i < count; i++) {
        const xc_domaininfo_t *info = &infos[i];

        if (info->flags & XEN_DOMINF_dying)
            continue;
        while (at < t->domains->count && is_over(t->domains->list[at], info))
            drop(t, at);
        if (at == t->domains->count || t->domains->list[at]->domid != info->domain) {
            if (ev_clock_ms() >= until_ms) {
                look_soon(t);
                continue;
            }
            /* A domain that is still being built: xenstored hears of it, and says so, when it is complete. */
            if (!xs_is_domain_introduced(t->xs, info->domain))
                continue;
            d = tracked_new(t, info);
            service_domains_add(t->domains, &d->domain);
            t->ops->appeared(t->arg, &d->domain);
        }
        look_at_shutdown(t, tracked_of(t->domains->list[at]), info);
        at++;
    }
    while (at < t->domains->count)
        drop(t, at);
    return 0;
}

static void look_is_due(struct ev_timer *timer)
{
    look(CONTAINER_OF(timer, struct tracker, soon), ev_clock_ms() + TURN_MS);
}

static void look_soon(struct tracker *t)
{
    /* Many domains that end together, and both watches of one, cost one look. */
    if (!ev_timer_active(&t->soon))
        ev_timer_start(&t->ctx->loop, &t->soon, 0, 0, look_is_due);
}

static void domain_introduced(struct store_watch *watch, const char *path)
{
    look_soon(CONTAINER_OF(watch, struct tracker, introduced));
}

static void domain_released(struct store_watch *watch, const char *path)
{
    look_soon(CONTAINER_OF(watch, struct tracker, released));
}

int tracker_new(struct xlx_ctx *ctx, struct service_domains *domains, const struct tracker_ops *ops, void *arg,
                struct tracker **tracker)
{
    struct tracker *t = calloc(1, sizeof(*t));
    int rc;

    if (!t)
        abort();
    *t = (struct tracker){.ctx = ctx, .domains = domains, .ops = ops, .arg = arg};
    rc = ctx_xs(ctx, &t->xs);
    if (!rc)
        rc = ctx_watcher(ctx, &t->watcher);
    if (rc)
        goto out;
    /* Watches first: what comes between them and the first look is seen twice rather than never. */
    rc = store_watch_start(t->watcher, &t->introduced, WATCH_INTRODUCE_DOMAIN, domain_introduced);
    if (!rc)
        rc = store_watch_start(t->watcher, &t->released, WATCH_RELEASE_DOMAIN, domain_released);
    if (rc) {
        LOG(ctx, ERROR, "cannot watch for domains coming and going: %s", error_text(rc));
        goto out;
    }
    /* Those that are there are told before anything else is done. */
    rc = look(t, UINT64_MAX);

out:
    if (rc) {
        tracker_free(t);
        return rc;
    }
    *tracker = t;
    return 0;
}

void tracker_free(struct tracker *t)
{
    if (!t)
        return;
    ev_timer_stop(&t->soon);
    store_watch_stop(&t->introduced);
    store_watch_stop(&t->released);
    for (size_t i = 0; i < t->domains->count; i++)
        tracked_free(tracked_of(t->domains->list[i]));
    service_domains_dispose(t->domains);
    free(t);
}
