/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/commands/build-limit.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "balloon/limit.h"
#include "balloon/sizes.h"
#include "base/cleanup.h"
#include "base/error.h"

/* Between the moment at which libxl sets the limit and the one at which the guest's pages have reached it lie all the
 * pages of its target. */
#define LOOK_MS 20

static uint64_t limit_of(const xc_domaininfo_t *info)
{
    return info->max_pages * MEM_PAGE_KB;
}

static void give_back(struct build_limit *l, const xc_domaininfo_t *info)
{
    ev_timer_stop(&l->timer);
    /* Who has set another since knows better. */
    if (l->ours_memkb && limit_of(info) == l->ours_memkb && limit_set(l->ctx, info->domain, l->libxl_memkb))
        LOGD(l->ctx, WARN, info->domain, "its limit stays at %" PRIu64 " KiB: %s", l->ours_memkb, strerror(errno));
    l->ours_memkb = 0;
}

static void look(struct ev_timer *timer)
{
    struct build_limit *l = CONTAINER_OF(timer, struct build_limit, timer);
    xc_domaininfo_t info;

    if (domain_of_uuid(l->ctx, l->uuid, &info) || info.flags & XEN_DOMINF_dying || !info.max_pages)
        return;
    if (!(info.flags & XEN_DOMINF_paused)) {
        give_back(l, &info);
        return;
    }
    if (limit_of(&info) == l->ours_memkb)
        return;
    l->libxl_memkb = limit_of(&info);
    if (!limit_set(l->ctx, info.domain, l->libxl_memkb + l->more_memkb))
        l->ours_memkb = l->libxl_memkb + l->more_memkb;
}

void build_limit_begin(struct build_limit *l, struct xlx_ctx *ctx, const char *uuid, uint64_t more_memkb)
{
    /* The hypervisor counts in pages: what is not a whole one would not be found again. */
    *l = (struct build_limit){
        .ctx = ctx, .uuid = uuid, .more_memkb = (more_memkb + MEM_PAGE_KB - 1) / MEM_PAGE_KB * MEM_PAGE_KB};
    if (more_memkb)
        ev_timer_start(&ctx->loop, &l->timer, LOOK_MS, LOOK_MS, look);
}

void build_limit_end(struct build_limit *l)
{
    xc_domaininfo_t info;

    if (!ev_timer_active(&l->timer))
        return;
    ev_timer_stop(&l->timer);
    if (!domain_of_uuid(l->ctx, l->uuid, &info) && !(info.flags & XEN_DOMINF_dying))
        give_back(l, &info);
}
