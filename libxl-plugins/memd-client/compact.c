/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memd-client/compact.h"

#include <inttypes.h>
#include <string.h>

#include "balloon/rearm.h"
#include "balloon/settle.h"
#include "balloon/target.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "memd-client/client.h"
#include "memd-client/control.h"

/* ---- memd ---- */

static struct json *about(struct gc *gc, uint32_t domid)
{
    struct json *arguments = json_new_object(gc);

    json_set_integer(gc, arguments, "domain", domid);
    return arguments;
}

/* What memd knows of the guest's need, and whether it moves the guest's memory by itself: not one that somebody has pinned
 * or holds. */
static int ask_memd(struct compact *c, struct memd_client *client, uint64_t *need_memkb, bool *moves)
{
    const struct json *why;
    bool managed = false, pinned = false;
    const char *state = "";
    GC_SCOPE(gc);
    int rc;

    rc = memd_call(client, CONTROL_WHY, about(gc, c->domid), &why);
    if (rc)
        return rc;
    if (!json_member_u64(why, "demand_memkb", need_memkb))
        *need_memkb = 0;
    json_member_bool(why, "managed", &managed);
    json_member_bool(why, "pinned", &pinned);
    json_member_string(why, "state", &state);
    *moves = managed && !pinned && strcmp(state, "migrating");
    return 0;
}

/* memd must not give back what is taken here. One that runs is told; what it knows of the need is the default. */
static int agree_with_memd(struct compact *c, uint64_t *need_memkb)
{
    struct memd_client *client = NULL;
    bool moves = false;
    GC_SCOPE(gc);
    int rc;

    *need_memkb = 0;
    rc = memd_connect(c->ctx, &client);
    if (rc)
        return rc == ERROR_NOTFOUND ? 0 : rc;
    rc = ask_memd(c, client, need_memkb, &moves);
    if (!rc && moves) {
        rc = memd_call(client, CONTROL_RANGE_HOLD, about(gc, c->domid), NULL);
        c->held = !rc;
    }
    memd_disconnect(client);
    return rc;
}

static void let_memd_go_on(struct compact *c)
{
    struct memd_client *client;
    GC_SCOPE(gc);

    if (!c->held || memd_connect(c->ctx, &client))
        return;
    memd_call(client, CONTROL_RANGE_AUTO, about(gc, c->domid), NULL);
    memd_disconnect(client);
    c->held = false;
}

/* ---- the target ---- */

/* The value of the node that the guest shall go to; an exit status. */
static int choose(struct compact *c, const struct xlx_mem_info *info, uint64_t need_memkb)
{
    uint64_t floor_memkb = xlx_mem_floor_memkb(info->static_max_memkb), to_memkb = need_memkb;

    if (c->to_memkb)
        to_memkb = c->to_memkb > info->videoram_memkb ? c->to_memkb - info->videoram_memkb : 0;
    if (!c->to_memkb && !need_memkb) {
        LOGD(c->ctx, ERROR, c->domid,
             "nobody knows what it needs: memd with the guest's agent would; say how small with --to SIZE");
        return XLX_EXIT_FAILED;
    }
    if (to_memkb < floor_memkb && c->to_memkb) {
        LOGD(c->ctx, ERROR, c->domid, "it cannot live with less than %" PRIu64 " MiB",
             (floor_memkb + info->videoram_memkb + 1023) / 1024);
        return XLX_EXIT_REFUSED;
    }
    c->small_memkb = to_memkb < floor_memkb ? floor_memkb : to_memkb;
    if (c->small_memkb > c->before_memkb)
        c->small_memkb = c->before_memkb;
    return XLX_EXIT_DONE;
}

static int set_target(struct compact *c, uint64_t target_memkb, uint64_t limit_memkb)
{
    struct target_change change = {
        .target = {.domid = c->domid, .size_memkb = target_memkb, .flags = XLX_MEM_EXACT_NODE | XLX_MEM_FORCE},
        .limit = limit_memkb ? TARGET_LIMIT_GIVEN : TARGET_LIMIT_LIBXL,
        .limit_memkb = limit_memkb,
    };

    return target_change(c->ctx, &change);
}

static bool show_progress(void *arg, const struct xlx_mem_follow *follows, size_t count)
{
    const struct compact *c = arg;

    if (c->ui && count && follows->actual_memkb > follows->target_memkb)
        c->ui->ops->progress(c->ui, "the guest gives memory back, %" PRIu64 " MiB to go",
                             (follows->actual_memkb - follows->target_memkb) / 1024);
    return true;
}

