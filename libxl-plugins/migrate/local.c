/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* xenguest.h needs it and does not say so. */
#include <xenctrl.h>

#include <xenguest.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/domain.h"
#include "core/run-folder.h"
#include "migrate/migrate.h"

static void cleanup_xc_policy(xc_cpu_policy_t **policy)
{
    xc_cpu_policy_destroy(*policy);
}

/* ---- policies ---- */

static int refused(struct xlx_ctx *ctx, const char *what)
{
    LOG(ctx, ERROR, "the hypervisor does not tell %s: %s", what, strerror(errno));
    return error_of_errno(errno);
}

static int serialise(struct xlx_ctx *ctx, struct gc *gc, xc_interface *xc, const xc_cpu_policy_t *from,
                     struct cpu_policy **policy)
{
    struct cpu_policy *p = GC_NEW(gc, struct cpu_policy);
    uint32_t leaves = POLICY_LEAVES_MAX, msrs = POLICY_MSRS_MAX;

    p->leaves = gc_array(gc, leaves, sizeof(*p->leaves));
    p->msrs = gc_array(gc, msrs, sizeof(*p->msrs));
    if (xc_cpu_policy_serialise(xc, from, p->leaves, &leaves, p->msrs, &msrs))
        return refused(ctx, "a CPU policy in full");
    p->leaf_count = leaves;
    p->msr_count = msrs;
    *policy = p;
    return 0;
}

/* *policy is NULL when this Xen has no guests of that type. */
static int system_policy(struct xlx_ctx *ctx, struct gc *gc, unsigned index, struct cpu_policy **policy)
{
    __attribute__((cleanup(cleanup_xc_policy))) xc_cpu_policy_t *from = xc_cpu_policy_init();
    xc_interface *xc;
    int rc;

    *policy = NULL;
    rc = ctx_xc(ctx, &xc);
    if (rc)
        return rc;
    if (!from)
        abort();
    if (xc_cpu_policy_get_system(xc, index, from))
        return errno == EOPNOTSUPP || errno == EINVAL ? 0 : refused(ctx, "this host's CPU policies");
    return serialise(ctx, gc, xc, from, policy);
}

int policy_levelling(struct xlx_ctx *ctx, uint32_t *caps)
{
    xc_interface *xc;
    int rc;

    rc = ctx_xc(ctx, &xc);
    if (rc)
        return rc;
    return xc_get_cpu_levelling_caps(xc, caps) ? refused(ctx, "what it masks for PV guests") : 0;
}

/* ---- the host ---- */

static int common(struct xlx_ctx *ctx, struct gc *gc, struct policy_doc *doc)
{
    char name[256] = "", extra[XEN_EXTRAVERSION_LEN] = "";
    xc_interface *xc;
    int rc, version;

    rc = ctx_xc(ctx, &xc);
    if (rc)
        return rc;
    version = xc_version(xc, XENVER_version, NULL);
    if (version < 0 || xc_version(xc, XENVER_extraversion, extra) < 0)
        return refused(ctx, "its version");
    doc->xen_version = gc_printf(gc, "%d.%d%.15s", version >> 16, version & 0xffff, extra);
    if (gethostname(name, sizeof(name) - 1) || !*name)
        strcpy(name, "(unnamed)");
    doc->hostname = gc_strdup(gc, name);
    doc->taken_at = (uint64_t)time(NULL);
    return 0;
}

/* What memd may take from the guests: down to their floors. Nothing when no memd is there to take it. */
static uint64_t freeable_memkb(struct xlx_ctx *ctx)
{
    CLEANUP_FREE struct xlx_mem_info *infos = NULL;
    uint64_t sum = 0;
    size_t count;

    if (!memd_runs() || xlx_mem_list(ctx, sizeof(*infos), &infos, &count))
        return 0;
    for (size_t i = 0; i < count; i++) {
        const struct xlx_mem_info *info = &infos[i];
        uint64_t floor;

        if (!info->domid || !info->has_static_max || info->dying || info->paused)
            continue;
        floor = xlx_mem_floor_memkb(info->static_max_memkb);
        if (info->actual_memkb > floor)
            sum += info->actual_memkb - floor;
    }
    return sum;
}

