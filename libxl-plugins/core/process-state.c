/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/process-state.h"

#include <string.h>

#include "base/cleanup.h"

char process_state(struct gc *gc, const char *pid)
{
    CLEANUP_FILE FILE *f = fopen(gc_printf(gc, "/proc/%s/stat", pid), "re");
    char line[512];
    const char *behind;

    if (!f || !fgets(line, sizeof(line), f))
        return 0;
    /* "PID (NAME) STATE ...", and a name may hold anything. */
    behind = strrchr(line, ')');
    return behind && behind[1] == ' ' ? behind[2] : 0;
}

bool process_runs(struct gc *gc, const char *pid)
{
    char state = process_state(gc, pid);

    return state && !strchr("ZXTt", state);
}
