/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/xen-boot.h"

#include <string.h>

#include <xenctrl.h>

#include "base/parse.h"
#include "core/config.h"
#include "core/xen-version.h"

/* The value of an option on Xen's command line, in the pool, or NULL. */
static const char *xen_option(struct xlx_ctx *ctx, struct gc *gc, const char *name)
{
    xen_commandline_t line = {0};
    const char *at = line, *value = NULL;
    size_t len = strlen(name);
    xc_interface *xc;

    if (ctx_xc(ctx, &xc) || xc_version(xc, XENVER_commandline, &line))
        return NULL;
    line[sizeof(line) - 1] = 0;
    /* The last one counts. */
    while ((at = strstr(at, name))) {
        if ((at == line || at[-1] == ' ') && at[len] == '=')
            value = gc_strndup(gc, at + len + 1, strcspn(at + len + 1, " "));
        at += len;
    }
    return value;
}

uint64_t low_mem_virq_memkb(struct xlx_ctx *ctx)
{
    GC_SCOPE(gc);
    const char *text = xen_option(ctx, gc, "low_mem_virq_limit");
    uint64_t memkb;

    return text && !parse_size_kb(text, &memkb, NULL) && memkb ? memkb : XEN_LOW_MEM_VIRQ_MEMKB;
}

bool dom0_mem_is_given(struct xlx_ctx *ctx)
{
    GC_SCOPE(gc);

    return xen_option(ctx, gc, "dom0_mem");
}

bool autoballoon_is_on(struct xlx_ctx *ctx)
{
    struct config *config = NULL;
    const char *value = "auto";
    GC_SCOPE(gc);
    bool on;

    /* xl.c, parse_global_config and auto_autoballoon. */
    if (config_load(ctx, XEN_XL_CONF, false, &config) || config_text(config, "autoballoon", "auto", &value))
        value = "auto";
    on = !strcmp(value, "on") || !strcmp(value, "1") || (!strcmp(value, "auto") && !xen_option(ctx, gc, "dom0_mem"));
    config_free(config);
    return on;
}
