/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "monitor/monitor-private.h"

/* The time in an event is when it happened, not when it goes out. */
static void write_event(struct text *text, const char *event, const struct json *data)
{
    GC_SCOPE(gc);
    struct json *message = json_new_object(gc), *timestamp = json_new_object(gc);
    struct timeval now;

    gettimeofday(&now, NULL);
    json_set_integer(gc, timestamp, "seconds", now.tv_sec);
    json_set_integer(gc, timestamp, "microseconds", now.tv_usec);
    json_set(gc, message, "timestamp", timestamp);
    json_set_string(gc, message, "event", event);
    if (data)
        json_set(gc, message, "data", json_copy(gc, data));
    json_write(text, message, JSON_QMP);
    text_add(text, "\r\n", 2);
}

static size_t index_of(const struct monitor_kind *kind, const char *event)
{
    size_t i = 0;

    while (i < kind->event_count && strcmp(kind->events[i].name, event))
        i++;
    if (i == kind->event_count) {
        fprintf(stderr, "xl-ext: event %s is in no table\n", event);
        abort();
    }
    return i;
}

static void throttle_time_is_over(struct ev_timer *timer)
{
    struct throttle *t = CONTAINER_OF(timer, struct throttle, timer);
    struct monitor *monitor = t->monitor;
    struct text line = t->kept;

    if (!line.len)
        return;
    t->kept = (struct text){0};
    ev_timer_start(monitor->loop, timer, monitor->kind->events[t - monitor->throttles].throttle_ms, 0,
                   throttle_time_is_over);
    monitor_broadcast(monitor, line.bytes, line.len);
    text_free(&line);
}

void monitor_emit(struct monitor *monitor, const char *event, const struct json *data)
{
    size_t i = index_of(monitor->kind, event);
    struct throttle *t = &monitor->throttles[i];
    unsigned throttle_ms = monitor->kind->events[i].throttle_ms;
    struct text line = {0};

    /* As in QEMU the throttle runs with nobody listening, too: it belongs to the event, not to a client. */
    write_event(&line, event, data);
    if (ev_timer_active(&t->timer)) {
        text_free(&t->kept);
        t->kept = line;
        return;
    }
    if (throttle_ms) {
        t->monitor = monitor;
        ev_timer_start(monitor->loop, &t->timer, throttle_ms, 0, throttle_time_is_over);
    }
    monitor_broadcast(monitor, line.bytes, line.len);
    text_free(&line);
}

void monitor_events_stop(struct monitor *monitor)
{
    for (size_t i = 0; i < monitor->kind->event_count; i++) {
        ev_timer_stop(&monitor->throttles[i].timer);
        text_free(&monitor->throttles[i].kept);
    }
}
