/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "balance/service/service.h"
#include "balance/policy/lend.h"
#include "balance/service/metrics.h"
#include "balance/service/recorder.h"
#include "balance/xen/host-xen.h"
#include "base/cleanup.h"
#include "base/error.h"

/* ---- configuration ---- */

static int read_config(struct xlx_ctx *ctx, const struct config *config, struct balancer_config *b)
{
    const char *lend, *cause;
    uint64_t headroom;
    int rc;

    rc = config_size_kb(config, "reserve", b->reserve_memkb, &b->reserve_memkb);
    if (!rc)
        rc = config_duration_ms(config, "boot_time", b->boot_ms, &b->boot_ms);
    if (!rc)
        rc = config_u64(config, "headroom", b->headroom_percent, 1000, &headroom);
    if (!rc)
        rc = config_size_kb(config, "float", b->float_memkb, &b->float_memkb);
    if (!rc)
        rc = config_text(config, "lend", "all", &lend);
    if (rc)
        return rc;
    b->headroom_percent = (unsigned)headroom;
    if (!lend_parse(lend, &b->lend, &cause))
        return 0;
    LOG(ctx, ERROR, "lend='%.32s': %s", lend, cause);
    return ERROR_INVAL;
}

/* ---- events ---- */

/* Warnings are what an administrator wants to know of: what no longer balances itself. */
static void happened(void *arg, const struct host_event *e)
{
    struct balance_service *s = arg;

    switch (e->type) {
    case HOST_EVENT_HEALTH:
        xlx_log(s->ctx, strcmp(e->what, "stuck") ? XTL_NOTICE : XTL_WARN, "domain %u: balloon %s: %s", e->domid,
                e->what, e->why);
        break;
    case HOST_EVENT_PINNED:
        LOGD(s->ctx, WARN, e->domid,
             "somebody else has set its target to %llu KiB: it is left alone until 'mem-range %u auto'",
             (unsigned long long)e->new_memkb, e->domid);
        break;
    case HOST_EVENT_SHORT:
        if (e->new_memkb)
            LOG(s->ctx, WARN, "the domains' minimums need %llu KiB more than there is",
                (unsigned long long)e->new_memkb);
        break;
    case HOST_EVENT_EMERGENCY:
        LOG(s->ctx, WARN, "host memory runs out: %llu KiB are free", (unsigned long long)e->new_memkb);
        break;
    default:
        break;
    }
    recorder_happened(s->recorder, e);
    control_tell(s, e);
}

/* ---- domains ---- */

static void domain_appeared(void *state, struct service_domain *domain)
{
    struct balance_service *s = state;

    if (!s->host->ops->domain_there)
        return;
    s->host->ops->domain_there(s->host, domain);
    balancer_domain_appeared(s->balancer, domain->domid, !s->all_told);
}

static void domain_renamed(void *state, struct service_domain *domain)
{
    struct balance_service *s = state;

    if (s->host->ops->domain_there)
        balancer_domain_changed(s->balancer, domain->domid);
}

static void domain_written(void *state, struct service_domain *domain, enum service_node node)
{
    struct balance_service *s = state;

    if (s->host->ops->domain_written)
        s->host->ops->domain_written(s->host, domain, node == SERVICE_NODE_TARGET);
}

static void domain_gone(void *state, struct service_domain *domain)
{
    struct balance_service *s = state;

    if (!s->host->ops->domain_gone)
        return;
    balancer_domain_gone(s->balancer, domain->domid);
    s->host->ops->domain_gone(s->host, domain);
}

/* ---- files ---- */

int balance_ranges_read(struct balance_service *s, struct gc *gc, const char **fault)
{
    uint32_t *domids;
    size_t count;
    int rc;

    rc = s->host->ops->ranges_read(s->host, gc, fault);
    domids = balancer_domids(s->balancer, gc, &count);
    for (size_t i = 0; i < count; i++)
        balancer_domain_changed(s->balancer, domids[i]);
    return rc;
}

static void reload(void *state)
{
    struct balance_service *s = state;
    const char *fault;
    GC_SCOPE(gc);

    if (s->host->ops->ranges_read && balance_ranges_read(s, gc, &fault))
        LOG(s->ctx, ERROR, "%s: the ranges that it gave before stand", fault);
}

/* ---- start and stop ---- */

/* memd tells of the domains there are before its loop runs. */
static void all_told(struct ev_timer *t)
{
    struct balance_service *s = CONTAINER_OF(t, struct balance_service, told);

    s->all_told = true;
}

static void stop(void *state)
{
    struct balance_service *s = state;

    ev_timer_stop(&s->told);
    /* Those who ask first, then what they ask. */
    metrics_stop(s->metrics);
    control_stop(s);
    recorder_stop(TAKE_PTR(s->recorder));
    s->host->balancer = NULL;
    balancer_free(TAKE_PTR(s->balancer));
    s->host->ops->close(s->host);
    free(s);
}

int balance_service_new(const struct service_env *env, struct host *host, const struct balancer_config *config,
                        struct balance_service **service)
{
    struct balance_service *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        abort();
    *s = (struct balance_service){.env = env, .ctx = env->ctx, .host = host};
    host->told = happened;
    host->told_arg = s;
    s->recorder = recorder_start(s);
    s->balancer = host->balancer = balancer_new(host, config);
    ev_timer_start(&s->ctx->loop, &s->told, 0, 0, all_told);
    rc = control_start(s);
    if (!rc)
        rc = metrics_start(s, &s->metrics);
    if (rc) {
        stop(s);
        return rc;
    }
    *service = s;
    return 0;
}

static int start(const struct service_env *env, void **state)
{
    struct balancer_config config;
    struct balance_service *s;
    struct host *host;
    int rc;

    balancer_config_defaults(&config);
    rc = host_xen_open(env, &config, &host);
    if (rc)
        return rc;
    rc = read_config(env->ctx, env->config, &config);
    if (rc) {
        host->ops->close(host);
        return rc;
    }
    rc = balance_service_new(env, host, &config, &s);
    if (!rc)
        *state = s;
    return rc;
}

const struct service service_balance = {
    .name = "balance",
    .start = start,
    .stop = stop,
    .reload = reload,
    .domain_appeared = domain_appeared,
    .domain_renamed = domain_renamed,
    .domain_written = domain_written,
    .domain_gone = domain_gone,
};
