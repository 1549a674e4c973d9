/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MONITOR_MONITOR_PRIVATE_H
#define XLX_MONITOR_MONITOR_PRIVATE_H

/* What the files behind monitor/monitor.h share: server.c (the socket), server-client.c (a client's connection, seen
 * from the server), dispatch.c (a request), events.c (throttle), schema.c. */

#include <sys/queue.h>

#include "base/ev.h"
#include "monitor/monitor.h"
#include "monitor/stream.h"

/*
 * A client, from its connect to its end:
 *
 *   Reading ---a call is deferred (pending), or it leaves more than MONITOR_OUTPUT_HIGH unread---> Held up
 *   Held up ---answered, and read---> Reading: what it sent meanwhile is in the socket
 *   either  ---it ends its input (said_all)---> Answering ---no call pending, all output taken---> Doomed
 *   any     ---an error, or more than MONITOR_OUTPUT_MAX unread---> Doomed ---nobody is at work on it (working)---> freed
 */
struct monitor_client {
    struct monitor *monitor;
    LIST_ENTRY(monitor_client) entry;
    int fd;
    struct ev_fd ev;
    short events; /* what ev waits for */
    struct stream stream;
    struct text out; /* what the socket did not take yet, from sent on */
    size_t sent;
    size_t largest;               /* line since nothing waited */
    uint64_t served;              /* the monitor's count when it had its last turn */
    uint64_t heard_ms;            /* the loop's time then */
    struct ev_timer time;         /* until it has negotiated, and again when it has said all */
    struct monitor_call *pending; /* a deferred call */
    bool negotiated, oob;
    bool said_all; /* it sends no more, but may still want its answers */
    bool working;  /* further up the stack: it must not be freed now */
    bool doomed;   /* freed as soon as it may be */
};

struct throttle {
    struct ev_timer timer; /* active: an event of this type was sent less than its time ago */
    struct text kept;      /* the last one since */
    struct monitor *monitor;
};

struct monitor {
    uv_loop_t *loop;
    const struct monitor_kind *kind;
    void *target;
    char *path;
    int fd;
    struct ev_fd ev;
    struct ev_timer retry; /* accept again when it fires */
    bool deaf;             /* nothing is carried out any more */
    LIST_HEAD(monitor_client_list, monitor_client) clients;
    unsigned client_count, negotiated_count;
    struct ev_turn turn;                /* active: some client has something to say */
    struct monitor_client *next_client; /* among those */
    uint64_t served;                    /* turns that clients had so far */
    void (*clients_changed)(void *target, unsigned count);
    struct throttle *throttles; /* one for each event type of the kind */
};

/* ---- server-client.c ---- */

/* A connection that was just made. Takes the fd. */
void monitor_client_new(struct monitor *monitor, int fd);
void monitor_client_free(struct monitor_client *client);
/* A line as it goes out, with CR LF. The client may be doomed afterwards. */
void monitor_client_send(struct monitor_client *client, const char *line, size_t len);
/* Frees it if it is doomed and nobody works on it. */
void monitor_client_reap(struct monitor_client *client);

/* ---- server.c ---- */

/* The number of clients has changed, or of negotiated ones. */
void monitor_client_left(struct monitor *monitor, bool negotiated);
void monitor_client_negotiated(struct monitor *monitor);
/* A line to all clients that have finished negotiation. */
void monitor_broadcast(struct monitor *monitor, const char *line, size_t len);

/* ---- dispatch.c ---- */

/* Carries out a request. call has gc, monitor, target and client; afterwards it is answered or deferred. */
void dispatch_request(struct monitor_call *call, const struct json *request);
/* The reply's line, with CR LF. */
void dispatch_write_reply(struct text *text, const struct monitor_call *call);
void dispatch_write_greeting(struct text *text, const struct monitor *monitor);

/* ---- events.c ---- */

void monitor_events_stop(struct monitor *monitor);

/* ---- schema.c ---- */

struct json *monitor_schema(struct gc *gc, const struct monitor_kind *kind);

extern const char *const qmp_capability_names[];

/* Commands that every monitor has. */
extern const struct monitor_command *const monitor_common_commands[];
extern const size_t monitor_common_command_count;

#endif
