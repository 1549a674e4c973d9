/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/domain.h"
#include "core/sampler.h"
#include "core/sized.h"
#include "balloon/info.h"
#include "balloon/offset.h"
#include "base/parse.h"
#include "xenstore/batch.h"
#include "xenstore/connect.h"
#include "xenstore/paths.h"
#include "xenstore/store.h"

/* The nodes that are read of each domain. */
enum {
    NAME,
    TARGET,
    STATIC_MAX,
    VIDEORAM,
    QUESTIONS,
};
static const char *const nodes[QUESTIONS] = {NODE_NAME, NODE_MEMORY_TARGET, NODE_MEMORY_STATIC_MAX,
                                             NODE_MEMORY_VIDEORAM};
#define NUMBER_MAX 32 /* bytes */

struct reading {
    struct xlx_ctx *ctx;
    struct gc *gc;
    const struct store_batch *batch;
    struct store_question *questions;
    size_t count;
};

/* Who is asked for it, for an answer to be found again by its place; returns that. */
static size_t ask_for(struct reading *r, uint32_t domid, const char *node, size_t max)
{
    r->questions[r->count] = (struct store_question){.path = path_in_domain(r->gc, domid, node), .max = max};
    return r->count++;
}

/* A node that is missing or holds nonsense is simply not known; a xenstored that does not answer is an error. */
static int read_all(struct reading *r)
{
    int rc;

    rc = store_batch_read(r->batch, r->gc, r->questions, r->count, STORE_BATCH_TIMEOUT_MS);
    if (rc)
        LOG(r->ctx, ERROR, "xenstored does not answer: %s", rc == ERROR_TIMEDOUT ? "timed out" : strerror(errno));
    return rc;
}

static const char *text_of(const struct store_question *q)
{
    return q->rc ? NULL : q->value;
}

/* False, and 0, when it is not known. */
static bool number_of(const struct store_question *q, uint64_t *value)
{
    const char *text = text_of(q);

    *value = 0;
    return text && parse_digits(text, strlen(text), MEM_LIMIT_MEMKB, value);
}

/* Only a device model's screen takes video memory. */
static bool has_screen(const struct xlx_mem_info *info)
{
    return info->type == LIBXL_DOMAIN_TYPE_HVM;
}

static int read_nodes(struct reading *r, struct xlx_mem_info *infos, size_t count, enum mem_info_want want)
{
    size_t at = 0;
    int rc;

    r->count = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < QUESTIONS; n++) {
            if (n != VIDEORAM || (want == MEM_INFO_ALL && has_screen(&infos[i])))
                ask_for(r, infos[i].domid, nodes[n], n == NAME ? STORE_VALUE_MAX : NUMBER_MAX);
        }
    }
    rc = read_all(r);
    for (size_t i = 0; !rc && i < count; i++) {
        struct xlx_mem_info *info = &infos[i];

        domain_name_of(info->domid, text_of(&r->questions[at + NAME]), info->name);
        info->has_target = number_of(&r->questions[at + TARGET], &info->target_memkb);
        info->has_static_max = number_of(&r->questions[at + STATIC_MAX], &info->static_max_memkb);
        at += VIDEORAM;
        if (want == MEM_INFO_ALL && has_screen(info))
            number_of(&r->questions[at++], &info->videoram_memkb);
    }
    return rc;
}

/* For the domains of which a note may say more than what they hold. */
static int read_offsets(struct reading *r, struct xlx_mem_info *infos, size_t count, enum mem_info_want want)
{
    struct offset *offsets = gc_array(r->gc, count, sizeof(*offsets));
    size_t *asked = gc_array(r->gc, count, sizeof(*asked)); /* which question, from 1; 0: none */
    int rc = 0;

    r->count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct xlx_mem_info *info = &infos[i];
        bool may_be_noted;

        offsets[i] = offset_guess(info->domid, info->type, info->actual_memkb, info->has_target, info->target_memkb,
                                  &may_be_noted);
        /* Where no settled guest stands, its offset does not matter for its state. */
        if (want == MEM_INFO_STATE &&
            (!info->has_target ||
             !offset_is_possible(&offsets[i], offset_measure_kb(info->actual_memkb, info->target_memkb))))
            may_be_noted = false;
        if (may_be_noted)
            asked[i] = ask_for(r, info->domid, NODE_MEMORY_OFFSET, OFFSET_NOTE_MAX) + 1;
    }
    if (r->count)
        rc = read_all(r);
    for (size_t i = 0; !rc && i < count; i++) {
        if (asked[i] && text_of(&r->questions[asked[i] - 1]))
            offset_take_note(&offsets[i], text_of(&r->questions[asked[i] - 1]));
        infos[i].offset_memkb = offsets[i].kb;
        infos[i].offset_calibrated = offsets[i].calibrated;
    }
    return rc;
}

