/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/limit.h"

#include <errno.h>

#include "base/error.h"
#include "balloon/sizes.h"
#include "base/least.h"
#include "core/ctx.h"
#include "core/xen-version.h"

uint64_t limit_of_libxl_memkb(uint64_t target_memkb, uint64_t videoram_memkb)
{
    return target_memkb + videoram_memkb + XEN_LIMIT_EXTRA_MEMKB;
}

uint64_t limit_pod_memkb(uint64_t target_memkb, uint64_t limit_memkb)
{
    return least(target_memkb + XEN_LIMIT_EXTRA_MEMKB, limit_memkb);
}

static int rc_of(int r)
{
    if (!r)
        return 0;
    return error_of_errno(errno) == ERROR_DOMAIN_NOTFOUND ? ERROR_DOMAIN_NOTFOUND : ERROR_FAIL;
}

int limit_set(struct xlx_ctx *ctx, uint32_t domid, uint64_t limit_memkb)
{
    xc_interface *xc;
    int rc;

    rc = ctx_xc(ctx, &xc);
    return rc ? rc : rc_of(xc_domain_setmaxmem(xc, domid, limit_memkb));
}

int limit_set_pod(struct xlx_ctx *ctx, uint32_t domid, libxl_domain_type type, uint64_t pod_memkb)
{
    xc_interface *xc;
    int rc;

    /* libxl_set_memory_target asks for dom0 too; from Xen 4.21 on it does not (commit 489a7c50c0). */
    if (!domid || type == LIBXL_DOMAIN_TYPE_PV)
        return 0;
    rc = ctx_xc(ctx, &xc);
    return rc ? rc : rc_of(xc_domain_set_pod_target(xc, domid, pod_memkb / MEM_PAGE_KB, NULL, NULL, NULL));
}
