/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/show.h"

#include <inttypes.h>

#include "balloon/balloon.h"

const char *mem_show_state(const struct xlx_mem_info *info)
{
    int64_t distance_kb = (int64_t)(info->actual_memkb - info->target_memkb);

    if (info->dying)
        return "dying";
    if (info->shutdown)
        return "shutdown";
    if (!info->has_target)
        return "unknown";
    if (info->offset_calibrated ? distance_kb == info->offset_memkb
                                : distance_kb >= MEM_OFFSET_MIN_KB && distance_kb <= MEM_OFFSET_MAX_KB)
        return "settled";
    return info->paused ? "paused" : "moving";
}

char *mem_show_mib(struct gc *gc, uint64_t memkb)
{
    uint64_t tenths = (memkb * 10 + 512) / 1024;

    if (memkb == UINT64_MAX)
        return gc_strdup(gc, "-");
    return gc_printf(gc, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
}
