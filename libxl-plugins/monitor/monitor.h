/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MONITOR_MONITOR_H
#define XLX_MONITOR_MONITOR_H

/*
 * A QMP monitor: one unix socket that speaks QMP to any number of clients. Each domain has one, memd's control socket is
 * another.
 *
 * Commands are tables. The monitor reads and checks requests, in the order and with the texts of QEMU 7.2; a command's
 * run only sees arguments of the right types.
 */

#include <sys/types.h>

#include <uv.h>

#include "base/gc.h"
#include "base/json-record.h"

struct monitor;

/* ---- commands ---- */

enum monitor_type {
    MONITOR_INT,     /* JSON_INTEGER */
    MONITOR_STRING,  /* JSON_STRING */
    MONITOR_BOOL,    /* JSON_BOOL */
    MONITOR_NUMBER,  /* JSON_INTEGER, JSON_UNSIGNED or JSON_NUMBER */
    MONITOR_STRINGS, /* JSON_ARRAY of JSON_STRING */
    MONITOR_ANY,     /* whatever it is */
};

struct monitor_arg {
    const char *name;
    enum monitor_type type;
    bool optional;
    const char *type_name;     /* in query-qmp-schema; NULL: that of type */
    const char *const *values; /* MONITOR_STRINGS: all that an item may be, NULL at the end; NULL: anything */
};

/* QMP's error classes. */
#define MONITOR_GENERIC "GenericError"
#define MONITOR_COMMAND_NOT_FOUND "CommandNotFound"
#define MONITOR_DEVICE_NOT_ACTIVE "DeviceNotActive"
#define MONITOR_DEVICE_NOT_FOUND "DeviceNotFound"
#define MONITOR_KVM_MISSING_CAP "KVMMissingCap"

#define MONITOR_ARGS_MAX 8

/*
 * One execution of a command.
 *
 *   run called --> it returns: answered with result ({} when NULL) or error
 *              --> it called monitor_call_defer: the call lives on until monitor_call_done, which answers;
 *                  meanwhile its client's next commands wait
 */
struct monitor_call {
    struct gc *gc; /* lives as long as the call */
    struct monitor *monitor;
    void *target;                              /* the monitor's */
    const struct json *args[MONITOR_ARGS_MAX]; /* in the table's order; NULL: left out */

    /* set by run */
    struct json *result;
    const char *error_class, *error_text;

    /* private */
    struct monitor_client *client; /* NULL: it has gone while the call was deferred */
    const struct json *id;
    bool deferred;
    void (*gone)(struct monitor_call *call, void *arg);
    void *gone_arg;
};
void monitor_call_fail(struct monitor_call *call, const char *error_class, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void monitor_call_defer(struct monitor_call *call);
/* Answers and frees the call, also when its client or its monitor has gone; then nothing is sent. From within run it is
 * as if it had not been deferred. */
void monitor_call_done(struct monitor_call *call);
/* Tells what a deferred call should do when its client or monitor is gone before it is done: called at most once; the
 * call must still be ended by monitor_call_done, at once or later. */
void monitor_call_on_gone(struct monitor_call *call, void (*gone)(struct monitor_call *call, void *arg), void *arg);

struct monitor_command {
    const char *name;
    const struct monitor_arg *args;
    size_t arg_count;
    /* In query-qmp-schema: the name of a type in the monitor's types, or a builtin one ("str", "any", "int"); NULL: {}.
     */
    const char *returns;
    void (*run)(struct monitor_call *call);
};

struct monitor_enum {
    const char *name;
    const char *const *values; /* NULL at the end */
};
struct monitor_event_type {
    const char *name;
    const char *data; /* an object type; NULL: no data */
    /* 0: every one is sent at once. Else at most one in this time: the first at once, the last one kept until the time
     * is over and never lost (QEMU 7.2, monitor_qapi_event_queue_no_reenter). */
    unsigned throttle_ms;
};

/* The QEMU whose behaviour is mirrored; clients choose what they do by it. */
struct monitor_qemu {
    unsigned major, minor, micro;
};
extern const struct monitor_qemu monitor_qemu_7_2, monitor_qemu_10_0;

/* What a kind of monitor understands; qmp_capabilities, query-commands, query-version and query-qmp-schema come with
 * every monitor and must not be in the table. */
struct monitor_kind {
    const struct monitor_command *const *commands;
    size_t command_count;
    const struct json_record *const *objects; /* that query-qmp-schema tells of; NULL at the end */
    const struct monitor_enum *enums;
    size_t enum_count;
    const struct monitor_event_type *events;
    size_t event_count;
    const struct monitor_qemu *qemu; /* NULL: 7.2 */
};

/* ---- monitors ---- */

struct monitor_options {
    const struct monitor_kind *kind;
    void *target;     /* for run and clients_changed */
    const char *path; /* at most 105 bytes; what is there, left by a process that died, is replaced */
    uid_t owner;      /* of the socket; its mode is 0600 */
    gid_t group;
    bool for_group; /* 0660 */
    /* May be NULL. Called when the number of clients that have finished negotiation changes. */
    void (*clients_changed)(void *target, unsigned count);
};

/* Returns 0 or an ERROR_* with errno set, not logged. */
int monitor_new(uv_loop_t *loop, const struct monitor_options *options, struct monitor **monitor);
/* Nothing that clients have sent, or will send, is carried out any more; answers to what was begun still go out. For a
 * service that ends: whoever answers a deferred call then starts nothing new. */
void monitor_hear_no_more(struct monitor *monitor);
/* Sends what clients will take at once, closes them, removes the socket. NULL is allowed. */
void monitor_free(struct monitor *monitor);

/* Sends an event of the monitor's kind to all clients that have finished negotiation. data: an object, or NULL; it is
 * written out before this returns. */
void monitor_emit(struct monitor *monitor, const char *event, const struct json *data);
/* The QEMU that the monitor's kind mirrors. */
const struct monitor_qemu *monitor_qemu(const struct monitor *monitor);
/* How many clients have finished negotiation. */
unsigned monitor_clients(const struct monitor *monitor);

/* Bounds. A client that reads nothing is no longer read from when this much waits for it, and dropped when events make
 * it more than MONITOR_OUTPUT_MAX, an answer that waits too not counted. */
#define MONITOR_OUTPUT_HIGH (64u << 10)
#define MONITOR_OUTPUT_MAX (256u << 10)
/* Clients of one monitor at a time; a further one waits in the socket's queue until another leaves, or until one that
 * waits for no answer has said nothing for MONITOR_PATIENCE_MS: that one is closed then. */
#define MONITOR_CLIENTS_MAX 128
/* A client that has not negotiated after this time is closed, and so is one that has ended its sending and has not
 * taken its answers. One that has negotiated may be silent as long as there is room. */
#define MONITOR_PATIENCE_MS 60000
/*
 * A step is one request, or MONITOR_STEP_BYTES of a longer one. In a turn of the loop a monitor takes one step, of the
 * client that had its last step first. So a step waits for at most one of each other client of its monitor
 * (MONITOR_CLIENTS_MAX - 1), however much they send; and what else runs on the loop waits in each turn for at most one
 * step of each monitor.
 */
#define MONITOR_STEP_BYTES 4096u

#endif
