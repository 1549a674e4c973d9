/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/service/recorder.h"

#include <stdlib.h>
#include <time.h>

#include "balance/service/history.h"
#include "base/cleanup.h"
#include "base/error.h"

struct recorder {
    struct balance_service *service;
    struct history *history;
    struct ev_timer timer;
};

/* ---- looking ---- */

/* What a guest says that it needs may be anything: no more counts than it can have. */
static uint64_t need_memkb(const struct balancer_domain *d)
{
    uint64_t most = d->facts.managed && d->facts.max_memkb ? d->facts.max_memkb : d->facts.static_max_memkb;

    if (most < d->plan.actual_memkb)
        most = d->plan.actual_memkb;
    return d->plan.demand_memkb < most ? d->plan.demand_memkb : most;
}

static struct history_look look_of(const struct balancer_domain *d)
{
    return (struct history_look){
        .domid = d->plan.domid,
        .uuid = d->facts.uuid ? d->facts.uuid : "",
        .name = d->facts.name ? d->facts.name : "",
        .sizes =
            {
                .held_memkb = d->plan.actual_memkb,
                .held_known = true,
                .target_memkb = d->plan.target_memkb,
                .target_known = d->facts.has_target,
                .need_memkb = need_memkb(d),
                .need_known = d->plan.demand_known,
                .available_memkb = d->report.available_memkb,
                .available_known = d->has_report && d->report.has_available,
            },
        .kills = d->report.oom_kills,
        .kills_known = d->has_report,
    };
}

static void add(struct history_sizes *sum, const struct history_sizes *s)
{
    sum->held_memkb += s->held_memkb;
    sum->target_memkb += s->target_known ? s->target_memkb : s->held_memkb;
    sum->need_memkb += s->need_known ? s->need_memkb : 0;
    sum->held_known = sum->target_known = true;
    sum->need_known |= s->need_known;
}

static void look_is_due(struct ev_timer *timer)
{
    struct recorder *r = CONTAINER_OF(timer, struct recorder, timer);
    struct balance_service *s = r->service;
    struct history_sizes sum = {.available_known = true};
    struct history_look *looks;
    struct balancer_host host;
    uint32_t *domids;
    size_t count, seen = 0;
    GC_SCOPE(gc);

    balancer_look(s->balancer);
    domids = balancer_domids(s->balancer, gc, &count);
    looks = gc_array(gc, count + 1, sizeof(*looks));
    for (size_t i = 0; i < count; i++) {
        struct balancer_domain d;
        GC_SCOPE(scratch);

        /* Name and UUID are the host's, and stay. */
        if (balancer_view_domain(s->balancer, scratch, domids[i], &d))
            continue;
        looks[seen] = look_of(&d);
        add(&sum, &looks[seen++].sizes);
    }
    balancer_view_host(s->balancer, &host);
    sum.available_memkb = host.memory.free_memkb;
    history_look(r->history, s->host->ops->now_ms(s->host), &sum, looks, seen);
}

void recorder_happened(struct recorder *r, const struct host_event *e)
{
    struct balance_service *s = r ? r->service : NULL;
    const struct reserve_info *info;
    uint64_t now_ms;

    if (!s || !s->balancer)
        return;
    now_ms = s->host->ops->now_ms(s->host);
    switch (e->type) {
    case HOST_EVENT_PINNED:
        history_happened(r->history, now_ms, HISTORY_PIN, e->domid, true, e->new_memkb);
        break;
    case HOST_EVENT_RESERVATION:
        info = balancer_reservation(s->balancer, e->what);
        /* It has its memory, and then who gets it: what it waits for shows in the targets. */
        if (info && (info->state == RESERVE_READY || info->state == RESERVE_HANDED))
            history_happened(r->history, now_ms, HISTORY_RESERVATION,
                             info->request.domid == RESERVE_NO_DOMAIN ? HISTORY_HOST : info->request.domid, true,
                             info->memkb);
        break;
    default:
        break;
    }
}

