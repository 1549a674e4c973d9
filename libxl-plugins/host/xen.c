/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <xenctrl.h>

#include "base/cleanup.h"
#include "core/ctx.h"
#include "core/xen-boot.h"
#include "host/host.h"

static const char *capability_words(struct gc *gc, uint32_t capabilities)
{
    static const struct {
        uint32_t bit;
        const char *word;
    } known[] = {
        {XEN_SYSCTL_PHYSCAP_pv, "pv"},         {XEN_SYSCTL_PHYSCAP_hvm, "pvh"},
        {XEN_SYSCTL_PHYSCAP_hvm, "hvm"},       {XEN_SYSCTL_PHYSCAP_hap, "hap"},
        {XEN_SYSCTL_PHYSCAP_shadow, "shadow"}, {XEN_SYSCTL_PHYSCAP_directio, "directio"},
    };
    const char *text = "";

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (capabilities & known[i].bit)
            text = gc_printf(gc, "%s%s%s", text, *text ? " " : "", known[i].word);
    }
    return text;
}

bool host_xen_answer(struct xlx_ctx *ctx, struct gc *gc, struct host_asked *asked)
{
    xc_physinfo_t info = {0};
    xc_interface *xc;

    if (ctx_xc(ctx, &xc) || xc_physinfo(xc, &info))
        return false;
    asked->capabilities = capability_words(gc, info.capabilities);
    asked->cpus = info.nr_cpus;
    asked->nodes = info.nr_nodes;
    asked->total_memkb = info.total_pages * (XC_PAGE_SIZE / 1024);
    asked->free_memkb = (info.free_pages + info.scrub_pages) * (XC_PAGE_SIZE / 1024);
    asked->autoballoon = autoballoon_is_on(ctx);
    return true;
}
