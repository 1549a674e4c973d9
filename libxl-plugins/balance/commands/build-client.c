/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/commands/build-client.h"

#include <stdio.h>

#include <libxl_utils.h>

#include "balance/commands/build-undo.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/least.h"
#include "core/domain.h"
#include "core/xl.h"

/* A status above that is of a program that a signal has ended, and of one that we have ended when we were interrupted. */
#define ENDED_BY_SIGNAL 128

struct xl_build build_of(const struct xlx_invocation *in, uint64_t timeout_ms, bool lasts)
{
    return (struct xl_build){
        .ctx = in->ctx,
        .ui = in->ui,
        .argv = in->xl_argv,
        .timeout_ms = timeout_ms ? timeout_ms : in->ui->timeout_ms,
        .lasts = lasts,
    };
}

/* A file has a guest's pages and little else; no guest holds more than its static-max. */
static uint64_t held_beyond_target(uint64_t saved_memkb, const libxl_domain_build_info *info)
{
    uint64_t held = least(saved_memkb, info->max_memkb);

    return info->target_memkb != LIBXL_MEMKB_DEFAULT && held > info->target_memkb ? held - info->target_memkb : 0;
}

int build_need(struct xl_build *build, const char *json)
{
    struct xlx_ctx *ctx = build->ctx;
    libxl_domain_config config;
    libxl_ctx *libxl = NULL;
    int rc;

    /* libxl's own context without our loop: it is asked one question. */
    if (libxl_ctx_alloc(&libxl, LIBXL_VERSION, 0, ctx->logger)) {
        LOG(ctx, ERROR, "libxl cannot be used");
        return ERROR_FAIL;
    }
    libxl_domain_config_init(&config);
    rc = libxl_domain_config_from_json(libxl, &config, json);
    if (!rc)
        rc = libxl_domain_need_memory(libxl, &config, INVALID_DOMID, &build->need_memkb);
    if (rc) {
        LOG(ctx, ERROR, "libxl cannot say how much memory the domain needs");
    } else {
        build->need_memkb += held_beyond_target(build->saved_memkb, &config.b_info);
        snprintf(build->uuid, sizeof(build->uuid), LIBXL_UUID_FMT, LIBXL_UUID_BYTES(config.c_info.uuid));
    }
    libxl_domain_config_dispose(&config);
    libxl_ctx_free(libxl);
    return rc ? ERROR_FAIL : 0;
}

struct holding {
    const struct xl_build *build;
    const char *id;
    bool given_back;
};

/* xl has built the domain and let it run. What xl does then (the console, waiting for the end) may take days; a domain
 * that is to stay paused keeps its reservation until it runs. */
static bool end_when_built(void *arg)
{
    struct holding *h = arg;

    if (!domain_runs(h->build->ctx, h->build->uuid))
        return false;
    reserve_give_back(h->build->ctx, h->id);
    h->given_back = true;
    return true;
}

static int reserve(const struct xl_build *build, struct memd_client **client, struct reserve_got *got)
{
    struct reserve_wish wish = {
        .size_memkb = build->need_memkb,
        .timeout_ms = build->timeout_ms,
        .uuid = build->uuid,
        .domid = -1,
    };
    int rc;

    rc = memd_connect(build->ctx, client);
    if (rc && rc != ERROR_NOTFOUND)
        return rc;
    if (*client) {
        rc = reserve_wait(build->ctx, build->ui, client, &wish, got);
        if (rc && (*client || rc == ERROR_ABORTED))
            return rc;
    }
    if (!*client) {
        *got->id = 0;
        LOG(build->ctx, WARN, "memd does not run: no memory is reserved, the domain is built as plain xl does");
    }
    return 0;
}

int build_with_memory(const struct xl_build *build)
{
    struct memd_client *client = NULL;
    struct reserve_got got = {.memkb = 0};
    struct holding holding = {.build = build, .id = got.id};
    GC_SCOPE(gc);
    const struct build_before *before;
    char **argv = xl_with_path(build->ctx, gc, build->argv, build->extra);
    int rc, status = XLX_EXIT_FAILED;

    if (!argv)
        return XLX_EXIT_FAILED;
    rc = reserve(build, &client, &got);
    if (rc) {
        status = xlx_exit_of(rc);
    } else if (!build->prepare || build->prepare(build->arg)) {
        before = build_before(build->ctx, gc);
        status = run_program_holding(build->ctx, argv, &client, &got, build->lasts ? end_when_built : NULL, &holding);
        if (status > ENDED_BY_SIGNAL)
            build_undo(build->ctx, build->uuid, before);
    }
    if (!rc && *got.id && !holding.given_back)
        reserve_give_back(build->ctx, got.id);
    memd_disconnect(client);
    return status < 0 ? XLX_EXIT_FAILED : status;
}
