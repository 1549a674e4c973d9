/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/offset.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "balloon/sizes.h"
#include "core/ctx.h"
#include "xlx.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

/* Measured on Xen 4.17 with Linux 6.1: pages that the domain builder adds to what the guest is told it has. */
int64_t offset_usual_kb(libxl_domain_type type)
{
    switch (type) {
    case LIBXL_DOMAIN_TYPE_PVH:
        return 64;
    case LIBXL_DOMAIN_TYPE_HVM:
        return 44;
    default:
        return 0;
    }
}

int64_t offset_measure_kb(uint64_t held_memkb, uint64_t target_memkb)
{
    return (int64_t)held_memkb - (int64_t)(target_memkb / MEM_PAGE_KB * MEM_PAGE_KB);
}

bool offset_is_possible(const struct offset *offset, int64_t kb)
{
    return kb >= (offset->hvm ? OFFSET_HVM_MIN_KB : OFFSET_MIN_KB) && kb <= OFFSET_MAX_KB;
}

bool offset_is_settled(const struct offset *offset, uint64_t held_memkb, uint64_t target_memkb)
{
    int64_t kb = offset_measure_kb(held_memkb, target_memkb);

    return offset->calibrated ? kb == offset->kb : offset_is_possible(offset, kb);
}

struct offset offset_guess(uint32_t domid, libxl_domain_type type, uint64_t held_memkb, bool has_target,
                           uint64_t target_memkb, bool *may_be_noted)
{
    struct offset offset = {.kb = offset_usual_kb(type), .hvm = type == LIBXL_DOMAIN_TYPE_HVM};

    /* It has settled right now, where guests of its type do: nothing to ask for. */
    offset.calibrated = has_target && offset_measure_kb(held_memkb, target_memkb) == offset.kb;
    *may_be_noted = domid && !offset.calibrated;
    return offset;
}

struct offset offset_of_info(const struct xlx_mem_info *info)
{
    return (struct offset){info->offset_memkb, info->offset_calibrated, info->type == LIBXL_DOMAIN_TYPE_HVM};
}

void offset_take_note(struct offset *offset, const char *note)
{
    int64_t noted_kb;

    if (!store_i64_of(note, &noted_kb) && offset_is_possible(offset, noted_kb))
        *offset = (struct offset){noted_kb, true, offset->hvm};
}

void offset_note(struct xlx_ctx *ctx, uint32_t domid, int64_t kb)
{
    struct xs_handle *xs;
    GC_SCOPE(gc);

    if (!domid || ctx_xs(ctx, &xs))
        return;
    if (store_printf(gc, xs, XBT_NULL, path_in_domain(gc, domid, NODE_MEMORY_OFFSET), "%" PRId64, kb))
        LOGD(ctx, WARN, domid, "cannot note its calibrated offset in xenstore: %s", strerror(errno));
}
