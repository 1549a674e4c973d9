/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/domain.h"
#include "core/sampler.h"
#include "core/sized.h"
#include "balloon/info.h"
#include "balloon/offset.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

/* A node that is missing or holds nonsense is simply not known; a xenstored that does not answer is an error. */
static int read_node(struct gc *gc, struct xs_handle *xs, uint32_t domid, const char *node, uint64_t *value_kb,
                     bool *known)
{
    int rc;

    rc = store_read_u64(gc, xs, XBT_NULL, path_in_domain(gc, domid, node), MEM_LIMIT_MEMKB, value_kb);
    *known = !rc;
    if (rc)
        *value_kb = 0;
    return rc == ERROR_FAIL ? rc : 0;
}

int mem_info_from_store(struct xlx_ctx *ctx, struct xs_handle *xs, struct xlx_mem_info *info)
{
    uint32_t domid = info->domid;
    struct offset offset;
    bool has_videoram;
    GC_SCOPE(gc);
    int rc;

    domain_name(ctx, xs, domid, info->name);
    rc = read_node(gc, xs, domid, NODE_MEMORY_TARGET, &info->target_memkb, &info->has_target);
    if (!rc)
        rc = read_node(gc, xs, domid, NODE_MEMORY_STATIC_MAX, &info->static_max_memkb, &info->has_static_max);
    /* Only a device model's screen takes video memory; asking for it costs a message for each domain. */
    if (!rc && info->type == LIBXL_DOMAIN_TYPE_HVM)
        rc = read_node(gc, xs, domid, NODE_MEMORY_VIDEORAM, &info->videoram_memkb, &has_videoram);
    if (rc) {
        LOGD(ctx, ERROR, domid, "xenstored does not answer: %s", strerror(errno));
        return rc;
    }
    offset = offset_read(xs, domid, info->type, info->actual_memkb, info->has_target, info->target_memkb);
    info->offset_memkb = offset.kb;
    info->offset_calibrated = offset.calibrated;
    return 0;
}

void mem_info_from_xen(const xc_domaininfo_t *xen, struct xlx_mem_info *info)
{
    info->domid = xen->domain;
    domain_uuid_text(xen->handle, info->uuid);
    info->type = domain_type_of_xen(xen);
    info->running = xen->flags & (XEN_DOMINF_running | XEN_DOMINF_blocked);
    info->paused = xen->flags & XEN_DOMINF_paused;
    info->shutdown = xen->flags & XEN_DOMINF_shutdown;
    info->dying = xen->flags & XEN_DOMINF_dying;
    info->actual_memkb = xen->tot_pages * MEM_PAGE_KB;
    /* "No limit" is a very large number of pages. */
    info->max_memkb = xen->max_pages > MEM_LIMIT_MEMKB / MEM_PAGE_KB ? UINT64_MAX : xen->max_pages * MEM_PAGE_KB;
    info->outstanding_memkb = xen->outstanding_pages * MEM_PAGE_KB;
}

int mem_info_get(struct xlx_ctx *ctx, uint32_t domid, struct xlx_mem_info *info)
{
    xc_domaininfo_t xen;
    struct xs_handle *xs;
    xc_interface *xc;
    int rc, r;

    memset(info, 0, sizeof(*info));
    rc = ctx_xc(ctx, &xc);
    if (rc)
        return rc;
    rc = ctx_xs(ctx, &xs);
    if (rc)
        return rc;
    r = xc_domain_getinfolist(xc, domid, 1, &xen);
    if (r < 0) {
        LOGD(ctx, ERROR, domid, "cannot ask the hypervisor about it: %s", strerror(errno));
        return error_of_errno(errno);
    }
    if (!r || xen.domain != domid)
        return ERROR_DOMAIN_NOTFOUND;
    mem_info_from_xen(&xen, info);
    return mem_info_from_store(ctx, xs, info);
}

#define INFO_LEAST SIZED_UP_TO(struct xlx_mem_info, offset_calibrated)

int xlx_mem_info_get(struct xlx_ctx *ctx, uint32_t domid, struct xlx_mem_info *info)
{
    struct xlx_mem_info ours;
    int rc;

    rc = sized_take(ctx, &ours, sizeof(ours), info, INFO_LEAST);
    if (rc)
        return rc;
    rc = mem_info_get(ctx, domid, &ours);
    sized_give(info, &ours, sizeof(ours));
    return rc;
}

int xlx_mem_list(struct xlx_ctx *ctx, size_t info_size, struct xlx_mem_info **infos, size_t *count)
{
    struct xlx_mem_info ours;
    xc_domaininfo_t *xen;
    struct xs_handle *xs;
    GC_SCOPE(gc);
    char *info;
    int rc;

    rc = sized_check(ctx, info_size, INFO_LEAST);
    if (!rc)
        rc = ctx_xs(ctx, &xs);
    if (rc)
        return rc;
    rc = sampler_look(ctx, gc, &xen, count);
    if (rc)
        return rc;
    info = calloc(*count ? *count : 1, info_size);
    if (!info)
        abort();
    *infos = (struct xlx_mem_info *)info;
    for (size_t i = 0; i < *count; i++, info += info_size) {
        ours = (struct xlx_mem_info){0};
        mem_info_from_xen(&xen[i], &ours);
        rc = mem_info_from_store(ctx, xs, &ours);
        if (rc) {
            free(TAKE_PTR(*infos));
            return rc;
        }
        memcpy(info, &info_size, sizeof(info_size));
        sized_give(info, &ours, sizeof(ours));
    }
    return 0;
}