/* Waits until the guest is as small as it was asked to be. A guest that does not get there is as good a guest to save. */
static int wait_for_guest(struct compact *c, uint64_t first_memkb)
{
    struct xlx_mem_follow follow = {.domid = c->domid, .target_memkb = c->small_memkb};
    const struct xlx_mem_settle settle = {
        .size = sizeof(settle),
        .follows = &follow,
        .count = 1,
        .timeout_ms = c->ui && c->ui->timeout_ms ? c->ui->timeout_ms : COMPACT_TIMEOUT_MS,
        .flags = XLX_MEM_INTERRUPTIBLE,
        .progress = show_progress,
        .arg = c,
    };
    int rc;

    rc = xlx_mem_settle(c->ctx, &settle);
    c->reached_memkb = follow.actual_memkb;
    if (c->ui)
        c->ui->ops->progress(c->ui, NULL);
    if (rc == ERROR_TIMEDOUT) {
        const char *why = mem_settle_why_not(c->ctx, &follow, first_memkb);

        LOGD(c->ctx, WARN, c->domid, "it holds %" PRIu64 " MiB, not the %" PRIu64 " MiB that it was asked for: %s",
             follow.actual_memkb / 1024, c->small_memkb / 1024, why ? why : "it came there too late");
        rc = 0;
    }
    return rc;
}

/* A page off for a moment, since a driver hears of a change only when it looks at two values. */
#define COMPACT_MOMENT_MS 1000

static void wake(struct ev_timer *timer)
{
    struct compact *c = CONTAINER_OF(timer, struct compact, wake);
    uint64_t next_ms = COMPACT_WAKE_MS;

    if (rearm_is_half_done(&c->follow))
        rearm_end(c->ctx, c->domid, &c->follow);
    else if (rearm_begin(c->ctx, c->domid, &c->follow))
        next_ms = COMPACT_MOMENT_MS;
    ev_timer_start(&c->ctx->loop, &c->wake, next_ms, 0, wake);
}

static void keep_awake(struct compact *c)
{
    c->follow = (struct follow){.target_memkb = c->before_memkb, .held_memkb = c->small_memkb};
    ev_timer_start(&c->ctx->loop, &c->wake, COMPACT_WAKE_MS, 0, wake);
}

/* The target of before, for whoever restores the guest; the limit stays, so the guest does. */
static int hide(struct compact *c)
{
    struct xlx_mem_info info = {.size = sizeof(info)};
    int rc;

    rc = xlx_mem_info_get(c->ctx, c->domid, &info);
    return rc ? rc : set_target(c, c->before_memkb, info.max_memkb);
}

/* ---- all of it ---- */

static int look_at_guest(struct compact *c, struct xlx_mem_info *info)
{
    int rc;

    *info = (struct xlx_mem_info){.size = sizeof(*info)};
    rc = xlx_mem_info_get(c->ctx, c->domid, info);
    if (rc == ERROR_DOMAIN_NOTFOUND)
        LOGD(c->ctx, ERROR, c->domid, "there is no such domain any more");
    if (rc)
        return XLX_EXIT_FAILED;
    if (!info->has_target || !info->has_static_max) {
        LOGD(c->ctx, ERROR, c->domid, "it has no memory target, and cannot be made smaller");
        return XLX_EXIT_FAILED;
    }
    if (info->paused) {
        LOGD(c->ctx, ERROR, c->domid, "it is paused, and cannot give memory back: unpause it, or save it as it is");
        return XLX_EXIT_FAILED;
    }
    c->before_memkb = c->small_memkb = c->reached_memkb = info->target_memkb;
    c->videoram_memkb = info->videoram_memkb;
    return XLX_EXIT_DONE;
}

static int shrink(struct compact *c, uint64_t held_memkb)
{
    int rc;

    rc = set_target(c, c->small_memkb, 0);
    if (rc)
        return rc;
    c->lowered = true;
    rc = wait_for_guest(c, held_memkb);
    if (!rc)
        rc = hide(c);
    if (!rc)
        keep_awake(c);
    return rc;
}

int compact_begin(struct compact *c)
{
    struct xlx_mem_info info;
    uint64_t need_memkb;
    int rc, status;

    c->lowered = c->held = false;
    status = look_at_guest(c, &info);
    if (status)
        return status;
    rc = agree_with_memd(c, &need_memkb);
    if (rc)
        return xlx_exit_of(rc);
    status = choose(c, &info, need_memkb);
    if (!status && c->small_memkb < c->before_memkb)
        status = xlx_exit_of(shrink(c, info.actual_memkb));
    if (status)
        compact_undo(c);
    else if (c->small_memkb == c->before_memkb)
        LOGD(c->ctx, NOTICE, c->domid, "it needs all that it has: nothing is taken from it");
    return status;
}

void compact_over(struct compact *c)
{
    ev_timer_stop(&c->wake);
}

void compact_undo(struct compact *c)
{
    compact_over(c);
    if (c->lowered && set_target(c, c->before_memkb, 0))
        LOGD(c->ctx, ERROR, c->domid,
             "it cannot be given back what was taken from it: 'xl-ext mem-set' it to %" PRIu64 " MiB",
             (c->before_memkb + c->videoram_memkb) / 1024);
    c->lowered = false;
    let_memd_go_on(c);
}
