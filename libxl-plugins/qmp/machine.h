/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_QMP_MACHINE_H
#define XLX_QMP_MACHINE_H

/*
 * What stands behind a domain's monitor: QEMU would call it the machine. The protocol side (cmd-*.c) knows nothing of
 * Xen; machine-xen.c implements these operations for a domain, the test server (tests/qmp-server) in memory.
 */

#include "agent/protocol.h"
#include "monitor/monitor.h"

/* "Unset": -1 in the documentation, this on the wire. */
#define MACHINE_STAT_UNSET UINT64_MAX

struct machine_stats {
    int64_t last_update; /* seconds since the epoch by the host's clock, 0: never */
    uint64_t values[AGENT_STAT_NR];
};

enum machine_status {
    MACHINE_RUNNING,
    MACHINE_PAUSED,
    MACHINE_PRELAUNCH,
    MACHINE_SHUTDOWN,
    MACHINE_SUSPENDED,
    MACHINE_PANICKED,
};

struct machine;

struct machine_ops {
    /* False: nothing can be ballooned, every balloon command fails with DeviceNotActive. */
    bool (*has_balloon)(struct machine *m);
    /* The size with an empty balloon, bytes. */
    uint64_t (*ram_bytes)(struct machine *m);
    /* The logical size now, bytes. ERROR_*: it could not be found out (logged). */
    int (*actual_bytes)(struct machine *m, uint64_t *bytes);
    /* Asks for a size: a multiple of 4096, 0 < size <= ram_bytes. Only asks, as in QEMU. */
    int (*balloon)(struct machine *m, uint64_t size_bytes);

    enum machine_status (*status)(struct machine *m);
    /* Stops, or lets run; emits STOP or RESUME through machine_ran when that changes anything. call is answered by the
     * caller when this returns, unless it was deferred. On failure call has an error. */
    void (*run)(struct machine *m, bool run, struct monitor_call *call);
    /* NULL: it has no name. */
    const char *(*name)(struct machine *m);
    const char *(*uuid)(struct machine *m);

    void (*stats)(struct machine *m, struct machine_stats *stats);
    uint32_t (*stats_interval)(struct machine *m);
    /* Seconds, 0: off. Called when the value is another than before. */
    void (*set_stats_interval)(struct machine *m, uint32_t seconds);
};

struct machine {
    const struct machine_ops *ops;
    struct monitor *monitor;
};

/* The kinds of a machine's monitor, by the QEMU that they mirror, 7.2 and 10.0; its target is the struct machine. */
extern const struct monitor_kind machine_monitor_kind, machine_monitor_kind_10;
/* The kind for "7.2" or "10.0"; NULL: there is no other. */
const struct monitor_kind *machine_monitor_kind_of(const char *version);

/* ---- what a machine tells its clients ---- */

void machine_balloon_changed(struct machine *m, uint64_t actual_bytes);
void machine_ran(struct machine *m, bool runs);
/* reason: one of QEMU's ShutdownCause. */
void machine_shut_down(struct machine *m, bool by_guest, const char *reason);

/* ---- commands' files ---- */

extern const struct monitor_command cmd_qmp_balloon, cmd_qmp_query_balloon, cmd_qmp_query_status, cmd_qmp_query_name,
    cmd_qmp_query_uuid, cmd_qmp_query_kvm, cmd_qmp_query_memory_size_summary, cmd_qmp_stop, cmd_qmp_cont,
    cmd_qmp_qom_list, cmd_qmp_qom_get, cmd_qmp_qom_set, cmd_qmp_human_monitor_command;

/* balloon's own work, for the human monitor too: order of checks as in QEMU 7.2 (softmmu/balloon.c). */
void machine_balloon(struct monitor_call *call, struct machine *m, int64_t size_bytes);
/* False after an error in call. */
bool machine_query_balloon(struct monitor_call *call, struct machine *m, uint64_t *actual_bytes);
const char *machine_status_name(enum machine_status status);
/* True: a monitor of QEMU 10, not 7.2. */
bool machine_mirrors_10(const struct monitor *monitor);

#endif
