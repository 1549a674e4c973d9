/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/commands/build-undo.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libxl_utils.h>

#include "base/cleanup.h"
#include "base/ends-in.h"
#include "base/error.h"
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

/* A domid is used again, a handle is not. */
static const xc_domaininfo_t *find_same(const struct build_before *in, const xc_domaininfo_t *info)
{
    const xc_domaininfo_t *found = sampler_find(in->infos, in->count, info->domain);

    return found && !memcmp(found->handle, info->handle, sizeof(found->handle)) ? found : NULL;
}

static bool is_new(const struct build_before *before, const xc_domaininfo_t *info)
{
    return !(info->flags & XEN_DOMINF_dying) && !find_same(before, info);
}

static bool has_uuid(const xc_domaininfo_t *info, const char *uuid)
{
    char own[XLX_UUID_LEN];

    domain_uuid_text(info->handle, own);
    return !strcasecmp(own, uuid);
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

/* ERROR_DOMAIN_NOTFOUND: it has gone since it was looked at, or goes; ERROR_FAIL: nobody knows, logged. */
static int look_again(struct xlx_ctx *ctx, const xc_domaininfo_t *info)
{
    GC_SCOPE(gc);
    const struct build_before *now = build_before(ctx, gc);
    const xc_domaininfo_t *same = now ? find_same(now, info) : NULL;

    if (!now)
        return ERROR_FAIL;
    return same && !(same->flags & XEN_DOMINF_dying) ? 0 : ERROR_DOMAIN_NOTFOUND;
}

/* 0 also when it has gone by itself. */
static int destroy(struct xlx_ctx *ctx, const xc_domaininfo_t *info)
{
    GC_SCOPE(gc);
    char *const argv[] = {(char *)"xl", (char *)"destroy", gc_printf(gc, "%u", info->domain), NULL};
    int rc, status;

    rc = look_again(ctx, info);
    if (rc)
        return rc == ERROR_DOMAIN_NOTFOUND ? 0 : rc;
    rc = xl_run(ctx, argv, &status);
    if ((!rc && !status) || look_again(ctx, info) == ERROR_DOMAIN_NOTFOUND)
        return 0;
    LOGD(ctx, WARN, info->domain, "xl could not destroy it: it is left, with its memory");
    return rc ? rc : ERROR_FAIL;
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

/* With its stub domain, which goes with it where libxl knows of it. */
static int destroy_both(struct xlx_ctx *ctx, struct xs_handle *xs, const xc_domaininfo_t *guest,
                        const struct build_before *before, const struct build_before *now)
{
    const xc_domaininfo_t *stub;
    char name[XLX_NAME_MAX];
    int rc, stub_rc;

    domain_name(ctx, xs, guest->domain, name);
    stub = stub_of(ctx, xs, name, before, now);
    rc = destroy(ctx, guest);
    stub_rc = stub ? destroy(ctx, stub) : 0;
    return rc ? rc : stub_rc;
}

static bool is_unfinished(struct xlx_ctx *ctx, const char *uuid, const struct build_before *before,
                          const xc_domaininfo_t *info)
{
    return has_uuid(info, uuid) && is_new(before, info) && info->flags & XEN_DOMINF_paused &&
           !is_whole(ctx, info->domain);
}

void build_undo(struct xlx_ctx *ctx, const char *uuid, const struct build_before *before)
{
    const struct build_before *now;
    struct xs_handle *xs;
    GC_SCOPE(gc);

    now = before && !ctx_xs(ctx, &xs) ? build_before(ctx, gc) : NULL;
    for (size_t i = 0; now && i < now->count; i++) {
        if (!is_unfinished(ctx, uuid, before, &now->infos[i]))
            continue;
        LOGD(ctx, NOTICE, now->infos[i].domain, "xl has not finished it: it is destroyed");
        destroy_both(ctx, xs, &now->infos[i], before, now);
    }
}

static bool is_left_of(struct xlx_ctx *ctx, struct xs_handle *xs, const char *uuid, const xc_domaininfo_t *info)
{
    char name[XLX_NAME_MAX];

    if (!has_uuid(info, uuid) || !(info->flags & XEN_DOMINF_paused) || info->flags & XEN_DOMINF_dying)
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
        int left;

        if (!is_left_of(ctx, xs, uuid, &now->infos[i]))
            continue;
        LOGD(ctx, NOTICE, now->infos[i].domain, "it has come, but was not let run: it is destroyed");
        left = destroy_both(ctx, xs, &now->infos[i], NULL, now);
        rc = rc ? rc : left;
    }
    return rc;
}
