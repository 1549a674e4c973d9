/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xenstore/paths.h"

#include <inttypes.h>

char *path_domain(struct gc *gc, uint32_t domid)
{
    return gc_printf(gc, "/local/domain/%" PRIu32, domid);
}

char *path_in_domain(struct gc *gc, uint32_t domid, const char *rest)
{
    return gc_printf(gc, "/local/domain/%" PRIu32 "/%s", domid, rest);
}

char *path_libxl(struct gc *gc, uint32_t domid, const char *rest)
{
    return gc_printf(gc, "/libxl/%" PRIu32 "/%s", domid, rest);
}

char *path_libxl_type(struct gc *gc, uint32_t domid)
{
    return path_libxl(gc, domid, "type");
}

char *path_vm(struct gc *gc, const char *uuid, const char *rest)
{
    return gc_printf(gc, "/vm/%s/%s", uuid, rest);
}

char *path_own(struct gc *gc, const char *rest)
{
    return gc_printf(gc, "/local/domain/0/xl-ext/%s", rest);
}

char *path_target_owner(struct gc *gc, uint32_t domid)
{
    return gc_printf(gc, "/local/domain/0/xl-ext/own-target/%" PRIu32, domid);
}
