/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/machine.h"

#include <string.h>

#include "base/cleanup.h"

/* QEMU 7.2, monitor_qapi_event_conf. */
#define BALLOON_CHANGE_THROTTLE_MS 1000

static const struct monitor_command *const commands[] = {
    &cmd_qmp_balloon,       &cmd_qmp_cont,         &cmd_qmp_human_monitor_command,
    &cmd_qmp_qom_get,       &cmd_qmp_qom_list,     &cmd_qmp_qom_set,
    &cmd_qmp_query_balloon, &cmd_qmp_query_kvm,    &cmd_qmp_query_memory_size_summary,
    &cmd_qmp_query_name,    &cmd_qmp_query_status, &cmd_qmp_query_uuid,
    &cmd_qmp_stop,
};

static const struct json_field balloon_info[] = {{"actual", "int"}};
static const struct json_field kvm_info[] = {{"enabled", "bool"}, {"present", "bool"}};
static const struct json_field memory_info[] = {{"base-memory", "int"}, {"plugged-memory", "int", true}};
static const struct json_field name_info[] = {{"name", "str", true}};
static const struct json_field property_info[] = {
    {"name", "str"}, {"type", "str"}, {"description", "str", true}, {"default-value", "any", true}};
static const struct json_field shutdown_info[] = {{"guest", "bool"}, {"reason", "ShutdownCause"}};
static const struct json_field status_info[] = {{"running", "bool"}, {"singlestep", "bool"}, {"status", "RunState"}};
static const struct json_field status_info_10[] = {{"running", "bool"}, {"status", "RunState"}};
static const struct json_field uuid_info[] = {{"UUID", "str"}};

#define RECORD(name, fields) &(const struct json_record)JSON_RECORD(name, fields)
#define OBJECTS(status)                                                                                                \
    {                                                                                                                  \
        RECORD("BalloonInfo", balloon_info), RECORD("KvmInfo", kvm_info), RECORD("MemoryInfo", memory_info),           \
            RECORD("NameInfo", name_info), RECORD("ObjectPropertyInfo", property_info),                                \
            RECORD("ShutdownInfo", shutdown_info), RECORD("StatusInfo", status), RECORD("UuidInfo", uuid_info), NULL,  \
    }
static const struct json_record *const objects[] = OBJECTS(status_info), *const objects_10[] = OBJECTS(status_info_10);

/* Only what is ever told. */
static const char *const run_states[] = {"guest-panicked", "paused",    "prelaunch", "running",
                                         "shutdown",       "suspended", NULL};
static const char *const shutdown_causes[] = {"host-signal", "guest-shutdown", "guest-reset", "guest-panic", NULL};
static const struct monitor_enum enums[] = {{"RunState", run_states}, {"ShutdownCause", shutdown_causes}};

static const struct monitor_event_type events[] = {
    {"BALLOON_CHANGE", "BalloonInfo", BALLOON_CHANGE_THROTTLE_MS},
    {"RESUME", NULL, 0},
    {"SHUTDOWN", "ShutdownInfo", 0},
    {"STOP", NULL, 0},
};

#define KIND(objects_told, mirrored)                                                                                   \
    {                                                                                                                  \
        .commands = commands, .command_count = ARRAY_LEN(commands), .objects = (objects_told), .enums = enums,         \
        .enum_count = ARRAY_LEN(enums), .events = events, .event_count = ARRAY_LEN(events), .qemu = (mirrored),        \
    }
const struct monitor_kind machine_monitor_kind = KIND(objects, &monitor_qemu_7_2);
const struct monitor_kind machine_monitor_kind_10 = KIND(objects_10, &monitor_qemu_10_0);

const struct monitor_kind *machine_monitor_kind_of(const char *version)
{
    if (!strcmp(version, "7.2"))
        return &machine_monitor_kind;
    return strcmp(version, "10.0") ? NULL : &machine_monitor_kind_10;
}

bool machine_mirrors_10(const struct monitor *monitor)
{
    return monitor_qemu(monitor)->major >= 10;
}

void machine_balloon_changed(struct machine *m, uint64_t actual_bytes)
{
    GC_SCOPE(gc);
    struct json *data = json_new_object(gc);

    json_set_integer(gc, data, "actual", (int64_t)actual_bytes);
    monitor_emit(m->monitor, "BALLOON_CHANGE", data);
}

void machine_ran(struct machine *m, bool runs)
{
    monitor_emit(m->monitor, runs ? "RESUME" : "STOP", NULL);
}

void machine_shut_down(struct machine *m, bool by_guest, const char *reason)
{
    GC_SCOPE(gc);
    struct json *data = json_new_object(gc);

    json_set_bool(gc, data, "guest", by_guest);
    json_set_string(gc, data, "reason", reason);
    monitor_emit(m->monitor, "SHUTDOWN", data);
}
