/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/leftovers.h"

#include <string.h>

#include "base/cleanup.h"
#include "core/domain.h"
#include "core/sampler.h"

int leftovers_note(struct xlx_ctx *ctx, struct gc *gc, struct leftovers_before *before)
{
    return sampler_look(ctx, gc, &before->infos, &before->count);
}

uint32_t leftovers_find(struct xlx_ctx *ctx, const struct leftovers_before *before, const char *name,
                        const xen_domain_handle_t uuid)
{
    xc_domaininfo_t *infos;
    struct xs_handle *xs;
    uint32_t stub_domid = 0;
    size_t count;
    GC_SCOPE(gc);
    const char *stub_name = gc_printf(gc, "%s-dm", name);

    if (ctx_xs(ctx, &xs) || sampler_look(ctx, gc, &infos, &count))
        return 0;
    for (size_t i = 0; i < count; i++) {
        bool is_new = !sampler_find(before->infos, before->count, infos[i].domain);
        char other[XLX_NAME_MAX];

        if (infos[i].flags & XEN_DOMINF_dying)
            continue;
        domain_name(ctx, xs, infos[i].domain, other);
        if (!strcmp(other, name))
            return is_new && !memcmp(infos[i].handle, uuid, sizeof(infos[i].handle)) ? infos[i].domain : 0;
        if (is_new && !strcmp(other, stub_name))
            stub_domid = infos[i].domain;
    }
    return stub_domid;
}
