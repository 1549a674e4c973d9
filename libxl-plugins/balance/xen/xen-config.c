/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "balance/xen/host-xen.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "core/xen-boot.h"
#include "core/xen-version.h"

static int read_manage(struct xlx_ctx *ctx, const struct config *config, struct xen_config *x)
{
    const char *manage;
    int rc;

    rc = config_text(config, "manage", "listed", &manage);
    if (rc)
        return rc;
    x->manage_all = !strcmp(manage, "all");
    if (x->manage_all || !strcmp(manage, "listed"))
        return 0;
    LOG(ctx, ERROR, "manage='%.32s': it is \"listed\" (domains with a range) or \"all\"", manage);
    return ERROR_INVAL;
}

/* Where xl's users keep what they create domains from. */
static const char *const usual_dirs[] = {"/etc/xen", "/etc/xen/auto"};

int xen_config_read(struct xlx_ctx *ctx, struct gc *gc, const struct config *config, struct xen_config *x)
{
    uint64_t interval_ms;
    int rc;

    rc = read_manage(ctx, config, x);
    if (!rc)
        rc = config_size_kb(config, "default_min", 0, &x->default_min_memkb);
    if (!rc)
        rc = config_size_kb(config, "dom0_min", 0, &x->dom0_min_memkb);
    if (!rc)
        rc = config_size_kb(config, "dom0_max", 0, &x->dom0_max_memkb);
    if (!rc)
        rc = config_duration_ms(config, "report_interval", 5000, &interval_ms);
    if (!rc)
        rc = config_text(config, "ranges", RANGES_PATH, &x->ranges);
    if (!rc)
        rc = config_texts(config, gc, "config_dirs", &x->config_dirs, &x->config_dir_count);
    if (rc)
        return rc;
    if (!config_has(config, "config_dirs")) {
        x->config_dirs = usual_dirs;
        x->config_dir_count = ARRAY_LEN(usual_dirs);
    }
    x->report_interval_s = interval_ms < 1000 ? 1 : (uint32_t)(interval_ms / 1000);
    if (x->dom0_max_memkb && (x->dom0_min_memkb < XEN_DOM0_MIN_MEMKB || x->dom0_min_memkb > x->dom0_max_memkb)) {
        LOG(ctx, ERROR, "dom0_max without a fitting dom0_min: give a dom0_min of 128 MiB to dom0_max");
        return ERROR_INVAL;
    }
    return 0;
}

void xen_config_defaults(struct xlx_ctx *ctx, struct balancer_config *balancer)
{
    /* The hypervisor must not cry for help because of what is the balancer's everyday state. */
    uint64_t low = low_mem_virq_memkb(ctx);

    if (balancer->reserve_memkb < 2 * low)
        balancer->reserve_memkb = 2 * low;
}