static int memory_and_capabilities(struct xlx_ctx *ctx, struct gc *gc, struct policy_doc *doc)
{
    xc_physinfo_t physinfo = {0};
    uint64_t pages;
    xc_interface *xc;
    int rc;

    rc = ctx_xc(ctx, &xc);
    if (rc)
        return rc;
    if (xc_physinfo(xc, &physinfo))
        return refused(ctx, "this host's memory");
    pages = physinfo.free_pages + physinfo.scrub_pages;
    pages = pages > physinfo.outstanding_pages ? pages - physinfo.outstanding_pages : 0;
    doc->memory_known = true;
    doc->free_memkb = pages * (XC_PAGE_SIZE / 1024);
    doc->freeable_memkb = freeable_memkb(ctx);
    doc->capabilities = gc_printf(gc, "%s%s%s", physinfo.capabilities & XEN_SYSCTL_PHYSCAP_pv ? "pv " : "",
                                  physinfo.capabilities & XEN_SYSCTL_PHYSCAP_hvm ? "hvm " : "",
                                  physinfo.capabilities & XEN_SYSCTL_PHYSCAP_hap ? "hap" : "");
    return 0;
}

static int cpu_pools(struct xlx_ctx *ctx, struct gc *gc, struct policy_doc *doc)
{
    libxl_cpupoolinfo *infos;
    libxl_ctx *libxl;
    int rc, count;

    rc = ctx_libxl(ctx, &libxl);
    if (rc)
        return rc;
    infos = libxl_list_cpupool(libxl, &count);
    if (!infos)
        return refused(ctx, "this host's CPU pools");
    doc->pools = gc_array(gc, (size_t)count, sizeof(*doc->pools));
    doc->pool_count = (size_t)count;
    for (int i = 0; i < count; i++) {
        struct policy_pool *pool = &doc->pools[i];

        pool->id = infos[i].poolid;
        pool->name = gc_strdup(gc, infos[i].pool_name ? infos[i].pool_name : "");
        for (size_t byte = 0; byte < infos[i].cpumap.size && byte < sizeof(pool->cpus); byte++)
            pool->cpus[byte] = infos[i].cpumap.map[byte];
    }
    libxl_cpupoolinfo_list_free(infos, count);
    return 0;
}

int policy_of_this_host(struct xlx_ctx *ctx, struct gc *gc, const char *const *paths, size_t path_count,
                        struct policy_doc **doc)
{
    struct policy_doc *d = GC_NEW(gc, struct policy_doc);
    int rc;

    d->is_host = true;
    rc = common(ctx, gc, d);
    if (!rc)
        rc = memory_and_capabilities(ctx, gc, d);
    if (!rc)
        rc = cpu_pools(ctx, gc, d);
    if (!rc)
        rc = system_policy(ctx, gc, XEN_SYSCTL_cpu_policy_pv_max, &d->pv_max);
    if (!rc)
        rc = system_policy(ctx, gc, XEN_SYSCTL_cpu_policy_hvm_max, &d->hvm_max);
    if (rc)
        return rc;
    d->paths = gc_array(gc, path_count, sizeof(*d->paths));
    d->path_count = path_count;
    for (size_t i = 0; i < path_count; i++)
        d->paths[i] = (struct policy_path){.path = paths[i], .present = !access(paths[i], F_OK)};
    *doc = d;
    return 0;
}

/* ---- a domain ---- */

int policy_of_domain(struct xlx_ctx *ctx, struct gc *gc, uint32_t domid, struct policy_doc **doc)
{
    __attribute__((cleanup(cleanup_xc_policy))) xc_cpu_policy_t *from = xc_cpu_policy_init();
    struct policy_doc *d = GC_NEW(gc, struct policy_doc);
    char name[XLX_NAME_MAX];
    libxl_domain_type type;
    struct xs_handle *xs;
    xc_interface *xc;
    int rc;

    if (!from)
        abort();
    rc = ctx_xc(ctx, &xc);
    if (!rc)
        rc = ctx_xs(ctx, &xs);
    if (!rc)
        rc = common(ctx, gc, d);
    if (rc)
        return rc;
    type = domain_type(xs, domid);
    if (type == LIBXL_DOMAIN_TYPE_INVALID) {
        LOGD(ctx, ERROR, domid, "libxl does not know it: it is under construction, or was not started by xl");
        return ERROR_FAIL;
    }
    if (xc_cpu_policy_get_domain(xc, domid, from)) {
        LOGD(ctx, ERROR, domid, "cannot read its CPU policy: %s", strerror(errno));
        return error_of_errno(errno);
    }
    domain_name(ctx, xs, domid, name);
    d->name = gc_strdup(gc, name);
    d->domid = domid;
    d->type = domain_type_name(type);
    *doc = d;
    return serialise(ctx, gc, xc, from, &d->guest);
}
