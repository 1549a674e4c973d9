/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * query-qmp-schema, made from the tables that requests are checked against, so that it cannot tell anything else
 * (docs/devel/qapi-code-gen of QEMU, "Client introspection of a QAPI schema"). Type names are not masked.
 */
#include <string.h>

#include "base/cleanup.h"
#include "monitor/monitor-private.h"

#define EMPTY "q_empty"
#define INT_OR_NULL "IntOrNull"

struct schema {
    struct gc *gc;
    const struct monitor_kind *kind;
    struct json *entries;
};

/* ---- types of the commands that every monitor has ---- */

const char *const qmp_capability_names[] = {"oob", NULL};
static const char *const meta_types[] = {"builtin", "enum", "array", "object", "alternate", "command", "event", NULL};

static const struct monitor_enum common_enums[] = {{"QMPCapability", qmp_capability_names},
                                                   {"SchemaMetaType", meta_types}};

static const struct json_field triple[] = {{"major", "int"}, {"minor", "int"}, {"micro", "int"}};
static const struct json_field version[] = {{"qemu", "VersionTriple"}, {"package", "str"}};
static const struct json_field command[] = {{"name", "str"}};
static const struct json_field info_member[] = {{"name", "str"}, {"type", "str", true}, {"default", "any", true}};
static const struct json_field info[] = {
    {"name", "str"},           {"meta-type", "SchemaMetaType"}, {"json-type", "str", true},
    {"values", "[str]", true}, {"element-type", "str", true},   {"members", "[SchemaInfoMember]", true},
    {"arg-type", "str", true}, {"ret-type", "str", true},
};

#define RECORD(name, fields) &(const struct json_record)JSON_RECORD(name, fields)
static const struct json_record *const common_objects[] = {
    RECORD("CommandInfo", command),
    RECORD("SchemaInfo", info),
    RECORD("SchemaInfoMember", info_member),
    RECORD("VersionInfo", version),
    RECORD("VersionTriple", triple),
    &(const struct json_record){EMPTY, NULL, 0},
    NULL,
};

static const struct {
    const char *name, *json_type;
} builtins[] = {{"any", "value"}, {"bool", "boolean"},  {"int", "int"},
                {"null", "null"}, {"number", "number"}, {"str", "string"}};

/* ---- entries ---- */

static void add_type(struct schema *s, const char *name);

static struct json *new_entry(struct schema *s, const char *name, const char *meta_type)
{
    struct json *entry = json_new_object(s->gc);

    json_set_string(s->gc, entry, "name", name);
    json_set_string(s->gc, entry, "meta-type", meta_type);
    json_append(s->gc, s->entries, entry);
    return entry;
}

static bool is_there(const struct schema *s, const char *name)
{
    const char *other;

    for (size_t i = 0; i < s->entries->list.count; i++) {
        if (json_member_string(s->entries->list.items[i], "name", &other) && !strcmp(other, name))
            return true;
    }
    return false;
}

static void append_member(struct schema *s, struct json *members, const char *name, const char *type, bool optional)
{
    struct json *m = json_new_object(s->gc);

    json_set_string(s->gc, m, "name", name);
    json_set_string(s->gc, m, "type", type);
    if (optional)
        json_set(s->gc, m, "default", json_new_null(s->gc));
    json_append(s->gc, members, m);
}

static bool add_builtin(struct schema *s, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(builtins); i++) {
        if (!strcmp(builtins[i].name, name)) {
            json_set_string(s->gc, new_entry(s, name, "builtin"), "json-type", builtins[i].json_type);
            return true;
        }
    }
    return false;
}

static bool add_enum(struct schema *s, const struct monitor_enum *enums, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        struct json *entry, *values, *members;

        if (strcmp(enums[i].name, name))
            continue;
        entry = new_entry(s, name, "enum");
        values = json_new_array(s->gc);
        members = json_new_array(s->gc);
        for (const char *const *v = enums[i].values; *v; v++) {
            struct json *m = json_new_object(s->gc);

            json_append(s->gc, values, json_new_string(s->gc, *v));
            json_set_string(s->gc, m, "name", *v);
            json_append(s->gc, members, m);
        }
        json_set(s->gc, entry, "values", values);
        json_set(s->gc, entry, "members", members);
        return true;
    }
    return false;
}

