/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* balloon, query-balloon (QEMU 7.2, softmmu/balloon.c and hw/virtio/virtio-balloon.c). */
#include "base/cleanup.h"
#include "base/error.h"
#include "qmp/machine.h"

#define PAGE_BYTES 4096

static bool have_balloon(struct monitor_call *call, struct machine *m)
{
    if (m->ops->has_balloon(m))
        return true;
    monitor_call_fail(call, MONITOR_DEVICE_NOT_ACTIVE, "No balloon device has been activated");
    return false;
}

void machine_balloon(struct monitor_call *call, struct machine *m, int64_t size_bytes)
{
    uint64_t ram, size;
    int rc;

    if (!have_balloon(call, m))
        return;
    if (size_bytes <= 0) {
        monitor_call_fail(call, MONITOR_GENERIC, "Parameter '%s' expects a size",
                          machine_mirrors_10(call->monitor) ? "value" : "target");
        return;
    }
    ram = m->ops->ram_bytes(m);
    size = (uint64_t)size_bytes > ram ? ram : (uint64_t)size_bytes;
    /* The balloon has whole pages and is rounded down, so the size is rounded up. */
    size = ram - (ram - size) / PAGE_BYTES * PAGE_BYTES;
    rc = m->ops->balloon(m, size);
    /* QEMU's request cannot fail; a domain that vanishes meanwhile is as good as a QEMU that does. */
    if (rc)
        monitor_call_fail(call, MONITOR_GENERIC, "The balloon target could not be set: %s", error_text(rc));
}

bool machine_query_balloon(struct monitor_call *call, struct machine *m, uint64_t *actual_bytes)
{
    int rc;

    if (!have_balloon(call, m))
        return false;
    rc = m->ops->actual_bytes(m, actual_bytes);
    if (rc)
        monitor_call_fail(call, MONITOR_GENERIC, "The balloon's size could not be found out: %s", error_text(rc));
    return !rc;
}

static void run_balloon(struct monitor_call *call)
{
    machine_balloon(call, call->target, call->args[0]->integer);
}

static void run_query_balloon(struct monitor_call *call)
{
    uint64_t actual;

    if (!machine_query_balloon(call, call->target, &actual))
        return;
    call->result = json_new_object(call->gc);
    json_set_integer(call->gc, call->result, "actual", (int64_t)actual);
}

static const struct monitor_arg balloon_args[] = {{"value", MONITOR_INT}};

const struct monitor_command cmd_qmp_balloon = {
    .name = "balloon",
    .args = balloon_args,
    .arg_count = ARRAY_LEN(balloon_args),
    .run = run_balloon,
};

const struct monitor_command cmd_qmp_query_balloon = {
    .name = "query-balloon",
    .returns = "BalloonInfo",
    .run = run_query_balloon,
};
