/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mem-stat: the statistics of a guest in the form of libvirt's dommemstat for a QEMU guest: names and order of virsh 9.0
 * (cmdDomMemStat; qemuMonitorJSONGetMemoryStats, which gives the order), so that scripts written for that read it.
 */
#include <inttypes.h>
#include <time.h>

#include "balance/commands/commands.h"
#include "memd-client/client.h"
#include "memd-client/control.h"
#include "balloon/guest-reports.h"
#include "balloon/info.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "core/domain.h"

/* What QEMU's driver tells after "actual"; sizes are KiB. */
static const struct {
    const char *name;
    enum agent_stat stat;
    uint64_t unit;
} lines[] = {
    {"swap_in", AGENT_STAT_SWAP_IN, 1024},         {"swap_out", AGENT_STAT_SWAP_OUT, 1024},
    {"major_fault", AGENT_STAT_MAJOR_FAULTS, 1},   {"minor_fault", AGENT_STAT_MINOR_FAULTS, 1},
    {"unused", AGENT_STAT_FREE_MEMORY, 1024},      {"available", AGENT_STAT_TOTAL_MEMORY, 1024},
    {"usable", AGENT_STAT_AVAILABLE_MEMORY, 1024}, {"last_update", AGENT_STAT_NR, 1},
    {"disk_caches", AGENT_STAT_DISK_CACHES, 1024}, {"hugetlb_pgalloc", AGENT_STAT_HTLB_PGALLOC, 1},
    {"hugetlb_pgfail", AGENT_STAT_HTLB_PGFAIL, 1},
};

struct shown {
    struct xlx_ui *ui;
    struct gc *gc;
    struct json *object; /* with --json */
};

static void show(struct shown *s, const char *name, uint64_t value)
{
    if (s->object)
        json_set_u64(s->gc, s->object, name, value);
    else
        s->ui->ops->print(s->ui, "%s %" PRIu64 "\n", name, value);
}

/* Seconds since the epoch at which memd read the guest's last report; 0: nobody knows. */
static int64_t last_update(struct xlx_ctx *ctx, struct gc *gc, uint32_t domid)
{
    struct json *arguments = json_new_object(gc);
    struct memd_client *client = NULL;
    const struct json *result;
    int64_t at_s = 0;
    uint64_t age_ms;

    if (memd_connect(ctx, &client))
        return 0;
    json_set_integer(gc, arguments, "domain", domid);
    if (!memd_call(client, CONTROL_WHY, arguments, &result) && json_member_u64(result, "report_age_ms", &age_ms))
        at_s = time(NULL) - (int64_t)(age_ms / 1000);
    memd_disconnect(client);
    return at_s;
}

/* What the guest holds, as its target counts it: QEMU's "actual". */
static uint64_t actual_memkb(const struct xlx_mem_info *info)
{
    int64_t actual = (int64_t)info->actual_memkb - info->offset_memkb;

    if (info->has_static_max && actual > (int64_t)info->static_max_memkb)
        return info->static_max_memkb;
    return actual > 0 ? (uint64_t)actual : 0;
}

static void show_all(struct shown *s, struct xlx_ctx *ctx, const struct xlx_mem_info *info)
{
    struct guest_stats stats;
    bool reports = !guest_stats_now(ctx, info->domid, &stats);
    int64_t at_s = reports ? last_update(ctx, s->gc, info->domid) : 0;

    show(s, "actual", actual_memkb(info));
    for (size_t i = 0; reports && i < ARRAY_LEN(lines); i++) {
        if (lines[i].stat == AGENT_STAT_NR) {
            if (at_s)
                show(s, lines[i].name, (uint64_t)at_s);
        } else if (guest_stats_has(&stats, lines[i].stat)) {
            show(s, lines[i].name, stats.values[lines[i].stat] / lines[i].unit);
        }
    }
}

static int run(const struct xlx_invocation *in)
{
    struct shown s = {.ui = in->ui};
    struct xlx_mem_info info;
    uint32_t domid;
    GC_SCOPE(gc);

    if (xlx_domain_find(in->ctx, in->argv[0], &domid) || mem_info_get(in->ctx, domid, &info))
        return XLX_EXIT_FAILED;
    s.gc = gc;
    s.object = in->ui->json ? json_new_object(gc) : NULL;
    show_all(&s, in->ctx, &info);
    if (s.object)
        in->ui->ops->print(in->ui, "%s", json_text(gc, s.object, JSON_PRETTY));
    return XLX_EXIT_DONE;
}

const struct xlx_command cmd_mem_stat = {
    .name = "mem-stat",
    .synopsis = "[--json] DOMAIN",
    .summary = "Show a guest's memory statistics as virsh dommemstat does",
    .details =
        "The names and the order of 'virsh dommemstat' for a QEMU guest, sizes in KiB. A line that is not known is "
        "left out: without an agent in the guest all but 'actual'.",
    .args_min = 1,
    .args_max = 1,
    .domain_arg = 0,
    .run = XLX_CODE(run),
};
