/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "balance/service/service.h"
#include "balance/service/metrics.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "core/xen-boot.h"

/* ---- configuration ---- */

static int read_manage(struct balance_service *s, const struct config *config)
{
    const char *manage;
    int rc;

    rc = config_text(config, "manage", "listed", &manage);
    if (rc)
        return rc;
    s->xen.config.manage_all = !strcmp(manage, "all");
    if (s->xen.config.manage_all || !strcmp(manage, "listed"))
        return 0;
    LOG(s->ctx, ERROR, "manage='%.32s': it is \"listed\" (domains with a range) or \"all\"", manage);
    return ERROR_INVAL;
}

static int read_config(struct balance_service *s, const struct config *config, struct balancer_config *b)
{
    struct xen_config *x = &s->xen.config;
    uint64_t interval_ms, headroom, low;
    int rc;

    balancer_config_defaults(b);
    /* The hypervisor must not cry for help because of what is the balancer's everyday state. */
    low = low_mem_virq_memkb(s->ctx);
    if (b->reserve_memkb < 2 * low)
        b->reserve_memkb = 2 * low;
    rc = read_manage(s, config);
    if (!rc)
        rc = config_size_kb(config, "reserve", b->reserve_memkb, &b->reserve_memkb);
    if (!rc)
        rc = config_size_kb(config, "default_min", 0, &x->default_min_memkb);
    if (!rc)
        rc = config_size_kb(config, "dom0_min", 0, &x->dom0_min_memkb);
    if (!rc)
        rc = config_size_kb(config, "dom0_max", 0, &x->dom0_max_memkb);
    if (!rc)
        rc = config_duration_ms(config, "report_interval", 5000, &interval_ms);
    if (!rc)
        rc = config_duration_ms(config, "boot_time", b->boot_ms, &b->boot_ms);
    if (!rc)
        rc = config_u64(config, "headroom", b->headroom_percent, 1000, &headroom);
    if (rc)
        return rc;
    b->headroom_percent = (unsigned)headroom;
    x->report_interval_s = interval_ms < 1000 ? 1 : (uint32_t)(interval_ms / 1000);
    /* LIBXL_MIN_DOM0_MEM */
    if (x->dom0_max_memkb && (x->dom0_min_memkb < 131072 || x->dom0_min_memkb > x->dom0_max_memkb)) {
        LOG(s->ctx, ERROR, "dom0_max without a fitting dom0_min: give a dom0_min of 128 MiB to dom0_max");
        return ERROR_INVAL;
    }
    return 0;
}

/* ---- events ---- */

static void happened(void *arg, const struct host_event *e)
{
    struct balance_service *s = arg;

    switch (e->type) {
    case HOST_EVENT_HEALTH:
        LOGD(s->ctx, NOTICE, e->domid, "balloon %s: %s", e->what, e->why);
        break;
    case HOST_EVENT_PINNED:
        LOGD(s->ctx, NOTICE, e->domid,
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
    control_tell(s, e);
}

/* ---- domains ---- */

static void domain_appeared(void *state, const struct service_domain *domain)
{
    struct balance_service *s = state;

    xen_domain_add(&s->xen, domain);
    balancer_domain_appeared(s->balancer, domain->domid, !s->all_told);
}

static void domain_renamed(void *state, const struct service_domain *domain)
{
    struct balance_service *s = state;

    xen_domain_add(&s->xen, domain);
    balancer_domain_changed(s->balancer, domain->domid);
}

static void domain_gone(void *state, uint32_t domid)
{
    struct balance_service *s = state;

    balancer_domain_gone(s->balancer, domid);
    xen_domain_remove(&s->xen, domid);
    xen_target_forget(&s->xen, domid);
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
    struct balancer *balancer = TAKE_PTR(s->balancer);

    ev_timer_stop(&s->told);
    metrics_stop(s->metrics);
    control_stop(s);
    s->xen.balancer = NULL;
    balancer_free(balancer);
    host_xen_dispose(&s->xen);
    free(s);
}

static int start_parts(struct balance_service *s)
{
    struct balancer_config config;
    int rc;

    rc = read_config(s, s->env->config, &config);
    if (!rc)
        rc = host_xen_init(&s->xen, s->ctx);
    if (rc)
        return rc;
    s->xen.event = happened;
    s->xen.event_arg = s;
    s->balancer = s->xen.balancer = balancer_new(&s->xen.host, &config);
    ev_timer_start(&s->ctx->loop, &s->told, 0, 0, all_told);
    rc = control_start(s);
    if (!rc)
        rc = metrics_start(s, &s->metrics);
    return rc;
}

static int start(const struct service_env *env, void **state)
{
    struct balance_service *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        abort();
    s->env = env;
    s->ctx = env->ctx;
    rc = start_parts(s);
    if (rc) {
        stop(s);
        return rc;
    }
    s->autoballoon = autoballoon_is_on(s->ctx);
    if (s->autoballoon)
        LOG(s->ctx, WARN,
            "xl's autoballoon is on: starts take memory from dom0 behind memd's back; put dom0_mem= on Xen's command "
            "line or autoballoon=\"off\" into xl.conf");
    *state = s;
    return 0;
}

extern const struct service service_balance;
const struct service service_balance = {
    .name = "balance",
    .start = start,
    .stop = stop,
    .domain_appeared = domain_appeared,
    .domain_renamed = domain_renamed,
    .domain_gone = domain_gone,
};
