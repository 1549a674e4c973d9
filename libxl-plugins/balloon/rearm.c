/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/rearm.h"

#include "balloon/target-node.h"

bool rearm_begin(struct xlx_ctx *ctx, uint32_t domid, struct follow *follow)
{
    uint64_t off_memkb = follow_page_off_memkb(follow);

    if (target_node_move(ctx, domid, follow->target_memkb, off_memkb))
        return false;
    follow->page_off_memkb = off_memkb;
    return true;
}

void rearm_end(struct xlx_ctx *ctx, uint32_t domid, struct follow *follow)
{
    if (!rearm_is_half_done(follow))
        return;
    target_node_move(ctx, domid, follow->page_off_memkb, follow->target_memkb);
    follow->page_off_memkb = 0;
}
