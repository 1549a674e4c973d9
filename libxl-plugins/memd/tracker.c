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

struct tracked {
    struct service_domain domain;
    unsigned reason; /* of its shutdown */
    struct tracker *tracker;
    struct store_watch name_watch;
};

struct tracker {
    struct xlx_ctx *ctx;
    struct xs_handle *xs;
    struct store_watcher *watcher;
    const struct tracker_ops *ops;
    void *arg;
    struct store_watch introduced, released;
    struct ev_timer soon;
    struct tracked **domains; /* ascending domid */
    size_t count, capacity;
};

/* ---- one domain ---- */

static void name_changed(struct store_watch *watch, const char *path)
{
    struct tracked *d = CONTAINER_OF(watch, struct tracked, name_watch);
    char name[XLX_NAME_MAX];

    /* It fires once at registration, too. */
    domain_name(d->tracker->ctx, d->tracker->xs, d->domain.domid, name);
    if (!strcmp(name, d->domain.name))
        return;
    snprintf(d->domain.name, sizeof(d->domain.name), "%s", name);
    d->tracker->ops->renamed(d->tracker->arg, &d->domain);
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
    domain_name(t->ctx, t->xs, info->domain, d->domain.name);
    if (store_watch_start(t->watcher, &d->name_watch, path_in_domain(gc, info->domain, NODE_NAME), name_changed))
        LOGD(t->ctx, WARN, info->domain, "cannot watch its name: a new one will not be noticed");
    return d;
}

static void tracked_free(struct tracked *d)
{
    store_watch_stop(&d->name_watch);
    free(d);
}

/* ---- all of them ---- */

static void insert(struct tracker *t, size_t at, struct tracked *d)
{
    if (t->count == t->capacity) {
        t->capacity = t->capacity ? t->capacity * 2 : 16;
        t->domains = reallocarray(t->domains, t->capacity, sizeof(*t->domains));
        if (!t->domains)
            abort();
    }
    memmove(t->domains + at + 1, t->domains + at, (t->count - at) * sizeof(*t->domains));
    t->domains[at] = d;
    t->count++;
}

static void drop(struct tracker *t, size_t at)
{
    struct tracked *d = t->domains[at];
    uint32_t domid = d->domain.domid;

    t->count--;
    memmove(t->domains + at, t->domains + at + 1, (t->count - at) * sizeof(*t->domains));
    tracked_free(d);
    t->ops->gone(t->arg, domid);
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

static bool same_domain(const struct tracked *d, const xc_domaininfo_t *info)
{
    char uuid[XLX_UUID_LEN];

    domain_uuid_text(info->handle, uuid);
    return !strcmp(uuid, d->domain.uuid);
}

/* Both lists ascend, so one pass over them finds every difference. */
static int look(struct tracker *t)
{
    xc_domaininfo_t *infos;
    size_t at = 0, count;
    GC_SCOPE(gc);
    int rc;

    rc = sampler_look(t->ctx, gc, &infos, &count);
    if (rc)
        return rc;
    for (size_t i = 0; i < count; i++) {
        const xc_domaininfo_t *info = &infos[i];

        if (info->flags & XEN_DOMINF_dying)
            continue;
        while (at < t->count && (t->domains[at]->domain.domid < info->domain ||
                                 (t->domains[at]->domain.domid == info->domain && !same_domain(t->domains[at], info))))
            drop(t, at);
        if (at == t->count || t->domains[at]->domain.domid != info->domain) {
            /* A domain that is still being built: xenstored hears of it, and says so, when it is complete. */
            if (!xs_is_domain_introduced(t->xs, info->domain))
                continue;
            insert(t, at, tracked_new(t, info));
            t->ops->appeared(t->arg, &t->domains[at]->domain);
        }
        look_at_shutdown(t, t->domains[at], info);
        at++;
    }
    while (at < t->count)
        drop(t, at);
    return 0;
}

static void look_is_due(struct ev_timer *timer)
{
    look(CONTAINER_OF(timer, struct tracker, soon));
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

int tracker_new(struct xlx_ctx *ctx, const struct tracker_ops *ops, void *arg, struct tracker **tracker)
{
    struct tracker *t = calloc(1, sizeof(*t));
    int rc;

    if (!t)
        abort();
    *t = (struct tracker){.ctx = ctx, .ops = ops, .arg = arg};
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
    rc = look(t);

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
    for (size_t i = 0; i < t->count; i++)
        tracked_free(t->domains[i]);
    free(t->domains);
    free(t);
}
