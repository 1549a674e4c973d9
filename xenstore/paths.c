/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xenstore/paths.h"

#include <inttypes.h>
#include <stdio.h>

char *path_in_domain(struct gc *gc, uint32_t domid, const char *rest)
{
    return gc_printf(gc, PATH_DOMAINS "/%" PRIu32 "/%s", domid, rest);
}

const char *path_below_domain(const char *path, uint32_t *domid)
{
    int end = 0;

    return sscanf(path, PATH_DOMAINS "/%5" SCNu32 "/%n", domid, &end) == 1 && end ? path + end : NULL;
}

char *path_device_model(struct gc *gc, uint32_t owner, uint32_t domid, const char *rest)
{
    return gc_printf(gc, PATH_DOMAINS "/%" PRIu32 "/device-model/%" PRIu32 "/%s", owner, domid, rest);
}

const char *path_below_device_model(const char *path, uint32_t *owner, uint32_t *domid)
{
    const char *rest = path_below_domain(path, owner);
    int end = 0;

    return rest && sscanf(rest, "device-model/%5" SCNu32 "/%n", domid, &end) == 1 && end ? rest + end : NULL;
}

char *path_console_front(struct gc *gc, uint32_t domid, unsigned console)
{
    return path_in_domain(gc, domid, console ? gc_printf(gc, "device/console/%u", console) : "console");
}

char *path_console_back(struct gc *gc, uint32_t domid, unsigned console)
{
    return gc_printf(gc, "%s/%u", path_console_backs(gc, domid), console);
}

char *path_console_backs(struct gc *gc, uint32_t domid)
{
    return path_in_domain(gc, 0, gc_printf(gc, "backend/console/%" PRIu32, domid));
}

char *path_libxl(struct gc *gc, uint32_t domid, const char *rest)
{
    return gc_printf(gc, "/libxl/%" PRIu32 "/%s", domid, rest);
}

char *path_libxl_dm_version(struct gc *gc, uint32_t domid)
{
    return path_libxl(gc, domid, "dm-version");
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

char *path_target_owners(struct gc *gc)
{
    return path_own(gc, "own-target");
}

char *path_target_owner(struct gc *gc, uint32_t domid)
{
    return gc_printf(gc, "%s/%" PRIu32, path_target_owners(gc), domid);
}

char *path_all_held(struct gc *gc)
{
    return path_own(gc, "held");
}

char *path_held(struct gc *gc, uint32_t domid)
{
    return gc_printf(gc, "%s/%" PRIu32, path_all_held(gc), domid);
}