static bool add_object(struct schema *s, const struct json_record *const *objects, const char *name)
{
    for (; objects && *objects; objects++) {
        const struct json_record *o = *objects;
        struct json *members;

        if (strcmp(o->name, name))
            continue;
        members = json_new_array(s->gc);
        for (size_t m = 0; m < o->count; m++)
            append_member(s, members, o->fields[m].name, o->fields[m].type, o->fields[m].optional);
        json_set(s->gc, new_entry(s, name, "object"), "members", members);
        for (size_t m = 0; m < o->count; m++)
            add_type(s, o->fields[m].type);
        return true;
    }
    return false;
}

/* The one alternate there is. */
static void add_int_or_null(struct schema *s)
{
    static const char *const types[] = {"int", "null"};
    struct json *members = json_new_array(s->gc);

    json_set(s->gc, new_entry(s, INT_OR_NULL, "alternate"), "members", members);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct json *m = json_new_object(s->gc);

        json_set_string(s->gc, m, "type", types[i]);
        json_append(s->gc, members, m);
        add_type(s, types[i]);
    }
}

static void add_type(struct schema *s, const char *name)
{
    if (is_there(s, name))
        return;
    if (!strcmp(name, INT_OR_NULL)) {
        add_int_or_null(s);
        return;
    }
    if (*name == '[') {
        char *element = gc_strndup(s->gc, name + 1, strlen(name) - 2);

        json_set_string(s->gc, new_entry(s, name, "array"), "element-type", element);
        add_type(s, element);
        return;
    }
    if (!add_builtin(s, name) && !add_enum(s, common_enums, ARRAY_LEN(common_enums), name) &&
        !add_enum(s, s->kind->enums, s->kind->enum_count, name) && !add_object(s, common_objects, name))
        add_object(s, s->kind->objects, name);
}

/* ---- commands and events ---- */

static const char *arg_type_name(const struct monitor_arg *arg)
{
    static const char *const names[] = {
        [MONITOR_INT] = "int",       [MONITOR_STRING] = "str",    [MONITOR_BOOL] = "bool",
        [MONITOR_NUMBER] = "number", [MONITOR_STRINGS] = "[str]", [MONITOR_ANY] = "any",
    };

    return arg->type_name ? arg->type_name : names[arg->type];
}

static const char *add_arguments(struct schema *s, const struct monitor_command *c)
{
    const char *name = gc_printf(s->gc, "q_obj_%s-arg", c->name);
    struct json *members;

    if (!c->arg_count) {
        add_type(s, EMPTY);
        return EMPTY;
    }
    members = json_new_array(s->gc);
    for (size_t i = 0; i < c->arg_count; i++)
        append_member(s, members, c->args[i].name, arg_type_name(&c->args[i]), c->args[i].optional);
    json_set(s->gc, new_entry(s, name, "object"), "members", members);
    for (size_t i = 0; i < c->arg_count; i++)
        add_type(s, arg_type_name(&c->args[i]));
    return name;
}

static void add_commands(struct schema *s, const struct monitor_command *const *commands, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *returns = commands[i]->returns ? commands[i]->returns : EMPTY;
        struct json *entry = new_entry(s, commands[i]->name, "command");

        json_set_string(s->gc, entry, "arg-type", add_arguments(s, commands[i]));
        json_set_string(s->gc, entry, "ret-type", returns);
        add_type(s, returns);
    }
}

struct json *monitor_schema(struct gc *gc, const struct monitor_kind *kind)
{
    struct schema s = {.gc = gc, .kind = kind, .entries = json_new_array(gc)};

    add_commands(&s, monitor_common_commands, monitor_common_command_count);
    add_commands(&s, kind->commands, kind->command_count);
    for (size_t i = 0; i < kind->event_count; i++) {
        const char *data = kind->events[i].data ? kind->events[i].data : EMPTY;

        json_set_string(s.gc, new_entry(&s, kind->events[i].name, "event"), "arg-type", data);
        add_type(&s, data);
    }
    return s.entries;
}
