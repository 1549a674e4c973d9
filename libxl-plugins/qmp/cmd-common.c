/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands that every monitor has (QEMU 7.2, monitor/qmp-cmds-control.c). */
#include "base/cleanup.h"
#include "monitor/monitor-private.h"
#include "qmp/version.h"

static struct qmp_value *version(struct gc *gc)
{
    struct qmp_value *v = qmp_dict(gc), *qemu = qmp_dict(gc);

    qmp_put(gc, qemu, "micro", qmp_int(gc, QMP_QEMU_MICRO));
    qmp_put(gc, qemu, "minor", qmp_int(gc, QMP_QEMU_MINOR));
    qmp_put(gc, qemu, "major", qmp_int(gc, QMP_QEMU_MAJOR));
    qmp_put(gc, v, "qemu", qemu);
    qmp_put(gc, v, "package", qmp_string(gc, QMP_PACKAGE));
    return v;
}

void dispatch_write_greeting(struct qmp_text *text)
{
    GC_SCOPE(gc);
    struct qmp_value *greeting = qmp_dict(gc), *qmp = qmp_dict(gc), *capabilities = qmp_list(gc);

    qmp_append(gc, capabilities, qmp_string(gc, "oob"));
    qmp_put(gc, qmp, "version", version(gc));
    qmp_put(gc, qmp, "capabilities", capabilities);
    qmp_put(gc, greeting, "QMP", qmp);
    qmp_write(text, greeting);
    qmp_text_add(text, "\r\n", 2);
}

/* ---- qmp_capabilities ---- */

static void run_capabilities(struct monitor_call *call)
{
    const struct qmp_value *enable = call->args[0];
    struct monitor_client *client = call->client;

    if (client->negotiated) {
        monitor_call_fail(call, MONITOR_COMMAND_NOT_FOUND,
                          "Capabilities negotiation is already complete, command ignored");
        return;
    }
    /* There is no other. */
    client->oob = enable && enable->list.count;
    client->negotiated = true;
    monitor_client_negotiated(call->monitor);
}

static const struct monitor_arg capabilities_args[] = {
    {"enable", MONITOR_STRINGS, true, "[QMPCapability]", qmp_capability_names}};

static const struct monitor_command cmd_capabilities = {
    .name = "qmp_capabilities",
    .args = capabilities_args,
    .arg_count = ARRAY_LEN(capabilities_args),
    .run = run_capabilities,
};

/* ---- query-version, query-commands, query-qmp-schema ---- */

static void run_version(struct monitor_call *call)
{
    call->result = version(call->gc);
}

static const struct monitor_command cmd_version = {
    .name = "query-version",
    .returns = "VersionInfo",
    .run = run_version,
};

static void list_commands(struct gc *gc, struct qmp_value *list, const struct monitor_command *const *commands,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct qmp_value *info = qmp_dict(gc);

        qmp_put(gc, info, "name", qmp_string(gc, commands[i]->name));
        qmp_append(gc, list, info);
    }
}

static void run_commands(struct monitor_call *call)
{
    const struct monitor_kind *kind = call->monitor->kind;

    call->result = qmp_list(call->gc);
    list_commands(call->gc, call->result, monitor_common_commands, monitor_common_command_count);
    list_commands(call->gc, call->result, kind->commands, kind->command_count);
}

static const struct monitor_command cmd_commands = {
    .name = "query-commands",
    .returns = "[CommandInfo]",
    .run = run_commands,
};

static void run_schema(struct monitor_call *call)
{
    call->result = schema_of(call->gc, call->monitor->kind);
}

static const struct monitor_command cmd_schema = {
    .name = "query-qmp-schema",
    .returns = "[SchemaInfo]",
    .run = run_schema,
};

const struct monitor_command *const monitor_common_commands[] = {
    &cmd_capabilities,
    &cmd_commands,
    &cmd_schema,
    &cmd_version,
};
const size_t monitor_common_command_count = ARRAY_LEN(monitor_common_commands);