static int infos_from_store(struct xlx_ctx *ctx, const struct store_batch *batch, struct xlx_mem_info *infos,
                            size_t count, enum mem_info_want want)
{
    GC_SCOPE(gc);
    struct reading r = {.ctx = ctx, .gc = gc, .batch = batch};
    int rc;

    r.questions = gc_array(gc, count * QUESTIONS, sizeof(*r.questions));
    rc = read_nodes(&r, infos, count, want);
    return rc ? rc : read_offsets(&r, infos, count, want);
}

int mem_info_from_store(struct xlx_ctx *ctx, struct xs_handle *xs, struct xlx_mem_info *info)
{
    struct store_batch one_by_one = {.xs = xs};

    return infos_from_store(ctx, &one_by_one, info, 1, MEM_INFO_ALL);
}

void mem_info_from_xen(const xc_domaininfo_t *xen, struct xlx_mem_info *info)
{
    info->domid = xen->domain;
    domain_uuid_text(xen->handle, info->uuid);
    info->type = domain_type_of_xen(xen);
    info->running = xen->flags & (XEN_DOMINF_running | XEN_DOMINF_blocked);
    info->paused = xen->flags & XEN_DOMINF_paused;
    info->shutdown = xen->flags & XEN_DOMINF_shutdown;
    info->dying = xen->flags & XEN_DOMINF_dying;
    info->actual_memkb = xen->tot_pages * MEM_PAGE_KB;
    /* "No limit" is a very large number of pages. */
    info->max_memkb = xen->max_pages > MEM_LIMIT_MEMKB / MEM_PAGE_KB ? UINT64_MAX : xen->max_pages * MEM_PAGE_KB;
    info->outstanding_memkb = xen->outstanding_pages * MEM_PAGE_KB;
}

int mem_info_get(struct xlx_ctx *ctx, uint32_t domid, struct xlx_mem_info *info)
{
    xc_domaininfo_t xen;
    struct xs_handle *xs;
    xc_interface *xc;
    int rc, r;

    memset(info, 0, sizeof(*info));
    rc = ctx_xc(ctx, &xc);
    if (rc)
        return rc;
    rc = ctx_xs(ctx, &xs);
    if (rc)
        return rc;
    r = xc_domain_getinfolist(xc, domid, 1, &xen);
    if (r < 0) {
        LOGD(ctx, ERROR, domid, "cannot ask the hypervisor about it: %s", strerror(errno));
        return error_of_errno(errno);
    }
    if (!r || xen.domain != domid)
        return ERROR_DOMAIN_NOTFOUND;
    mem_info_from_xen(&xen, info);
    return mem_info_from_store(ctx, xs, info);
}

#define INFO_LEAST SIZED_UP_TO(struct xlx_mem_info, offset_calibrated)

int xlx_mem_info_get(struct xlx_ctx *ctx, uint32_t domid, struct xlx_mem_info *info)
{
    struct xlx_mem_info ours;
    int rc;

    rc = sized_take(ctx, &ours, sizeof(ours), info, INFO_LEAST);
    if (rc)
        return rc;
    rc = mem_info_get(ctx, domid, &ours);
    sized_give(info, &ours, sizeof(ours));
    return rc;
}

/* Without a socket of xenstored, as when it runs in a domain of its own, the kernel's device is asked. */
static int list_from_store(struct xlx_ctx *ctx, struct xlx_mem_info *infos, size_t count, enum mem_info_want want)
{
    struct store_batch batch;
    int rc = 0;

    store_batch_open(&batch, TAKE_FD(ctx->store_fd), count * QUESTIONS);
    if (!batch.fd_count)
        rc = ctx_xs(ctx, &batch.xs);
    if (!rc)
        rc = infos_from_store(ctx, &batch, infos, count, want);
    store_batch_close(&batch);
    return rc;
}

int mem_list(struct xlx_ctx *ctx, enum mem_info_want want, struct xlx_mem_info **infos, size_t *count)
{
    xc_domaininfo_t *xen;
    GC_SCOPE(gc);
    int rc;

    rc = sampler_look(ctx, gc, &xen, count);
    if (rc)
        return rc;
    *infos = calloc(*count ? *count : 1, sizeof(**infos));
    if (!*infos)
        abort();
    for (size_t i = 0; i < *count; i++)
        mem_info_from_xen(&xen[i], &(*infos)[i]);
    rc = list_from_store(ctx, *infos, *count, want);
    if (rc)
        free(TAKE_PTR(*infos));
    return rc;
}

int xlx_mem_list(struct xlx_ctx *ctx, size_t info_size, struct xlx_mem_info **infos, size_t *count)
{
    struct xlx_mem_info *ours = NULL;
    char *info;
    int rc;

    rc = sized_check(ctx, info_size, INFO_LEAST);
    if (!rc)
        rc = mem_list(ctx, MEM_INFO_ALL, &ours, count);
    if (rc)
        return rc;
    info = calloc(*count ? *count : 1, info_size);
    if (!info)
        abort();
    *infos = (struct xlx_mem_info *)info;
    for (size_t i = 0; i < *count; i++, info += info_size) {
        memcpy(info, &info_size, sizeof(info_size));
        sized_give(info, &ours[i], sizeof(ours[i]));
    }
    free(ours);
    return 0;
}
