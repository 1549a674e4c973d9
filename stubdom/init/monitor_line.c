/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The part of monitor.h that only looks at bytes, apart for unit tests and fuzzing. */
#include "stubdom/init/monitor.h"

#include <string.h>

#include "base/gc.h"
#include "base/json.h"

bool monitor_is_answer(const char *line, size_t len)
{
    struct json *root;
    GC_SCOPE(gc);

    return !json_parse(gc, line, len, &root, NULL) && json_member(root, "return");
}

bool monitor_says_running(const char *line, size_t len)
{
    const char *event, *status;
    struct json *root;
    GC_SCOPE(gc);

    if (json_parse(gc, line, len, &root, NULL))
        return false;
    if (json_member_string(root, "event", &event))
        return !strcmp(event, "RESUME");
    return json_member_string(json_member(root, "return"), "status", &status) && !strcmp(status, "running");
}

bool monitor_is_nic_deleted(const char *line, size_t len, uint32_t *devid)
{
    const char *event, *device;
    struct json *root;
    uint32_t number = 0;
    GC_SCOPE(gc);

    /* most lines are not, and need no parser */
    if (!memmem(line, len, "DEVICE_DELETED", strlen("DEVICE_DELETED")) || json_parse(gc, line, len, &root, NULL))
        return false;
    if (!json_member_string(root, "event", &event) || strcmp(event, "DEVICE_DELETED") ||
        !json_member_string(json_member(root, "data"), "device", &device) || strncmp(device, "nic", 3) || !device[3])
        return false;
    for (const char *p = device + 3; *p; p++) {
        if (*p < '0' || *p > '9' || p - device > 6)
            return false;
        number = number * 10 + (uint32_t)(*p - '0');
    }
    *devid = number;
    return true;
}
