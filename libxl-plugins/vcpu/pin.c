/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "core/domain.h"
#include "core/xen-version.h"
#include "vcpu/vcpu.h"

struct pinning {
    struct xlx_ctx *ctx;
    struct gc *gc;
    struct vcpu_pin *pin;
    struct cpu_host host;
    xc_interface *xc;
    struct vcpu *vcpus; /* all of the domain, as they were */
    size_t count;
    size_t first, end; /* those to be pinned */
};

static int impossible(struct pinning *p, const char *which, const char *text, const char *why)
{
    LOGD(p->ctx, ERROR, p->pin->domid, "%s affinity '%.128s': %s", which, text, why);
    return ERROR_NI;
}

/* ---- checks ---- */

static int read_list(struct pinning *p, const char *which, const char *text, struct cpu_set *set)
{
    const char *cause;
    int rc;

    rc = cpu_set_parse(p->gc, text, &p->host, set, &cause);
    if (rc) {
        LOG(p->ctx, ERROR, "%s affinity: %s", which, cause);
        return rc;
    }
    return cpu_set_empty(set) ? impossible(p, which, text, "no CPU is left in it") : 0;
}

/* A hard affinity without any CPU of the domain's pool is one that the scheduler cannot fulfil. */
static int check_pool(struct pinning *p)
{
    struct cpu_set pool, *hard = &p->pin->hard_set;
    xc_cpupoolinfo_t *info;
    xc_domaininfo_t domain;
    uint32_t pool_id;

    if (xc_domain_getinfolist(p->xc, p->pin->domid, 1, &domain) != 1 || domain.domain != p->pin->domid) {
        LOGD(p->ctx, ERROR, p->pin->domid, "it is gone");
        return ERROR_DOMAIN_NOTFOUND;
    }
    pool_id = domain.cpupool;
    info = xc_cpupool_getinfo(p->xc, pool_id);
    if (!info) {
        LOGD(p->ctx, ERROR, p->pin->domid, "cannot read its CPU pool %u: %s", pool_id, strerror(errno));
        return ERROR_FAIL;
    }
    pool = cpu_set_new(p->gc, p->host.cpu_count);
    for (unsigned cpu = 0; cpu < p->host.cpu_count; cpu++) {
        if (xc_cpumap_testcpu((int)cpu, info->cpumap))
            cpu_set_add(&pool, cpu);
    }
    xc_cpupool_infofree(p->xc, info);
    for (unsigned cpu = 0; cpu < p->host.cpu_count; cpu++) {
        if (cpu_set_has(hard, cpu) && cpu_set_has(&pool, cpu))
            return 0;
    }
    return impossible(p, "hard", p->pin->hard,
                      gc_printf(p->gc, "none of these CPUs is in the domain's CPU pool %u, which has %s", pool_id,
                                cpu_set_text(p->gc, &pool)));
}

static int check_masks(struct pinning *p)
{
    struct cpu_set masked = cpu_set_copy(p->gc, &p->pin->hard_set);
    struct xs_handle *xs;
    const char *cause;
    int rc;

    if (p->pin->ignore_masks)
        return 0;
    rc = ctx_xs(p->ctx, &xs);
    if (rc)
        return rc;
    rc = vcpu_masks_apply(p->gc, XEN_XL_CONF, &p->host, domain_type(xs, p->pin->domid) == LIBXL_DOMAIN_TYPE_PV, &masked,
                          &cause);
    if (rc) {
        LOG(p->ctx, ERROR, XEN_XL_CONF ": %s", cause);
        return ERROR_FAIL;
    }
    if (cpu_set_empty(&masked))
        return impossible(p, "hard", p->pin->hard,
                          "the masks in " XEN_XL_CONF " (vm.cpumask) leave no CPU of it: use -i to pass over them");
    p->pin->hard_set = masked;
    return 0;
}

static int choose_vcpus(struct pinning *p)
{
    struct vcpu_pin *pin = p->pin;

    p->end = p->count;
    if (pin->vcpu_id != VCPU_ALL) {
        while (p->first < p->count && p->vcpus[p->first].vcpu_id != pin->vcpu_id)
            p->first++;
        p->end = p->first + 1;
    }
    if (p->first < p->count)
        return 0;
    if (!p->count)
        LOGD(p->ctx, ERROR, pin->domid, "it has no vCPUs");
    else
        LOGD(p->ctx, ERROR, pin->domid, "there is no vCPU %u: it has vCPUs 0-%u", pin->vcpu_id,
             p->vcpus[p->count - 1].vcpu_id);
    return ERROR_NI;
}

/* ---- setting and reading back ---- */

static const char *why_refused(int errno_value)
{
    switch (errno_value) {
    case EBUSY:
        return "Xen or the dom0 kernel keeps it on one CPU for the time being: try again later, or use --force";
    case ESRCH:
        return "the domain is gone";
    default:
        return strerror(errno_value);
    }
}

