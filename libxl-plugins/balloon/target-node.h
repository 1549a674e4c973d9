/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_TARGET_NODE_H
#define XLX_BALLOON_TARGET_NODE_H

/* The node memory/target of a domain: the only code that writes it. Limits and owner are the caller's to think of, which
 * is what balloon/target.h does. */

#include <stdint.h>

#include <xenstore.h>

struct xlx_ctx;

int target_node_read(struct xs_handle *xs, xs_transaction_t t, uint32_t domid, uint64_t *target_memkb);
int target_node_write(struct xs_handle *xs, xs_transaction_t t, uint32_t domid, uint64_t target_memkb);

/* Moves a target that is still from_memkb, and nothing else: how a guest that gave up is woken. Silent; ERROR_INVAL:
 * another target stands. */
int target_node_move(struct xlx_ctx *ctx, uint32_t domid, uint64_t from_memkb, uint64_t to_memkb);

/* Somebody wrote nonsense over a domain's sizes: these stand again. A failure is only logged, as a warning. */
void target_node_put_in_order(struct xlx_ctx *ctx, uint32_t domid, uint64_t static_max_memkb, uint64_t target_memkb);

/* dom0 has no nodes until its target is set for the first time. Writes what is missing, as libxl__fill_dom0_memory_info
 * does: its target is what it holds, its static-max the limit (UINT64_MAX, no limit: what it holds). Silent. */
int target_node_fill_dom0(struct xs_handle *xs, xs_transaction_t t, uint64_t held_memkb, uint64_t limit_memkb);

#endif
