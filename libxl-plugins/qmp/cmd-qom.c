/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * qom-list, qom-get, qom-set: the part of QEMU's tree of objects in which a client looks for a balloon. Paths resolve
 * as in QEMU 7.2 (object_resolve_path): absolute, or the end of one path in the tree and of no other.
 */
#include <string.h>

#include "base/cleanup.h"
#include "qmp/machine.h"

#define POLLING "guest-stats-polling-interval"

/* ---- the tree ---- */

struct property {
    const char *name, *type;
    struct json *(*get)(struct gc *gc, struct machine *m);
    void (*set)(struct monitor_call *call, struct machine *m, const struct json *value);
    const char *owner; /* who errors name, when it is not the object itself */
};

struct object {
    const char *name, *type, *path;
    const struct property *properties;
    size_t property_count;
    const struct object *const *children; /* NULL at the end */
    bool alias;                           /* another way to an object: not searched */
};

static struct json *get_false(struct gc *gc, struct machine *m)
{
    return json_new_bool(gc, false);
}

static struct json *get_true(struct gc *gc, struct machine *m)
{
    return json_new_bool(gc, true);
}

static struct json *get_interval(struct gc *gc, struct machine *m)
{
    return json_new_integer(gc, m->ops->stats_interval(m));
}

/* QEMU 7.2, balloon_stats_set_poll_interval. */
static void set_interval(struct monitor_call *call, struct machine *m, const struct json *value)
{
    if (value->type != JSON_INTEGER)
        monitor_call_fail(call, MONITOR_GENERIC, "Invalid parameter type for '" POLLING "', expected: integer");
    else if (value->integer < 0)
        monitor_call_fail(call, MONITOR_GENERIC, "timer value must be greater than zero");
    else if (value->integer > UINT32_MAX)
        monitor_call_fail(call, MONITOR_GENERIC, "timer value is too big");
    else if (value->integer != m->ops->stats_interval(m))
        m->ops->set_stats_interval(m, (uint32_t)value->integer);
}

static const char *const names[AGENT_STAT_NR] = {
#define STAT_NAME(id, name, kind, change) [AGENT_STAT_##id] = "stat-" name,
    AGENT_STATS(STAT_NAME)
#undef STAT_NAME
};

/* Those of virtio-balloon of QEMU 7.2 and of 10.0, in the order in which it writes them out. */
static const enum agent_stat shown[] = {
    AGENT_STAT_HTLB_PGALLOC, AGENT_STAT_SWAP_OUT,     AGENT_STAT_AVAILABLE_MEMORY, AGENT_STAT_HTLB_PGFAIL,
    AGENT_STAT_FREE_MEMORY,  AGENT_STAT_MINOR_FAULTS, AGENT_STAT_MAJOR_FAULTS,     AGENT_STAT_TOTAL_MEMORY,
    AGENT_STAT_SWAP_IN,      AGENT_STAT_DISK_CACHES,
};
static const enum agent_stat shown_10[] = {
    AGENT_STAT_HTLB_PGALLOC,    AGENT_STAT_SWAP_OUT,     AGENT_STAT_ALLOC_STALLS, AGENT_STAT_AVAILABLE_MEMORY,
    AGENT_STAT_DIRECT_RECLAIMS, AGENT_STAT_DIRECT_SCANS, AGENT_STAT_HTLB_PGFAIL,  AGENT_STAT_FREE_MEMORY,
    AGENT_STAT_MINOR_FAULTS,    AGENT_STAT_MAJOR_FAULTS, AGENT_STAT_TOTAL_MEMORY, AGENT_STAT_OOM_KILLS,
    AGENT_STAT_ASYNC_RECLAIMS,  AGENT_STAT_SWAP_IN,      AGENT_STAT_ASYNC_SCANS,  AGENT_STAT_DISK_CACHES,
};

static struct json *get_stats(struct gc *gc, struct machine *m)
{
    struct json *result = json_new_object(gc), *values = json_new_object(gc);
    bool of_10 = machine_mirrors_10(m->monitor);
    const enum agent_stat *list = of_10 ? shown_10 : shown;
    size_t count = of_10 ? ARRAY_LEN(shown_10) : ARRAY_LEN(shown);
    struct machine_stats stats;