/* NULL: not to be changed. The hypervisor writes into the sets it gets, so it gets copies. */
static int set_affinity(struct pinning *p, uint32_t vcpu_id, const struct cpu_set *hard, const struct cpu_set *soft,
                        bool force)
{
    uint32_t flags =
        (hard ? XEN_VCPUAFFINITY_HARD : 0) | (soft ? XEN_VCPUAFFINITY_SOFT : 0) | (force ? XEN_VCPUAFFINITY_FORCE : 0);

    if (xc_vcpu_setaffinity(p->xc, p->pin->domid, (int)vcpu_id, hard ? cpu_set_copy(p->gc, hard).bits : NULL,
                            soft ? cpu_set_copy(p->gc, soft).bits : NULL, flags))
        return errno == ESRCH ? ERROR_DOMAIN_NOTFOUND : ERROR_FAIL;
    return 0;
}

static bool has_affinity(struct pinning *p, uint32_t vcpu_id, const struct cpu_set *hard, const struct cpu_set *soft)
{
    struct cpu_set hard_now = cpu_set_new(p->gc, p->host.cpu_count), soft_now = cpu_set_copy(p->gc, &hard_now);

    if (xc_vcpu_getaffinity(p->xc, p->pin->domid, (int)vcpu_id, hard_now.bits, soft_now.bits,
                            XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT))
        return false;
    return (!hard || cpu_set_equal(hard, &hard_now)) && (!soft || cpu_set_equal(soft, &soft_now));
}

static int pin_one(struct pinning *p, uint32_t vcpu_id)
{
    struct vcpu_pin *pin = p->pin;
    const struct cpu_set *hard = pin->hard ? &pin->hard_set : NULL, *soft = pin->soft ? &pin->soft_set : NULL;
    int rc;

    rc = set_affinity(p, vcpu_id, hard, soft, pin->force);
    if (rc) {
        LOGD(p->ctx, ERROR, pin->domid, "cannot set the affinity of vCPU %u: %s", vcpu_id, why_refused(errno));
        return rc;
    }
    if (!has_affinity(p, vcpu_id, hard, soft)) {
        LOGD(p->ctx, ERROR, pin->domid, "the affinity of vCPU %u is not what has just been set: somebody else sets it",
             vcpu_id);
        return ERROR_FAIL;
    }
    return 0;
}

/* The vCPUs from p->first up to end (not included) get back what they had. */
static void restore(struct pinning *p, size_t end)
{
    size_t failed = 0;

    for (size_t i = end; i-- > p->first;) {
        const struct vcpu *old = &p->vcpus[i];

        if (has_affinity(p, old->vcpu_id, &old->hard, &old->soft))
            continue;
        if (!set_affinity(p, old->vcpu_id, &old->hard, &old->soft, false) &&
            has_affinity(p, old->vcpu_id, &old->hard, &old->soft))
            continue;
        failed++;
        LOGD(p->ctx, ERROR, p->pin->domid, "vCPU %u could not be given its old affinity (hard %s, soft %s) again",
             old->vcpu_id, cpu_set_text(p->gc, &old->hard), cpu_set_text(p->gc, &old->soft));
    }
    if (!failed)
        LOGD(p->ctx, ERROR, p->pin->domid, "nothing has been changed: every vCPU has the affinity it had");
}

int vcpu_pin(struct xlx_ctx *ctx, struct gc *gc, struct vcpu_pin *pin)
{
    struct pinning p = {.ctx = ctx, .gc = gc, .pin = pin};
    int rc;

    pin->changed = 0;
    rc = ctx_xc(ctx, &p.xc);
    if (!rc)
        rc = vcpu_host_get(ctx, gc, &p.host);
    if (!rc && pin->hard)
        rc = read_list(&p, "hard", pin->hard, &pin->hard_set);
    if (!rc && pin->soft)
        rc = read_list(&p, "soft", pin->soft, &pin->soft_set);
    if (!rc && pin->hard)
        rc = check_masks(&p);
    if (!rc && pin->hard)
        rc = check_pool(&p);
    if (!rc)
        rc = vcpu_list(ctx, gc, &p.host, pin->domid, &p.vcpus, &p.count);
    if (!rc)
        rc = choose_vcpus(&p);
    if (rc || pin->dry_run)
        return rc;
    for (size_t i = p.first; i < p.end; i++) {
        rc = pin_one(&p, p.vcpus[i].vcpu_id);
        if (rc) {
            /* One that could be set but is not as wanted is put back too. */
            if (rc != ERROR_DOMAIN_NOTFOUND)
                restore(&p, i + 1);
            pin->changed = 0;
            return rc;
        }
        pin->changed++;
    }
    return 0;
}
