/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program of somebody else on libxlx: tells what a domain holds, and sets its target when a size in KiB is given.
 * Built outside the source tree, with nothing but the installed xlx.h and xlx.pc.
 *
 *     cc -o program program.c $(pkg-config --cflags --libs xlx)
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <xlx.h>

static int tell(struct xlx_ctx *ctx, uint32_t domid)
{
    struct xlx_mem_info info = {.size = sizeof(info)};
    int rc;

    rc = xlx_mem_info_get(ctx, domid, &info);
    if (!rc)
        printf("%s holds %" PRIu64 " KiB, target %" PRIu64 "\n", info.name, info.actual_memkb, info.target_memkb);
    return rc;
}

static int set(struct xlx_ctx *ctx, uint32_t domid, uint64_t size_memkb)
{
    struct xlx_mem_target target = {
        .size = sizeof(target),
        .domid = domid,
        .relation = XLX_MEM_ABSOLUTE,
        .size_memkb = size_memkb,
    };
    struct xlx_mem_follow follow = {.domid = domid};
    const struct xlx_mem_settle settle = {.size = sizeof(settle), .follows = &follow, .count = 1, .timeout_ms = 60000};
    int rc;

    rc = xlx_mem_target_set(ctx, &target);
    if (rc)
        return rc;
    follow.target_memkb = target.new_target_memkb;
    rc = xlx_mem_settle(ctx, &settle);
    printf("%s after %u re-arms\n", xlx_mem_settle_state_name(follow.state), follow.rearmed);
    return rc;
}

int main(int argc, char **argv)
{
    xentoollog_logger *logger = (xentoollog_logger *)xtl_createlogger_stdiostream(stderr, XTL_PROGRESS, 0);
    struct xlx_ctx *ctx = NULL;
    uint32_t domid;
    int rc;

    if (argc < 2) {
        printf("libxlx %s\n", xlx_version());
        return 0;
    }
    rc = xlx_ctx_new(&ctx, logger);
    if (!rc)
        rc = xlx_ctx_usable(ctx) ? xlx_domain_find(ctx, argv[1], &domid) : ERROR_FAIL;
    if (!rc && argc > 2)
        rc = set(ctx, domid, strtoull(argv[2], NULL, 10));
    if (!rc)
        rc = tell(ctx, domid);
    xlx_ctx_free(ctx);
    xtl_logger_destroy(logger);
    return rc ? 1 : 0;
}