    m->ops->stats(m, &stats);
    for (size_t i = 0; i < count; i++)
        json_set_u64(gc, values, names[list[i]], stats.values[list[i]]);
    json_set(gc, result, "stats", values);
    json_set_integer(gc, result, "last-update", stats.last_update);
    return result;
}

static const struct property balloon_properties[] = {
    {"realized", "bool", get_true},
    {"hotplugged", "bool", get_false},
    {"hotpluggable", "bool", get_false},
    {"free-page-reporting", "bool", get_false},
    {"deflate-on-oom", "bool", get_false},
    {POLLING, "int", get_interval, set_interval, "virtio-balloon-device"},
    {"guest-stats", "guest statistics", get_stats, NULL, "virtio-balloon-device"},
    {"free-page-hint", "bool", get_false},
};
static const struct property backend_properties[] = {
    {"realized", "bool", get_true},
    {POLLING, "int", get_interval, set_interval},
    {"guest-stats", "guest statistics", get_stats},
};

#define BALLOON_PATH "/machine/peripheral/balloon0"

static const struct object backend = {
    .name = "virtio-backend",
    .type = "virtio-balloon-device",
    .path = BALLOON_PATH "/virtio-backend",
    .properties = backend_properties,
    .property_count = ARRAY_LEN(backend_properties),
};
static const struct object *const balloon_children[] = {&backend, NULL};
static const struct object balloon = {
    .name = "balloon0",
    .type = "virtio-balloon-pci",
    .path = BALLOON_PATH,
    .properties = balloon_properties,
    .property_count = ARRAY_LEN(balloon_properties),
    .children = balloon_children,
};
/* Where QEMU keeps a balloon device that was given no id; here it has one, but clients look in both places. */
static const struct object anonymous_balloon = {
    .name = "device[0]",
    .type = "virtio-balloon-pci",
    .path = BALLOON_PATH,
    .properties = balloon_properties,
    .property_count = ARRAY_LEN(balloon_properties),
    .children = balloon_children,
    .alias = true,
};
static const struct object *const peripheral_children[] = {&balloon, NULL};
static const struct object peripheral = {
    .name = "peripheral", .type = "container", .path = "/machine/peripheral", .children = peripheral_children};
static const struct object *const anonymous_children[] = {&anonymous_balloon, NULL};
static const struct object anonymous = {
    .name = "peripheral-anon", .type = "container", .path = "/machine/peripheral-anon", .children = anonymous_children};
static const struct object unattached = {.name = "unattached", .type = "container", .path = "/machine/unattached"};
static const struct object *const machine_children[] = {&unattached, &anonymous, &peripheral, NULL};
static const struct object machine = {
    .name = "machine", .type = "xen-machine", .path = "/machine", .children = machine_children};
static const struct object objects = {.name = "objects", .type = "container", .path = "/objects"};
static const struct object chardevs = {.name = "chardevs", .type = "container", .path = "/chardevs"};
static const struct object *const root_children[] = {&objects, &machine, &chardevs, NULL};
static const struct object root = {.name = "", .type = "container", .path = "/", .children = root_children};

/* ---- paths ---- */

static const struct object *child_of(const struct object *o, const char *name, size_t len)
{
    for (const struct object *const *c = o->children; c && *c; c++) {
        if (strlen((*c)->name) == len && !memcmp((*c)->name, name, len))
            return *c;
    }
    return NULL;
}

/* Empty parts, as in "//", count for nothing. */
static const struct object *walk(const struct object *from, const char *path)
{
    while (from && *path) {
        size_t len = strcspn(path, "/");

        if (len)
            from = child_of(from, path, len);
        path += len + (path[len] == '/');
    }
    return from;
}

static const struct object *search(const struct object *from, const char *path, unsigned *found)
{
    const struct object *result = walk(from, path);

    *found += result != NULL;
    for (const struct object *const *c = from->children; c && *c; c++) {
        const struct object *below = (*c)->alias ? NULL : search(*c, path, found);

        if (below)
            result = below;
    }
    return result;
}

