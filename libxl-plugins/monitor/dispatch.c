/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
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

/* *name becomes the member that names the command. False after an error. */
static bool check_member(struct monitor_call *call, const struct json *member, const struct json **name)
{
    const char *key = member->key;

    if (!strcmp(key, "execute") || (call->client->oob && !strcmp(key, "exec-oob"))) {
        if (member->type != JSON_STRING)
            FAIL(call, "QMP input member '%s' must be a string", key);
        else if (*name)
            FAIL(call, "QMP input member '%s' clashes with '%s'", key, (*name)->key);
        else
            *name = member;
    } else if (!strcmp(key, "arguments")) {
        if (member->type != JSON_OBJECT)
            FAIL(call, "QMP input member 'arguments' must be an object");
    } else if (strcmp(key, "id")) {
        FAIL(call, "QMP input member '%s' is unexpected", key);
    }
    return !call->error_class;
}

/* The member that names the command, or NULL after an error. */
static const struct json *check_request(struct monitor_call *call, const struct json *request)
{
    const struct json *name = NULL;

    for (size_t i = 0; i < request->list.count; i++) {
        if (!check_member(call, request->list.items[i], &name))
            return NULL;
    }
    if (!name)
        FAIL(call, "QMP input lacks member 'execute'");
    return name;
}

/* ---- arguments (QEMU 7.2, qobject-input-visitor.c) ---- */

/* The name of the type that is expected but not there, or NULL. */
static const char *mismatch(enum monitor_type type, const struct json *value)
{
    switch (type) {
    case MONITOR_INT:
        return value->type == JSON_INTEGER ? NULL : "integer";
    case MONITOR_STRING:
        return value->type == JSON_STRING ? NULL : "string";
    case MONITOR_BOOL:
        return value->type == JSON_BOOL ? NULL : "boolean";
    case MONITOR_NUMBER:
        return value->type == JSON_INTEGER || value->type == JSON_UNSIGNED || value->type == JSON_NUMBER ? NULL
                                                                                                         : "number";
    case MONITOR_STRINGS:
        return value->type == JSON_ARRAY ? NULL : "array";
    case MONITOR_ANY:
        break;
    }
    return NULL;
}

static bool check_item(struct monitor_call *call, const struct monitor_arg *arg, const struct json *item, size_t i)
{
    if (item->type != JSON_STRING) {
        FAIL(call, "Invalid parameter type for '%s[%zu]', expected: string", arg->name, i);
        return false;
    }
    for (const char *const *v = arg->values; v && strcmp(*v, item->string.text);) {
        if (*++v)
            continue;
        /* QEMU 7.2 knows no name for a list's item. */
        FAIL(call, "Parameter 'null' does not accept value '%s'", item->string.text);
        return false;
    }
    return true;
}

static bool check_argument(struct monitor_call *call, const struct monitor_arg *arg, const struct json *value)
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
                            const struct json *arguments)
{
    for (size_t i = 0; i < command->arg_count; i++) {
        call->args[i] = json_member(arguments, command->args[i].name);
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

static void execute(struct monitor_call *call, const struct json *request)
{
    const struct json *name = check_request(call, request);
    const struct monitor_command *command;

    if (!name)
        return;
    command = find_command(call, name->string.text);
    if (!command)
        monitor_call_fail(call, MONITOR_COMMAND_NOT_FOUND, "The command %s has not been found", name->string.text);
    else if (!strcmp(name->key, "exec-oob"))
        FAIL(call, "The command %s does not support OOB", name->string.text);
    else if (check_arguments(call, command, json_member(request, "arguments")))
        command->run(call);
}

void dispatch_request(struct monitor_call *call, const struct json *request)
{
    bool negotiating = !call->client->negotiated;

    if (request->type != JSON_OBJECT) {
        FAIL(call, "QMP input must be a JSON object");
        return;
    }
    call->id = json_member(request, "id");
    execute(call, request);
    if (negotiating && call->error_class && !strcmp(call->error_class, MONITOR_COMMAND_NOT_FOUND))
        call->error_text = "Expecting capabilities negotiation with 'qmp_capabilities'";
}

/* ---- replies ---- */

static void write_line(struct text *text, const struct json *value)
{
    json_write(text, value, JSON_QMP);
    text_add(text, "\r\n", 2);
}

static void put_id(struct gc *gc, struct json *reply, const struct json *id)
{
    if (id)
        json_set(gc, reply, "id", json_copy(gc, id));
}

void dispatch_write_reply(struct text *text, const struct monitor_call *call)
{
    struct gc *gc = call->gc;
    struct json *reply = json_new_object(gc), *error;

    if (call->error_class) {
        put_id(gc, reply, call->id);
        error = json_new_object(gc);
        json_set_string(gc, error, "class", call->error_class);
        json_set_string(gc, error, "desc", call->error_text);
        json_set(gc, reply, "error", error);
    } else {
        json_set(gc, reply, "return", call->result ? call->result : json_new_object(gc));
        put_id(gc, reply, call->id);
    }
    write_line(text, reply);
}
