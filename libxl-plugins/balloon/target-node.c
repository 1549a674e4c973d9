/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/target-node.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "balloon/sizes.h"
#include "core/ctx.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

int target_node_read(struct xs_handle *xs, xs_transaction_t t, uint32_t domid, uint64_t *target_memkb)
{
    GC_SCOPE(gc);

    return store_read_u64(gc, xs, t, path_in_domain(gc, domid, NODE_MEMORY_TARGET), MEM_LIMIT_MEMKB, target_memkb);
}

int target_node_write(struct xs_handle *xs, xs_transaction_t t, uint32_t domid, uint64_t target_memkb)
{
    GC_SCOPE(gc);

    return store_printf(gc, xs, t, path_in_domain(gc, domid, NODE_MEMORY_TARGET), "%" PRIu64, target_memkb);
}

/* ---- a page off, and back ---- */

struct move {
    uint32_t domid;
    uint64_t from_memkb, to_memkb;
};

static int move_node(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    const struct move *m = arg;
    uint64_t target_memkb;
    int rc;

    rc = target_node_read(xs, t, m->domid, &target_memkb);
    if (rc)
        return rc;
    return target_memkb == m->from_memkb ? target_node_write(xs, t, m->domid, m->to_memkb) : ERROR_INVAL;
}

int target_node_move(struct xlx_ctx *ctx, uint32_t domid, uint64_t from_memkb, uint64_t to_memkb)
{
    struct move move = {domid, from_memkb, to_memkb};
    struct xs_handle *xs;
    int rc;

    rc = ctx_xs(ctx, &xs);
    return rc ? rc : store_transaction(xs, move_node, NULL, &move);
}

/* ---- nodes that are missing, or hold nonsense ---- */

void target_node_put_in_order(struct xlx_ctx *ctx, uint32_t domid, uint64_t static_max_memkb, uint64_t target_memkb)
{
    struct xs_handle *xs;
    GC_SCOPE(gc);

    if (ctx_xs(ctx, &xs))
        return;
    if (store_printf(gc, xs, XBT_NULL, path_in_domain(gc, domid, NODE_MEMORY_STATIC_MAX), "%" PRIu64,
                     static_max_memkb) ||
        target_node_write(xs, XBT_NULL, domid, target_memkb))
        LOGD(ctx, WARN, domid, "cannot put its memory nodes in order: %s", strerror(errno));
}

int target_node_fill_dom0(struct xs_handle *xs, xs_transaction_t t, uint64_t held_memkb, uint64_t limit_memkb)
{
    GC_SCOPE(gc);
    const char *static_max = path_in_domain(gc, 0, NODE_MEMORY_STATIC_MAX);
    uint64_t ignored;
    int rc = 0;

    if (target_node_read(xs, t, 0, &ignored) == ERROR_NOTFOUND)
        rc = target_node_write(xs, t, 0, held_memkb);
    if (!rc && store_read_u64(gc, xs, t, static_max, MEM_LIMIT_MEMKB, &ignored) == ERROR_NOTFOUND)
        rc = store_printf(gc, xs, t, static_max, "%" PRIu64, limit_memkb == UINT64_MAX ? held_memkb : limit_memkb);
    return rc;
}
