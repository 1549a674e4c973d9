/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_LEFTOVERS_H
#define XLX_STUBDOM_LAUNCH_LEFTOVERS_H

/*
 * What a start that has failed may have left behind. libxl destroys what it has made, except a stub domain that failed
 * while it was built (libxl_dm.c says so). Such a stub domain is known by its name alone. Somebody else may be starting
 * a guest of the same name at the same time, and must not lose that guest's stub domain.
 */

#include "core/ctx.h"

/* The domains there are before a start. */
struct leftovers_before {
    xc_domaininfo_t *infos;
    size_t count;
};

/* To be called right before libxl is asked to create. The result is in the pool. Logs. */
int leftovers_note(struct xlx_ctx *ctx, struct gc *gc, struct leftovers_before *before);

/*
 * A domain that the start of the guest with this name and uuid has made and that is still there: the guest, or, when
 * there is no guest, its stub domain. 0: none. When another guest has the name, the stub domain is that guest's: 0, too.
 * Domains that are being destroyed do not count.
 */
uint32_t leftovers_find(struct xlx_ctx *ctx, const struct leftovers_before *before, const char *name,
                        const xen_domain_handle_t uuid);

#endif
