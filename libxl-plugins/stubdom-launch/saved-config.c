/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/saved-config.h"

#include <stdlib.h>
#include <string.h>
#include <libxl_utils.h>

#include "base/error.h"

static int follow_rename(struct xlx_ctx *ctx, libxl_ctx *libxl, struct gc *gc, uint32_t domid,
                         libxl_domain_config *config, char **json)
{
    char *name = libxl_domid_to_name(libxl, domid), *text;

    if (!name || !*name || (config->c_info.name && !strcmp(name, config->c_info.name))) {
        free(name);
        return 0;
    }
    free(config->c_info.name);
    config->c_info.name = name;
    text = libxl_domain_config_to_json(libxl, config);
    if (!text) {
        LOGD(ctx, ERROR, domid, "its configuration cannot be written under its new name '%s'", name);
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
    return follow_rename(ctx, libxl, gc, domid, config, json);
}
