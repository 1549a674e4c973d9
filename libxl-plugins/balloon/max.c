/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sets the highest target of a domain, as libxl_domain_setmaxmem does, but in a transaction, and read back:
 * libxl answers 1, not an error, when it refuses, and does not look whether static-max was written. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "balloon/info.h"
#include "base/error.h"
#include "balloon/limit.h"
#include "balloon/sizes.h"
#include "core/ctx.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

struct setting {
    struct xlx_ctx *ctx;
    uint32_t domid;
    uint64_t max_memkb;
    const struct xlx_mem_info *before;
    bool noted; /* what the guest was booted with, by this change */
};

/* Once: a second raise is no other boot. */
static int note_boot_max(struct setting *s, struct gc *gc, struct xs_handle *xs, xs_transaction_t t)
{
    const char *path = path_in_domain(gc, s->domid, NODE_MEMORY_BOOT_MAX);
    uint64_t noted_memkb;

    s->noted = s->before->has_static_max && s->max_memkb > s->before->static_max_memkb &&
               store_read_u64(gc, xs, t, path, MEM_LIMIT_MEMKB, &noted_memkb) == ERROR_NOTFOUND;
    return s->noted ? store_printf(gc, xs, t, path, "%" PRIu64, s->before->static_max_memkb) : 0;
}

static int write_static_max(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    struct setting *s = arg;
    uint64_t target_memkb;
    GC_SCOPE(gc);
    int rc;

    rc = store_read_u64(gc, xs, t, path_in_domain(gc, s->domid, NODE_MEMORY_TARGET), MEM_LIMIT_MEMKB, &target_memkb);
    if (rc) {
        LOGD(s->ctx, ERROR, s->domid, "memory/target is missing in xenstore or holds no number: set a target first");
        return ERROR_FAIL;
    }
    if (s->max_memkb < target_memkb) {
        LOGD(s->ctx, ERROR, s->domid,
             "a maximum of %" PRIu64 " KiB is below its target of %" PRIu64 " KiB: lower the target with mem-set first",
             s->max_memkb, target_memkb);
        return ERROR_INVAL;
    }
    rc = store_printf(gc, xs, t, path_in_domain(gc, s->domid, NODE_MEMORY_STATIC_MAX), "%" PRIu64, s->max_memkb);
    if (!rc)
        rc = note_boot_max(s, gc, xs, t);
    if (rc)
        LOGD(s->ctx, ERROR, s->domid, "cannot write static-max to xenstore: %s", strerror(errno));
    return rc;
}

static void not_committed(void *arg, int rc)
{
    struct setting *s = arg;

    LOGD(s->ctx, ERROR, s->domid, "static-max could not be committed to xenstore: %s", strerror(errno));
}

/* After a failure; not when somebody else has set another since. */
static int restore_static_max(struct xs_handle *xs, xs_transaction_t t, void *arg)
{
    struct setting *s = arg;
    GC_SCOPE(gc);
    const char *path = path_in_domain(gc, s->domid, NODE_MEMORY_STATIC_MAX);
    uint64_t max_memkb;

    if (store_read_u64(gc, xs, t, path, MEM_LIMIT_MEMKB, &max_memkb) || max_memkb != s->max_memkb)
        return ERROR_NOTFOUND;
    if (s->noted && store_remove(xs, t, path_in_domain(gc, s->domid, NODE_MEMORY_BOOT_MAX)))
        return ERROR_FAIL;
    return s->before->has_static_max ? store_printf(gc, xs, t, path, "%" PRIu64, s->before->static_max_memkb)
                                     : store_remove(xs, t, path);
}

static int verify(struct setting *s)
{
    struct xlx_mem_info info;
    int rc;

    rc = mem_info_get(s->ctx, s->domid, &info);
    if (rc) {
        if (rc == ERROR_DOMAIN_NOTFOUND)
            LOGD(s->ctx, ERROR, s->domid, "it vanished while its maximum was set");
        return rc;
    }
    if (!info.has_static_max || info.static_max_memkb != s->max_memkb || info.max_memkb < s->max_memkb) {
        LOGD(s->ctx, ERROR, s->domid,
             "another program changed its maximum at the same moment: static-max is %" PRIu64 " KiB, the limit %" PRIu64
             " KiB",
             info.static_max_memkb, info.max_memkb);
        return ERROR_FAIL;
    }
    return 0;
}

int xlx_mem_max_set(struct xlx_ctx *ctx, uint32_t domid, uint64_t max_memkb)
{
    struct xlx_mem_info before;
    struct setting s = {.ctx = ctx, .domid = domid, .max_memkb = max_memkb, .before = &before};
    struct xs_handle *xs;
    uint64_t limit_memkb;
    int rc;

    rc = ctx_xs(ctx, &xs);
    if (!rc) {
        rc = mem_info_get(ctx, domid, &before);
        if (rc == ERROR_DOMAIN_NOTFOUND)
            LOGD(ctx, ERROR, domid, "it is gone");
    }
    if (rc)
        return rc;
    if (max_memkb > MEM_LIMIT_MEMKB) {
        LOGD(ctx, ERROR, domid, "no domain can have %" PRIu64 " KiB", max_memkb);
        return ERROR_INVAL;
    }
    rc = store_transaction(xs, write_static_max, not_committed, &s);
    if (rc)
        return rc;
    /* As libxl_domain_setmaxmem: video memory is part of the maximum. */
    limit_memkb = limit_of_libxl_memkb(max_memkb, 0);
    rc = limit_set(ctx, domid, limit_memkb);
    if (rc)
        LOGD(ctx, ERROR, domid, "the hypervisor refused the limit of %" PRIu64 " KiB: %s", limit_memkb,
             strerror(errno));
    else
        rc = verify(&s);
    if (rc && !store_transaction(xs, restore_static_max, NULL, &s))
        limit_set(ctx, domid, before.max_memkb);
    return rc;
}
