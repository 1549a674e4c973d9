/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/gc.h"
#include "core/ao.h"
#include "core/domain.h"
#include "core/sampler.h"
#include "balloon/info.h"
#include "balloon/follow.h"
#include "memory/memory.h"
#include "memory/show.h"

/* Long enough to see a guest move, short enough for a person. Only a domain off its target is looked at twice. */
#define LOOK_AGAIN_MS 250
#define LOOKS 4

static const struct xlx_column columns[] = {
    {"Name", "name", 0},
    {"ID", "domid", 0},
    {"UUID", "uuid", 0},
    {"Type", "type", 0},
    {"Target (KiB)", "target_memkb", 0},
    {"Actual (KiB)", "actual_memkb", 0},
    {"Offset (KiB)", "offset_memkb", 0},
    {"Offset calibrated", "offset_calibrated", 0},
    {"Static-max (KiB)", "static_max_memkb", 0},
    {"Maxmem (KiB)", "max_memkb", 0},
    {"Video memory (KiB)", "videoram_memkb", 0},
    {"Outstanding claim (KiB)", "outstanding_memkb", 0},
    {"PoD entries (KiB)", "pod_entries_memkb", 0},
    {"PoD cache (KiB)", "pod_cache_memkb", 0},
    {"Floor of mem-set (KiB)", "floor_memkb", 0},
    {"State", "state", 0},
    {"Rate (KiB/s)", "rate_kb_per_s", 0},
    {"Time left (ms)", "left_ms", 0},
    {"Host total (KiB)", "host_total_memkb", 0},
    {"Host free (KiB)", "host_free_memkb", 0},
    {"Host claimed (KiB)", "host_claimed_memkb", 0},
};

/* ---- watching it for a moment ---- */

/* A moment is not long enough to call anybody settled, or stuck for good. */
static const struct follow_rules rules = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};

struct look {
    struct ao ao;
    struct sampler_client sampler;
    uint32_t domid;
    struct follow follow;
    unsigned seen;
};

static void look_done(struct look *look, int rc)
{
    sampler_leave(&look->sampler);
    ao_complete(&look->ao, rc);
}

static void look_aborted(struct ao *ao, int rc)
{
    look_done(CONTAINER_OF(ao, struct look, ao), rc);
}

static void look_sampled(struct sampler_client *client, int rc, const xc_domaininfo_t *infos, size_t count,
                         uint64_t now_ms)
{
    struct look *look = CONTAINER_OF(client, struct look, sampler);
    const xc_domaininfo_t *xen = sampler_find(infos, count, look->domid);

    if (rc || !xen) {
        look_done(look, rc);
        return;
    }
    follow_look(&look->follow, xen->tot_pages * MEM_PAGE_KB, now_ms);
    sampler_interval(&look->sampler, LOOK_AGAIN_MS);
    if (++look->seen == LOOKS)
        look_done(look, 0);
}

static int look_for_a_moment(struct xlx_ctx *ctx, const struct xlx_mem_info *info, struct look *look)
{
    int rc;

    *look = (struct look){
        .ao = {.ctx = ctx},
        .domid = info->domid,
    };
    follow_start(&look->follow, &rules, info->target_memkb, offset_of_info(info), 0);
    ao_start(&look->ao, look_aborted);
    rc = sampler_join(ctx, &look->sampler, 0, look_sampled);
    if (rc)
        ao_complete_soon(&look->ao, rc);
    return ao_wait(&look->ao);
}

/* ---- showing it ---- */

static struct xlx_cell known(bool is_known, uint64_t value)
{
    return is_known && value != UINT64_MAX ? XLX_NUMBER(value) : XLX_NONE;
}

static int run(const struct xlx_invocation *in)
{
    uint64_t pod_total = 0, pod_cache = 0, pod_entries = 0;
    struct look look = {0};
    struct xlx_mem_info info;
    xc_physinfo_t host = {0};
    const char *state;
    xc_interface *xc;
    uint32_t domid;
    bool pod, off;
    int rc;

    rc = xlx_domain_find(in->ctx, in->argv[0], &domid);
    if (!rc)
        rc = ctx_xc(in->ctx, &xc);
    if (!rc) {
        rc = mem_info_get(in->ctx, domid, &info);
        if (rc == ERROR_DOMAIN_NOTFOUND)
            LOGD(in->ctx, ERROR, domid, "it is gone");
    }
    if (rc)
        return rc == ERROR_INVAL ? XLX_EXIT_FAILED : xlx_exit_of(rc);
    if (xc_physinfo(xc, &host)) {
        LOG(in->ctx, ERROR, "cannot ask the hypervisor about the host: %s", strerror(errno));
        return XLX_EXIT_FAILED;
    }
    /* Refused for PV domains, which have no populate-on-demand. */
    pod = domid && info.type != LIBXL_DOMAIN_TYPE_PV &&
          !xc_domain_get_pod_target(xc, domid, &pod_total, &pod_cache, &pod_entries);
    state = mem_show_state(&info);
    off = !strcmp(state, "moving");
    if (off) {
        rc = look_for_a_moment(in->ctx, &info, &look);
        if (rc)
            return xlx_exit_of(rc);
        if (!look.follow.rate_kb_per_s)
            state = "stuck";
    }
    in->ui->ops->record(in->ui, columns, ARRAY_LEN(columns),
                        (struct xlx_cell[]){
                            XLX_TEXT(info.name),
                            XLX_NUMBER(domid),
                            XLX_TEXT(info.uuid),
                            XLX_TEXT(domain_type_name(info.type)),
                            known(info.has_target, info.target_memkb),
                            XLX_NUMBER(info.actual_memkb),
                            XLX_NUMBER(info.offset_memkb),
                            XLX_BOOL(info.offset_calibrated),
                            known(info.has_static_max, info.static_max_memkb),
                            known(true, info.max_memkb),
                            XLX_NUMBER(info.videoram_memkb),
                            XLX_NUMBER(info.outstanding_memkb),
                            known(pod, pod_entries * MEM_PAGE_KB),
                            known(pod, pod_cache * MEM_PAGE_KB),
                            known(info.has_static_max && domid, xlx_mem_floor_memkb(info.static_max_memkb)),
                            XLX_TEXT(state),
                            known(off, look.follow.rate_kb_per_s),
                            known(off, look.follow.left_ms),
                            XLX_NUMBER(host.total_pages * MEM_PAGE_KB),
                            XLX_NUMBER(host.free_pages * MEM_PAGE_KB),
                            XLX_NUMBER(host.outstanding_pages * MEM_PAGE_KB),
                        });
    return XLX_EXIT_DONE;
}

const struct xlx_command cmd_mem_info = {
    .name = "mem-info",
    .synopsis = "[--json] DOMAIN",
    .summary = "Show all that is known of a domain's memory",
    .details = "A domain that is off its target is looked at for most of a second, to tell a moving guest from a stuck "
               "one; a guest that rests between two tries looks stuck, so mem-set -w is the better judge.",
    .args_min = 1,
    .args_max = 1,
    .domain_arg = 0,
    .run = XLX_CODE(run),
};
