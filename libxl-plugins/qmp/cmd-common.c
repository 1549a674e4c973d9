/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands that every monitor has (QEMU 7.2, monitor/qmp-cmds-control.c). */
#include "base/cleanup.h"
#include "monitor/monitor-private.h"

const struct monitor_qemu monitor_qemu_7_2 = {7, 2, 22}, monitor_qemu_10_0 = {10, 0, 13};

const struct monitor_qemu *monitor_qemu(const struct monitor *monitor)
{
    return monitor->kind->qemu ? monitor->kind->qemu : &monitor_qemu_7_2;
}

static struct json *version(struct gc *gc, const struct monitor *monitor)
{
    struct json *v = json_new_object(gc), *qemu = json_new_object(gc);
    const struct monitor_qemu *mirrored = monitor_qemu(monitor);

    json_set_integer(gc, qemu, "micro", mirrored->micro);
    json_set_integer(gc, qemu, "minor", mirrored->minor);
    json_set_integer(gc, qemu, "major", mirrored->major);
    json_set(gc, v, "qemu", qemu);
    /* It says who answers in truth. */
    json_set_string(gc, v, "package", "xl-ext " XLX_VERSION);
    return v;
}

void dispatch_write_greeting(struct text *text, const struct monitor *monitor)
{
    GC_SCOPE(gc);
    struct json *greeting = json_new_object(gc), *qmp = json_new_object(gc), *capabilities = json_new_array(gc);

    json_append(gc, capabilities, json_new_string(gc, "oob"));
    json_set(gc, qmp, "version", version(gc, monitor));
    json_set(gc, qmp, "capabilities", capabilities);
    json_set(gc, greeting, "QMP", qmp);
    json_write(text, greeting, JSON_QMP);
    text_add(text, "\r\n", 2);
}

/* ---- qmp_capabilities ---- */

static void run_capabilities(struct monitor_call *call)
{
    const struct json *enable = call->args[0];
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
    call->result = version(call->gc, call->monitor);
}

static const struct monitor_command cmd_version = {
    .name = "query-version",
    .returns = "VersionInfo",
    .run = run_version,
};

static void list_commands(struct gc *gc, struct json *list, const struct monitor_command *const *commands, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct json *info = json_new_object(gc);

        json_set_string(gc, info, "name", commands[i]->name);
        json_append(gc, list, info);
    }
}

static void run_commands(struct monitor_call *call)
{
    const struct monitor_kind *kind = call->monitor->kind;

    call->result = json_new_array(call->gc);
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
    call->result = monitor_schema(call->gc, call->monitor->kind);
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
