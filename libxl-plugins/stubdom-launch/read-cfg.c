/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/stubdom.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/error.h"
#include "core/xl.h"

static bool starts_with_one_of(const char *line, const char *const *starts)
{
    for (; *starts; starts++) {
        if (!strncasecmp(line, *starts, strlen(*starts)))
            return true;
    }
    return false;
}

const char *stubdom_complaint(struct gc *gc, const char *text)
{
    static const char *const summaries[] = {"Parsing config", "Failed to parse config", NULL};
    static const char *const warnings[] = {"warning:", NULL};
    char *rest = gc_strdup(gc, text), *line, *warning = NULL;

    while ((line = strsep(&rest, "\n"))) {
        if (!*line || starts_with_one_of(line, summaries))
            continue;
        if (!starts_with_one_of(line, warnings))
            return line;
        if (!warning)
            warning = line;
    }
    return warning ? warning : "xl said nothing";
}

int stubdom_read_cfg(struct xlx_ctx *ctx, struct gc *gc, int argc, char *const *argv, char **json,
                     const char **warnings)
{
    char **xl_argv = gc_array(gc, (size_t)argc + 3, sizeof(*xl_argv));
    struct xl_dry_run xl = {.argv = xl_argv};
    int rc;

    if (access(argv[0], R_OK)) {
        LOG(ctx, ERROR, "cannot read the configuration %s: %s", argv[0], strerror(errno));
        return ERROR_INVAL;
    }
    xl_argv[0] = gc_strdup(gc, "xl");
    xl_argv[1] = gc_strdup(gc, "create");
    for (int i = 0; i < argc; i++)
        xl_argv[2 + i] = argv[i];
    rc = xl_dry_run(ctx, gc, &xl);
    if (rc)
        return rc;
    *json = xl.json;
    if (!*json) {
        LOG(ctx, ERROR, "xl refuses %s: %s", argv[0], stubdom_complaint(gc, xl.said));
        return ERROR_INVAL;
    }
    *warnings = xl.said;
    return 0;
}
