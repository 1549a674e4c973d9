/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/info.h"
#include "base/parse.h"
#include "core/ctx.h"
#include "memory/memory.h"

static int run(const struct xlx_invocation *in)
{
    struct xlx_mem_info before;
    uint64_t max_memkb;
    const char *cause;
    uint32_t domid;
    bool raises;
    int rc;

    if (parse_size_kb(in->argv[1], &max_memkb, &cause)) {
        LOG(in->ctx, ERROR, "size '%.64s': %s", in->argv[1], cause);
        return XLX_EXIT_USAGE;
    }
    rc = xlx_domain_find(in->ctx, in->argv[0], &domid);
    raises = !rc && domid && !mem_info_get(in->ctx, domid, &before) && before.has_static_max &&
             max_memkb > before.static_max_memkb;
    if (!rc)
        rc = xlx_mem_max_set(in->ctx, domid, max_memkb);
    if (!rc && raises)
        LOGD(in->ctx, WARN, domid,
             "it may not be able to use more than it was booted with: that takes a kernel that adds memory while it "
             "runs, and puts it online");
    return rc ? XLX_EXIT_FAILED : XLX_EXIT_DONE;
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
    .run = XLX_CODE(run),
};
