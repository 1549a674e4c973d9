/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the machine is, and whether it runs: query-status, -name, -uuid, -kvm, -memory-size-summary, stop, cont. */
#include "base/cleanup.h"
#include "qmp/machine.h"

const char *machine_status_name(enum machine_status status)
{
    static const char *const names[] = {
        [MACHINE_RUNNING] = "running",   [MACHINE_PAUSED] = "paused",       [MACHINE_PRELAUNCH] = "prelaunch",
        [MACHINE_SHUTDOWN] = "shutdown", [MACHINE_SUSPENDED] = "suspended", [MACHINE_PANICKED] = "guest-panicked",
    };

    return names[status];
}

static void run_status(struct monitor_call *call)
{
    struct machine *m = call->target;
    enum machine_status status = m->ops->status(m);

    call->result = json_new_object(call->gc);
    json_set_string(call->gc, call->result, "status", machine_status_name(status));
    if (!machine_mirrors_10(call->monitor))
        json_set_bool(call->gc, call->result, "singlestep", false);
    json_set_bool(call->gc, call->result, "running", status == MACHINE_RUNNING);
}

static void run_name(struct monitor_call *call)
{
    struct machine *m = call->target;
    const char *name = m->ops->name(m);

    call->result = json_new_object(call->gc);
    if (name)
        json_set_string(call->gc, call->result, "name", name);
}

static void run_uuid(struct monitor_call *call)
{
    struct machine *m = call->target;

    call->result = json_new_object(call->gc);
    json_set_string(call->gc, call->result, "UUID", m->ops->uuid(m));
}

/* No KVM here, nor in the program that answers. */
static void run_kvm(struct monitor_call *call)
{
    call->result = json_new_object(call->gc);
    json_set_bool(call->gc, call->result, "enabled", false);
    json_set_bool(call->gc, call->result, "present", false);
}

static void run_memory_size(struct monitor_call *call)
{
    struct machine *m = call->target;

    call->result = json_new_object(call->gc);
    json_set_integer(call->gc, call->result, "base-memory", (int64_t)m->ops->ram_bytes(m));
    json_set_integer(call->gc, call->result, "plugged-memory", 0);
}

static void run_stop(struct monitor_call *call)
{
    struct machine *m = call->target;

    m->ops->run(m, false, call);
}

static void run_cont(struct monitor_call *call)
{
    struct machine *m = call->target;
    enum machine_status status = m->ops->status(m);

    /* QEMU 7.2, qmp_cont and runstate_needs_reset. */
    if (status == MACHINE_SHUTDOWN || status == MACHINE_PANICKED)
        monitor_call_fail(call, MONITOR_GENERIC, "Resetting the Virtual Machine is required");
    else if (status != MACHINE_SUSPENDED)
        m->ops->run(m, true, call);
}

const struct monitor_command cmd_qmp_query_status = {
    .name = "query-status",
    .returns = "StatusInfo",
    .run = run_status,
};

const struct monitor_command cmd_qmp_query_name = {
    .name = "query-name",
    .returns = "NameInfo",
    .run = run_name,
};

const struct monitor_command cmd_qmp_query_uuid = {
    .name = "query-uuid",
    .returns = "UuidInfo",
    .run = run_uuid,
};

const struct monitor_command cmd_qmp_query_kvm = {
    .name = "query-kvm",
    .returns = "KvmInfo",
    .run = run_kvm,
};

const struct monitor_command cmd_qmp_query_memory_size_summary = {
    .name = "query-memory-size-summary",
    .returns = "MemoryInfo",
    .run = run_memory_size,
};

const struct monitor_command cmd_qmp_stop = {
    .name = "stop",
    .run = run_stop,
};

const struct monitor_command cmd_qmp_cont = {
    .name = "cont",
    .run = run_cont,
};