/* ---- telling ---- */

struct point {
    uint64_t time;
    struct history_sizes sizes;
};

#define POINT(is_known, member, key) JSON_U64_IF(struct point, is_known, member, key)
static const struct json_field point_fields[] = {
    JSON_U64(struct point, time, "time"),
    POINT(sizes.held_known, sizes.held_memkb, "held_memkb"),
    POINT(sizes.target_known, sizes.target_memkb, "target_memkb"),
    POINT(sizes.need_known, sizes.need_memkb, "need_memkb"),
    POINT(sizes.available_known, sizes.available_memkb, "available_memkb"),
};
const struct json_record recorder_point_record = JSON_RECORD("HistoryPoint", point_fields);

struct marked {
    uint64_t time;
    struct history_mark mark;
    bool has_domain;
};

static const struct json_field mark_fields[] = {
    JSON_U64(struct marked, time, "time"),
    JSON_NAME(struct marked, mark.kind, "kind", "HistoryKind", history_kind_names),
    JSON_U32_IF(struct marked, has_domain, mark.domid, "domid"),
    JSON_TEXT(struct marked, mark.name, "name"),
    JSON_U64_IF(struct marked, mark.size_known, mark.memkb, "memkb"),
};
const struct json_record recorder_mark_record = JSON_RECORD("HistoryMark", mark_fields);

static const struct json_field history_fields[] = {
    {.name = "step_ms", .type = "int"},
    {.name = "points", .type = "[HistoryPoint]"},
    {.name = "marks", .type = "[HistoryMark]"},
};
const struct json_record recorder_record = JSON_RECORD("History", history_fields);

static struct json *points_json(struct gc *gc, const struct history_point *points, size_t count, uint64_t now_s)
{
    struct json *list = json_new_array(gc);

    for (size_t i = 0; i < count; i++) {
        struct point p = {now_s - points[i].age_ms / 1000, points[i].sizes};

        json_append(gc, list, json_new_record(gc, &recorder_point_record, &p));
    }
    return list;
}

static struct json *marks_json(struct gc *gc, const struct history_mark *marks, size_t count, uint64_t now_s)
{
    struct json *list = json_new_array(gc);

    for (size_t i = 0; i < count; i++) {
        struct marked m = {now_s - marks[i].age_ms / 1000, marks[i], marks[i].domid != HISTORY_HOST};

        json_append(gc, list, json_new_record(gc, &recorder_mark_record, &m));
    }
    return list;
}

struct json *recorder_json(struct gc *gc, const struct recorder *r, uint32_t domid, uint64_t last_ms)
{
    uint64_t now_ms = r->service->host->ops->now_ms(r->service->host), now_s = (uint64_t)time(NULL);
    struct history_point *points;
    struct history_mark *marks;
    size_t point_count, mark_count;
    struct json *v;

    points = history_points(r->history, gc, domid, now_ms, last_ms, &point_count);
    if (!points)
        return NULL;
    marks = history_marks(r->history, gc, domid, now_ms, last_ms, &mark_count);
    v = json_new_object(gc);
    json_set(gc, v, "step_ms", json_new_u64(gc, history_step_ms(r->history)));
    json_set(gc, v, "points", points_json(gc, points, point_count, now_s));
    json_set(gc, v, "marks", marks_json(gc, marks, mark_count, now_s));
    return v;
}

/* ---- start and stop ---- */

struct recorder *recorder_start(struct balance_service *s)
{
    struct recorder *r = calloc(1, sizeof(*r));

    if (!r)
        abort();
    r->service = s;
    r->history = history_new(HISTORY_BYTES);
    ev_timer_start(&s->ctx->loop, &r->timer, 0, HISTORY_STEP_MS, look_is_due);
    return r;
}

void recorder_stop(struct recorder *r)
{
    if (!r)
        return;
    ev_timer_stop(&r->timer);
    history_free(r->history);
    free(r);
}
