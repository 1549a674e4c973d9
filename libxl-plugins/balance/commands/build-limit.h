/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_COMMANDS_BUILD_LIMIT_H
#define XLX_BALANCE_COMMANDS_BUILD_LIMIT_H

/*
 * The limit of a domain that is being restored. libxl sets it by the target that the guest had when it was saved. A guest
 * that held more then (it was on its way down, or would not give) has more pages in its file than fit below that limit:
 * libxl gives up with "Failed to populate physmap", and the guest cannot be restored at all.
 */

#include "base/ev.h"
#include "core/ctx.h"
#include "core/domain.h"

struct build_limit {
    struct xlx_ctx *ctx;
    const char *uuid;                 /* the caller's; of the domain */
    uint64_t more_memkb;              /* what it holds beyond its target */
    uint64_t libxl_memkb, ours_memkb; /* limits; 0: not yet */
    struct ev_timer timer;
};

/* Raises the limit by more_memkb as soon as libxl has set it, until the domain runs; then it is libxl's again. Nothing
 * is done when more_memkb is 0. l must stay until build_limit_end. */
void build_limit_begin(struct build_limit *l, struct xlx_ctx *ctx, const char *uuid, uint64_t more_memkb);
/* Whether the domain runs or not. */
void build_limit_end(struct build_limit *l);

#endif
