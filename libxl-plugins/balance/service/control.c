/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memd-client/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "balance/service/readers.h"
#include "balance/service/service.h"
#include "base/cleanup.h"
#include "base/error.h"

/* ---- reservations that live with a connection ---- */

static void drop_hold(struct balance_service *s, struct control_hold *h)
{
    struct control_hold **p = &s->holds;

    while (*p != h)
        p = &(*p)->next;
    *p = h->next;
    free(h);
}

static bool somebody_holds(const struct balance_service *s, const char *id)
{
    const struct control_hold *h = s->holds;

    while (h && strcmp(h->id, id) != 0)
        h = h->next;
    return h;
}

static void holder_left(struct monitor_call *call, void *arg)
{
    struct control_hold *h = arg;
    struct balance_service *s = h->service;
    const struct reserve_info *info = s->balancer ? balancer_reservation(s->balancer, h->id) : NULL;
    uint64_t keep_ms = h->keep_ms;
    char id[RESERVE_ID_LEN];

    memcpy(id, h->id, sizeof(id));
    drop_hold(s, h);
    monitor_call_done(call);
    /* One that is for a UUID may have several. */
    if (somebody_holds(s, id))
        return;
    if (info && info->state == RESERVE_READY && keep_ms)
        balancer_lease(s->balancer, id, keep_ms);
    else if (info && info->state != RESERVE_HANDED)
        balancer_release(s->balancer, id);
}

void control_hold(struct balance_service *s, struct monitor_call *call, const char *id, uint64_t keep_ms)
{
    struct control_hold *h = calloc(1, sizeof(*h));

    if (!h)
        abort();
    *h = (struct control_hold){.next = s->holds, .service = s, .call = call, .keep_ms = keep_ms};
    strncpy(h->id, id, sizeof(h->id) - 1);
    s->holds = h;
    balancer_lease(s->balancer, h->id, 0);
    monitor_call_defer(call);
    monitor_call_on_gone(call, holder_left, h);
}

/* An answer lets a client go on with what it sent meanwhile: not within the balancer's own work, which told us, but on
 * the next turn of the loop. */
static void answers_are_due(struct ev_timer *t)
{
    struct balance_service *s = CONTAINER_OF(t, struct balance_service, answers);
    struct control_hold *h = s->holds;

    while (h) {
        struct monitor_call *call = h->call;

        if (!h->over) {
            h = h->next;
            continue;
        }
        drop_hold(s, h);
        monitor_call_done(call);
        /* What was run by it may have changed the list. */
        h = s->holds;
    }
}

/* It is over: whoever held it hears so. */
static void answer_holder(struct balance_service *s, const struct reserve_info *info)
{
    for (struct control_hold *h = s->holds; h; h = h->next) {
        if (h->over || strcmp(h->id, info->id))
            continue;
        h->call->result = control_reservation(h->call->gc, s, info);
        h->over = true;
        if (!ev_timer_active(&s->answers))
            ev_timer_start(&s->ctx->loop, &s->answers, 0, 0, answers_are_due);
    }
}

/* ---- events ---- */

static bool somebody_listens(const struct balance_service *s)
{
    return monitor_clients(s->control) || (s->look && monitor_clients(s->look)) || s->holds;
}

static void emit(struct balance_service *s, const char *name, struct json *data)
{
    monitor_emit(s->control, name, data);
    if (s->look)
        monitor_emit(s->look, name, data);
}

static void tell_reservation(struct balance_service *s, struct gc *gc, const struct host_event *e)
{
    const struct reserve_info *info = balancer_reservation(s->balancer, e->what);

    if (!info)
        return;
    emit(s, CONTROL_EVENT_RESERVATION, control_reservation(gc, s, info));
    if (info->state > RESERVE_HANDED)
        answer_holder(s, info);
}

void control_tell(struct balance_service *s, const struct host_event *e)
{
    static const char *const names[] = {
        [HOST_EVENT_TARGET] = CONTROL_EVENT_TARGET,       [HOST_EVENT_HEALTH] = CONTROL_EVENT_HEALTH,
        [HOST_EVENT_PINNED] = CONTROL_EVENT_PINNED,       [HOST_EVENT_SHORT] = CONTROL_EVENT_SHORT,
        [HOST_EVENT_EMERGENCY] = CONTROL_EVENT_EMERGENCY,
    };
    GC_SCOPE(gc);

    if (!s->control || !somebody_listens(s))
        return;
    if (e->type == HOST_EVENT_RESERVATION)
        tell_reservation(s, gc, e);
    else
        emit(s, names[e->type], control_event(gc, e));
}

/* ---- the socket ---- */

static int start_look(struct balance_service *s)
{
    struct monitor_options options = {.kind = &control_look_kind, .target = s, .owner = getuid(), .for_group = true};
    struct readers readers;
    GC_SCOPE(gc);
    int rc;

    rc = readers_read(s->ctx, s->env->config, &readers);
    if (rc || !readers.there)
        return rc;
    options.path = gc_printf(gc, "%s/" CONTROL_LOOK_SOCKET, s->env->run_folder);
    options.group = readers.group;
    rc = monitor_new(&s->ctx->loop, &options, &s->look);
    if (rc)
        LOG(s->ctx, ERROR, "cannot listen on %s: %s", options.path, strerror(errno));
    return rc;
}

int control_start(struct balance_service *s)
{
    GC_SCOPE(gc);
    struct monitor_options options = {
        .kind = &control_kind,
        .target = s,
        .path = gc_printf(gc, "%s/" CONTROL_SOCKET, s->env->run_folder),
        .owner = getuid(),
        .group = getgid(),
    };
    int rc;

    rc = monitor_new(&s->ctx->loop, &options, &s->control);
    if (rc)
        LOG(s->ctx, ERROR, "cannot listen on %s: %s", options.path, strerror(errno));
    return rc ? rc : start_look(s);
}

void control_stop(struct balance_service *s)
{
    struct monitor *control = s->control;

    if (!control)
        return;
    /* An answer lets a client go on with what it has sent meanwhile: not any more. */
    monitor_hear_no_more(control);
    ev_timer_stop(&s->answers);
    /* Who holds a reservation comes back to the next memd, so nothing is released now. */
    while (s->holds) {
        struct control_hold *h = s->holds;
        struct monitor_call *call = h->call;
        bool over = h->over;

        s->holds = h->next;
        free(h);
        monitor_call_on_gone(call, NULL, NULL);
        if (!over) {
            call->result = NULL;
            monitor_call_fail(call, MONITOR_GENERIC, "memd ends");
        }
        monitor_call_done(call);
    }
    s->control = NULL;
    monitor_free(control);
    monitor_free(TAKE_PTR(s->look));
}
