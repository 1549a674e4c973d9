/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <xenctrl.h>

#include "balance/host-xen.h"
#include "core/config.h"

#define XL_CONF "/etc/xen/xl.conf"

bool autoballoon_is_on(struct xlx_ctx *ctx)
{
    xen_commandline_t command_line = {0};
    struct config *config = NULL;
    const char *value = "auto";
    xc_interface *xc;
    bool dom0_mem = false, on;

    if (ctx_xc(ctx, &xc))
        return false;
    if (!xc_version(xc, XENVER_commandline, &command_line)) {
        command_line[sizeof(command_line) - 1] = 0;
        dom0_mem = strstr(command_line, "dom0_mem=");
    }
    /* xl.c, parse_global_config and auto_autoballoon. */
    if (config_load(ctx, XL_CONF, false, &config) || config_text(config, "autoballoon", "auto", &value))
        value = "auto";
    on = !strcmp(value, "on") || !strcmp(value, "1") || (!strcmp(value, "auto") && !dom0_mem);
    config_free(config);
    return on;
}
