/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_LEFTOVERS_H
#define XLX_STUBDOM_LAUNCH_LEFTOVERS_H

/*
 * What a start that has failed may have left behind. libxl destroys what it has made, but can leave a stub domain
 * behind that failed while it was built (libxl_dm.c says so), and it bears nothing but its name. Somebody else may be
 * starting a guest of the same name at the same time, and must not lose it.
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
 * A domain that the start of the guest with this name and uuid has made and that is still there: the guest, or without
 * one its stub domain. 0: none, also when another guest bears the name, for then the stub domain is that one's. Domains
 * that are being destroyed do not count.
 */
uint32_t leftovers_find(struct xlx_ctx *ctx, const struct leftovers_before *before, const char *name,
                        const xen_domain_handle_t uuid);

#endif
