/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/monitor-private.h"

/* ---- errors ---- */

static void set_error(struct monitor_call *call, const char *error_class, const char *text)
{
    call->error_class = error_class;
    call->error_text = text;
}

void monitor_call_fail(struct monitor_call *call, const char *error_class, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set_error(call, error_class, gc_vprintf(call->gc, format, args));
    va_end(args);
}

#define FAIL(call, ...) monitor_call_fail((call), MONITOR_GENERIC, __VA_ARGS__)

/* ---- the request (QEMU 7.2, qmp_dispatch_check_obj) ---- */

/* QEMU keeps the members of an object in 512 buckets (qobject/qdict.c) and looks at those of a request in the buckets'
 * order, whatever the order in which they came: of several faults it decides which is told. */
static unsigned bucket_of(const char *key)
{
    uint32_t hash = UINT32_C(0x238f13af) * (uint32_t)strlen(key);

    for (unsigned i = 0; key[i]; i++)
        hash += (uint32_t)(unsigned char)key[i] << (i * 5 % 24);
    return (UINT32_C(1103515243) * hash + 12345) % 512;
}

static int compare_members(const void *a, const void *b)
{
    unsigned x = bucket_of((*(const struct qmp_value *const *)a)->key);
    unsigned y = bucket_of((*(const struct qmp_value *const *)b)->key);

    return x < y ? -1 : x > y;
}

/* *name becomes the member that names the command. False after an error. */
static bool check_member(struct monitor_call *call, const struct qmp_value *member, const struct qmp_value **name)
{
    const char *key = member->key;

    if (!strcmp(key, "execute") || (call->client->oob && !strcmp(key, "exec-oob"))) {
        if (member->type != QMP_STRING)
            FAIL(call, "QMP input member '%s' must be a string", key);
        else if (*name)
            FAIL(call, "QMP input member '%s' clashes with '%s'", key, (*name)->key);
        else
            *name = member;
    } else if (!strcmp(key, "arguments")) {
        if (member->type != QMP_DICT)
            FAIL(call, "QMP input member 'arguments' must be an object");
    } else if (strcmp(key, "id")) {
        FAIL(call, "QMP input member '%s' is unexpected", key);
    }
    return !call->error_class;
}

/* The member that names the command, or NULL after an error. */
static const struct qmp_value *check_request(struct monitor_call *call, const struct qmp_value *request)
{
    size_t count = request->list.count;
    const struct qmp_value **members = gc_array(call->gc, count + 1, sizeof(*members)), *name = NULL;

    for (size_t i = 0; i < count; i++)
        members[i] = request->list.items[i];
    qsort(members, count, sizeof(*members), compare_members);
    for (size_t i = 0; i < count; i++) {
        if (!check_member(call, members[i], &name))
            return NULL;
    }
    if (!name)
        FAIL(call, "QMP input lacks member 'execute'");
    return name;
}

/* ---- arguments (QEMU 7.2, qobject-input-visitor.c) ---- */

/* The name of the type that is expected but not there, or NULL. */
static const char *mismatch(enum monitor_type type, const struct qmp_value *value)
{
    switch (type) {
    case MONITOR_INT:
        return value->type == QMP_INT ? NULL : "integer";
    case MONITOR_STRING:
        return value->type == QMP_STRING ? NULL : "string";
    case MONITOR_BOOL:
        return value->type == QMP_BOOL ? NULL : "boolean";
    case MONITOR_NUMBER:
        return value->type == QMP_INT || value->type == QMP_UINT || value->type == QMP_DOUBLE ? NULL : "number";
    case MONITOR_STRINGS:
        return value->type == QMP_LIST ? NULL : "array";
    case MONITOR_ANY:
        break;
    }
    return NULL;
}

static bool check_item(struct monitor_call *call, const struct monitor_arg *arg, const struct qmp_value *item, size_t i)
{
    if (item->type != QMP_STRING) {
        FAIL(call, "Invalid parameter type for '%s[%zu]', expected: string", arg->name, i);
        return false;
    }
    for (const char *const *v = arg->values; v && strcmp(*v, item->string);) {
        if (*++v)
            continue;
        /* QEMU 7.2 knows no name for a list's item. */
        FAIL(call, "Parameter 'null' does not accept value '%s'", item->string);
        return false;
    }
    return true;
}

