/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_REARM_H
#define XLX_BALLOON_REARM_H

/*
 * Waking a guest that gave up on its target: the target is moved by a page, and a moment later put back. Only a target
 * that is still the one that is followed is moved, and only what a re-arm has moved is put back: somebody else's wish is
 * not undone. The limit stays as it is.
 */

#include "balloon/follow.h"

struct xlx_ctx;

/* Returns whether the target stands a page off now. */
bool rearm_begin(struct xlx_ctx *ctx, uint32_t domid, struct follow *follow);
/* Nothing to do when none is half done. */
void rearm_end(struct xlx_ctx *ctx, uint32_t domid, struct follow *follow);

static inline bool rearm_is_half_done(const struct follow *follow)
{
    return follow->page_off_memkb;
}

#endif