static const struct object *resolve(struct machine *m, const char *path, bool *ambiguous)
{
    const struct object *o;
    unsigned found = 0;

    o = *path == '/' ? walk(&root, path) : search(&root, path, &found);
    *ambiguous = found > 1;
    if (o && (o == &backend || !strcmp(o->path, BALLOON_PATH)) && !m->ops->has_balloon(m))
        return NULL;
    return *ambiguous ? NULL : o;
}

static const struct object *find_object(struct monitor_call *call)
{
    bool ambiguous;
    const struct object *o = resolve(call->target, call->args[0]->string.text, &ambiguous);

    if (!o)
        monitor_call_fail(call, MONITOR_DEVICE_NOT_FOUND, "Device '%s' not found", call->args[0]->string.text);
    return o;
}

/* ---- qom-list ---- */

static void append_info(struct gc *gc, struct json *list, const char *name, const char *type)
{
    struct json *info = json_new_object(gc);

    json_set_string(gc, info, "name", name);
    json_set_string(gc, info, "type", type);
    json_append(gc, list, info);
}

static void run_list(struct monitor_call *call)
{
    struct machine *m = call->target;
    const char *path = call->args[0]->string.text;
    bool ambiguous;
    const struct object *o = resolve(m, path, &ambiguous);
    struct gc *gc = call->gc;

    if (ambiguous) {
        monitor_call_fail(call, MONITOR_GENERIC, "Path '%s' is ambiguous", path);
        return;
    }
    if (!find_object(call))
        return;
    call->result = json_new_array(gc);
    append_info(gc, call->result, "type", "string");
    for (size_t i = 0; i < o->property_count; i++)
        append_info(gc, call->result, o->properties[i].name, o->properties[i].type);
    for (const struct object *const *c = o->children; c && *c; c++) {
        if (strcmp((*c)->path, BALLOON_PATH) || m->ops->has_balloon(m))
            append_info(gc, call->result, (*c)->name, gc_printf(gc, "child<%s>", (*c)->type));
    }
}

/* ---- qom-get, qom-set ---- */

static const struct property *find_property(const struct object *o, const char *name)
{
    for (size_t i = 0; i < o->property_count; i++) {
        if (!strcmp(o->properties[i].name, name))
            return &o->properties[i];
    }
    return NULL;
}

static void run_get(struct monitor_call *call)
{
    const struct object *o = find_object(call), *child;
    const char *name = call->args[1]->string.text;
    const struct property *p;

    if (!o)
        return;
    p = find_property(o, name);
    child = child_of(o, name, strlen(name));
    if (p)
        call->result = p->get(call->gc, call->target);
    else if (child)
        call->result = json_new_string(call->gc, child->path);
    else if (!strcmp(name, "type"))
        call->result = json_new_string(call->gc, o->type);
    else
        monitor_call_fail(call, MONITOR_GENERIC, "Property '%s.%s' not found", o->type, name);
}

static void run_set(struct monitor_call *call)
{
    const struct object *o = find_object(call);
    const char *name = call->args[1]->string.text;
    const struct property *p;

    if (!o)
        return;
    p = find_property(o, name);
    if (p && p->set)
        p->set(call, call->target, call->args[2]);
    else if (p || child_of(o, name, strlen(name)) || !strcmp(name, "type"))
        monitor_call_fail(call, MONITOR_GENERIC, "Property '%s.%s' is not writable", p && p->owner ? p->owner : o->type,
                          name);
    else
        monitor_call_fail(call, MONITOR_GENERIC, "Property '%s.%s' not found", o->type, name);
}

static const struct monitor_arg args[] = {
    {"path", MONITOR_STRING}, {"property", MONITOR_STRING}, {"value", MONITOR_ANY}};

const struct monitor_command cmd_qmp_qom_list = {
    .name = "qom-list",
    .args = args,
    .arg_count = 1,
    .returns = "[ObjectPropertyInfo]",
    .run = run_list,
};

const struct monitor_command cmd_qmp_qom_get = {
    .name = "qom-get",
    .args = args,
    .arg_count = 2,
    .returns = "any",
    .run = run_get,
};

const struct monitor_command cmd_qmp_qom_set = {
    .name = "qom-set",
    .args = args,
    .arg_count = 3,
    .run = run_set,
};