static bool check_argument(struct monitor_call *call, const struct monitor_arg *arg, const struct qmp_value *value)
{
    const char *wanted;

    if (!value) {
        if (!arg->optional)
            FAIL(call, "Parameter '%s' is missing", arg->name);
        return arg->optional;
    }
    wanted = mismatch(arg->type, value);
    if (wanted) {
        FAIL(call, "Invalid parameter type for '%s', expected: %s", arg->name, wanted);
        return false;
    }
    for (size_t i = 0; arg->type == MONITOR_STRINGS && i < value->list.count; i++) {
        if (!check_item(call, arg, value->list.items[i], i))
            return false;
    }
    return true;
}

static bool check_arguments(struct monitor_call *call, const struct monitor_command *command,
                            const struct qmp_value *arguments)
{
    for (size_t i = 0; i < command->arg_count; i++) {
        call->args[i] = qmp_get(arguments, command->args[i].name);
        if (!check_argument(call, &command->args[i], call->args[i]))
            return false;
    }
    for (size_t i = 0; arguments && i < arguments->list.count; i++) {
        const char *key = arguments->list.items[i]->key;
        size_t known = 0;

        while (known < command->arg_count && strcmp(command->args[known].name, key))
            known++;
        if (known == command->arg_count) {
            FAIL(call, "Parameter '%s' is unexpected", key);
            return false;
        }
    }
    return true;
}

/* ---- finding the command ---- */

static const struct monitor_command *find(const struct monitor_command *const *commands, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(commands[i]->name, name))
            return commands[i];
    }
    return NULL;
}

static const struct monitor_command *find_command(const struct monitor_call *call, const char *name)
{
    const struct monitor_kind *kind = call->monitor->kind;
    const struct monitor_command *command;

    if (!call->client->negotiated && strcmp(name, "qmp_capabilities"))
        return NULL;
    command = find(monitor_common_commands, monitor_common_command_count, name);
    return command ? command : find(kind->commands, kind->command_count, name);
}

static void execute(struct monitor_call *call, const struct qmp_value *request)
{
    const struct qmp_value *name = check_request(call, request);
    const struct monitor_command *command;

    if (!name)
        return;
    command = find_command(call, name->string);
    if (!command)
        monitor_call_fail(call, MONITOR_COMMAND_NOT_FOUND, "The command %s has not been found", name->string);
    else if (!strcmp(name->key, "exec-oob"))
        FAIL(call, "The command %s does not support OOB", name->string);
    else if (check_arguments(call, command, qmp_get(request, "arguments")))
        command->run(call);
}

void dispatch_request(struct monitor_call *call, const struct qmp_value *request)
{
    bool negotiating = !call->client->negotiated;

    if (request->type != QMP_DICT) {
        FAIL(call, "QMP input must be a JSON object");
        return;
    }
    call->id = qmp_get(request, "id");
    execute(call, request);
    if (negotiating && call->error_class && !strcmp(call->error_class, MONITOR_COMMAND_NOT_FOUND))
        call->error_text = "Expecting capabilities negotiation with 'qmp_capabilities'";
}

/* ---- replies ---- */

static void write_line(struct qmp_text *text, const struct qmp_value *value)
{
    qmp_write(text, value);
    qmp_text_add(text, "\r\n", 2);
}

/* A value can stand in one place only: the id already stands in the request. */
static void put_id(struct gc *gc, struct qmp_value *reply, const struct qmp_value *id)
{
    struct qmp_value *copy = qmp_null(gc);

    *copy = *id;
    qmp_put(gc, reply, "id", copy);
}

void dispatch_write_reply(struct qmp_text *text, const struct monitor_call *call)
{
    struct gc *gc = call->gc;
    struct qmp_value *reply = qmp_dict(gc), *error;

    if (call->error_class) {
        if (call->id)
            put_id(gc, reply, call->id);
        error = qmp_dict(gc);
        qmp_put(gc, error, "class", qmp_string(gc, call->error_class));
        qmp_put(gc, error, "desc", qmp_string(gc, call->error_text));
        qmp_put(gc, reply, "error", error);
    } else {
        qmp_put(gc, reply, "return", call->result ? call->result : qmp_dict(gc));
        if (call->id)
            put_id(gc, reply, call->id);
    }
    write_line(text, reply);
}
