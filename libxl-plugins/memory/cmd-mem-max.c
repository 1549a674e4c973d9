/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/gc.h"
#include "base/parse.h"
#include "memory/memory.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

/* libxl_domain_setmaxmem answers 1, not an error, when it refuses, and does not look whether its write to xenstore has
 * taken place: what it did is read back. */
static int verify(struct xlx_ctx *ctx, uint32_t domid, uint64_t max_memkb)
{
    struct xlx_mem_info info;
    int rc;

    rc = xlx_mem_info_get(ctx, domid, &info);
    if (rc) {
        LOGD(ctx, ERROR, domid, "it vanished while its maximum was set");
        return rc;
    }
    if (!info.has_static_max || info.static_max_memkb != max_memkb || info.max_memkb < max_memkb) {
        LOGD(ctx, ERROR, domid,
             "libxl reports success, but static-max is %" PRIu64 " KiB and the limit %" PRIu64 " KiB, not %" PRIu64
             " KiB",
             info.static_max_memkb, info.max_memkb, max_memkb);
        return ERROR_FAIL;
    }
    return 0;
}

static int run(const struct xlx_invocation *in)
{
    struct xlx_mem_info info;
    uint64_t max_memkb;
    const char *cause;
    libxl_ctx *libxl;
    uint32_t domid;
    int rc, r;

    if (parse_size_kb(in->argv[1], &max_memkb, &cause)) {
        LOG(in->ctx, ERROR, "size '%.64s': %s", in->argv[1], cause);
        return XLX_EXIT_USAGE;
    }
    rc = xlx_domain_find(in->ctx, in->argv[0], &domid);
    if (!rc)
        rc = ctx_libxl(in->ctx, &libxl);
    if (rc)
        return XLX_EXIT_FAILED;
    rc = xlx_mem_info_get(in->ctx, domid, &info);
    if (rc)
        return XLX_EXIT_FAILED;
    if (info.has_target && max_memkb < info.target_memkb) {
        LOGD(in->ctx, ERROR, domid,
             "a maximum of %" PRIu64 " KiB is below its target of %" PRIu64 " KiB: lower the target with mem-set first",
             max_memkb, info.target_memkb);
        return XLX_EXIT_FAILED;
    }
    r = libxl_domain_setmaxmem(libxl, domid, max_memkb);
    if (r) {
        if (r > 0)
            LOGD(in->ctx, ERROR, domid, "libxl refused a maximum of %" PRIu64 " KiB", max_memkb);
        else
            LOGD(in->ctx, ERROR, domid, "its maximum could not be set: %s", error_text(r));
        return XLX_EXIT_FAILED;
    }
    return xlx_exit_of(verify(in->ctx, domid, max_memkb));
}

const struct xlx_command cmd_mem_max = {
    .name = "mem-max",
    .synopsis = "DOMAIN SIZE",
    .summary = "Set the highest target that a domain may get",
    .details = "Sets static-max and the hypervisor's limit, as xl does, and reads both back. A guest cannot use more "
               "than it was booted for unless its kernel can take memory by hotplug. A maximum below the present "
               "target is refused.",
    .args_min = 2,
    .args_max = 2,
    .domain_arg = 0,
    .flags = XLX_COMMAND_MODIFIES,
    .run = run,
};
