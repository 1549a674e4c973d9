/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/commands/build-undo.h"

#include <stdlib.h>
#include <string.h>

#include <libxl_utils.h>

#include "base/cleanup.h"
#include "base/ends-in.h"
#include "core/domain.h"
#include "core/sampler.h"
#include "core/xl.h"

struct build_before {
    const xc_domaininfo_t *infos;
    size_t count;
};

const struct build_before *build_before(struct xlx_ctx *ctx, struct gc *gc)
{
    struct build_before *before = gc_alloc(gc, sizeof(*before));
    xc_domaininfo_t *infos;

    if (sampler_look(ctx, gc, &infos, &before->count))
        return NULL;
    before->infos = infos;
    return before;
}

static bool is_new(const struct build_before *before, const xc_domaininfo_t *info)
{
    const xc_domaininfo_t *old = sampler_find(before->infos, before->count, info->domain);

    return !(info->flags & XEN_DOMINF_dying) && (!old || memcmp(old->handle, info->handle, sizeof(old->handle)));
}

/* libxl keeps a domain's configuration as the last thing that it does, libxl_create.c (domcreate_complete). */
static bool is_whole(struct xlx_ctx *ctx, uint32_t domid)
{
    CLEANUP_FREE uint8_t *config = NULL;
    libxl_ctx *libxl = NULL;
    int len = 0, rc;

    if (libxl_ctx_alloc(&libxl, LIBXL_VERSION, 0, ctx->logger))
        return true;
    rc = libxl_userdata_retrieve(libxl, domid, "libxl-json", &config, &len);
    libxl_ctx_free(libxl);
    return rc || config;
}

static void destroy(struct xlx_ctx *ctx, const xc_domaininfo_t *info)
{
    GC_SCOPE(gc);
    char *const argv[] = {(char *)"xl", (char *)"destroy", gc_printf(gc, "%u", info->domain), NULL};
    int status;

    if (xl_run(ctx, argv, &status) || status)
        LOGD(ctx, WARN, info->domain, "it was not finished, and could not be destroyed");
}

/* The stub domain is found by its name: libxl says whose it is only after it has loaded its kernel. before NULL: also one
 * that was there. */
static const xc_domaininfo_t *stub_of(struct xlx_ctx *ctx, struct xs_handle *xs, const char *name,
                                      const struct build_before *before, const struct build_before *now)
{
    for (size_t i = 0; i < now->count; i++) {
        char other[XLX_NAME_MAX];

        if (before && !is_new(before, &now->infos[i]))
            continue;
        domain_name(ctx, xs, now->infos[i].domain, other);
        if (!strncmp(other, name, strlen(name)) && !strcmp(other + strlen(name), NAME_END_STUBDOM))
            return &now->infos[i];
    }
    return NULL;
}

static bool is_there(struct xlx_ctx *ctx, const xc_domaininfo_t *info)
{
    GC_SCOPE(gc);
    xc_domaininfo_t *infos;
    const xc_domaininfo_t *now;
    size_t count;

    if (sampler_look(ctx, gc, &infos, &count))
        return false;
    now = sampler_find(infos, count, info->domain);
    return now && !(now->flags & XEN_DOMINF_dying) && !memcmp(now->handle, info->handle, sizeof(now->handle));
}

/* With its stub domain, which goes with it where libxl knows of it. */
static void destroy_both(struct xlx_ctx *ctx, struct xs_handle *xs, const xc_domaininfo_t *guest,
                         const struct build_before *before)
{
    const struct build_before *now;
    const xc_domaininfo_t *stub;
    char name[XLX_NAME_MAX];
    GC_SCOPE(gc);

    domain_name(ctx, xs, guest->domain, name);
    now = build_before(ctx, gc);
    stub = now ? stub_of(ctx, xs, name, before, now) : NULL;
    destroy(ctx, guest);
    if (stub && is_there(ctx, stub))
        destroy(ctx, stub);
}

void build_undo(struct xlx_ctx *ctx, const char *uuid, const struct build_before *before)
{
    xc_domaininfo_t guest;
    struct xs_handle *xs;

    if (!before || domain_of_uuid(ctx, uuid, &guest) || !is_new(before, &guest) || !(guest.flags & XEN_DOMINF_paused) ||
        is_whole(ctx, guest.domain) || ctx_xs(ctx, &xs))
        return;
    LOGD(ctx, NOTICE, guest.domain, "xl has not finished it: it is destroyed");
    destroy_both(ctx, xs, &guest, before);
}

static bool is_left_of(struct xlx_ctx *ctx, struct xs_handle *xs, const char *uuid, const xc_domaininfo_t *info)
{
    char own[XLX_UUID_LEN], name[XLX_NAME_MAX];

    domain_uuid_text(info->handle, own);
    if (strcasecmp(own, uuid) || !(info->flags & XEN_DOMINF_paused) || info->flags & XEN_DOMINF_dying)
        return false;
    domain_name(ctx, xs, info->domain, name);
    return ends_in(name, NAME_END_INCOMING);
}

int build_forget_incoming(struct xlx_ctx *ctx, const char *uuid)
{
    const struct build_before *now;
    struct xs_handle *xs;
    GC_SCOPE(gc);
    int rc;

    rc = ctx_xs(ctx, &xs);
    now = rc ? NULL : build_before(ctx, gc);
    if (!now)
        return rc ? rc : ERROR_FAIL;
    for (size_t i = 0; i < now->count; i++) {
        if (!is_left_of(ctx, xs, uuid, &now->infos[i]))
            continue;
        LOGD(ctx, NOTICE, now->infos[i].domain, "it has come, but was not let run: it is destroyed");
        destroy_both(ctx, xs, &now->infos[i], NULL);
    }
    return 0;
}
