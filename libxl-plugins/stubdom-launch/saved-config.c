/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/saved-config.h"

#include <stdlib.h>
#include <string.h>
#include <libxl_utils.h>

#include "balloon/target-node.h"
#include "base/error.h"
#include "core/xen-version.h"

static bool follow_rename(libxl_ctx *libxl, uint32_t domid, libxl_domain_config *config)
{
    char *name = libxl_domid_to_name(libxl, domid);

    if (!name || !*name || (config->c_info.name && !strcmp(name, config->c_info.name))) {
        free(name);
        return false;
    }
    free(config->c_info.name);
    config->c_info.name = name;
    return true;
}

/* The target that stands, as libxl makes a size of it (libxl_retrieve_domain_configuration): what it leaves out of the
 * node is the video memory, and 1 MiB of a guest that has less than its maximum. */
static bool follow_target(struct xs_handle *xs, uint32_t domid, libxl_domain_config *config)
{
    libxl_domain_build_info *info = &config->b_info;
    uint64_t memkb;

    if (info->type != LIBXL_DOMAIN_TYPE_HVM || info->max_memkb == LIBXL_MEMKB_DEFAULT ||
        info->video_memkb == LIBXL_MEMKB_DEFAULT || target_node_read(xs, XBT_NULL, domid, &memkb))
        return false;
    memkb += info->video_memkb;
    if (memkb < info->max_memkb)
        memkb += XEN_TARGET_FUDGE_MEMKB;
    if (memkb > info->max_memkb)
        memkb = info->max_memkb;
    if (memkb == info->target_memkb)
        return false;
    info->target_memkb = memkb;
    return true;
}

/* The JSON of what has become of it since it was made. */
static int follow(struct xlx_ctx *ctx, libxl_ctx *libxl, struct gc *gc, uint32_t domid, libxl_domain_config *config,
                  char **json)
{
    bool renamed = follow_rename(libxl, domid, config);
    struct xs_handle *xs;
    char *text;

    if (ctx_xs(ctx, &xs))
        return ERROR_FAIL;
    if (!follow_target(xs, domid, config) && !renamed)
        return 0;
    text = libxl_domain_config_to_json(libxl, config);
    if (!text) {
        LOGD(ctx, ERROR, domid, "its configuration cannot be written as it stands now, for '%s'", config->c_info.name);
        return ERROR_FAIL;
    }
    *json = gc_strdup(gc, text);
    free(text);
    return 0;
}

int saved_config_json(struct xlx_ctx *ctx, struct gc *gc, uint32_t domid, char **json)
{
    uint8_t *data = NULL;
    libxl_ctx *libxl;
    int len = 0, rc;

    rc = ctx_libxl(ctx, &libxl);
    if (rc)
        return rc;
    if (libxl_userdata_retrieve(libxl, domid, "libxl-json", &data, &len) || !data || len <= 0) {
        LOGD(ctx, ERROR, domid, "libxl keeps no configuration of it: it was not made by xl or xl-ext");
        return ERROR_FAIL;
    }
    *json = gc_strndup(gc, (char *)data, (size_t)len);
    free(data);
    return 0;
}

int saved_config_read(struct xlx_ctx *ctx, struct gc *gc, uint32_t domid, libxl_domain_config *config, char **json)
{
    libxl_ctx *libxl;
    int rc;

    rc = ctx_libxl(ctx, &libxl);
    if (!rc)
        rc = saved_config_json(ctx, gc, domid, json);
    if (rc)
        return rc;
    rc = libxl_domain_config_from_json(libxl, config, *json);
    if (rc) {
        LOGD(ctx, ERROR, domid, "its configuration cannot be read: %s", error_text(rc));
        return rc;
    }
    return follow(ctx, libxl, gc, domid, config, json);
}
