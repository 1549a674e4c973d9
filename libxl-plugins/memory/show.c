/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/show.h"

#include <inttypes.h>

#include "balloon/offset.h"

const char *mem_show_state(const struct xlx_mem_info *info)
{
    struct offset offset = offset_of_info(info);

    if (info->dying)
        return "dying";
    if (info->shutdown)
        return "shutdown";
    if (!info->has_target)
        return "unknown";
    if (offset_is_settled(&offset, info->actual_memkb, info->target_memkb))
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
