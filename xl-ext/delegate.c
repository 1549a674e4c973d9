/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xl-ext/tool.h"

#include "base/find-xl.h"
#include "xl-ext/messages.h"

int delegate_to_xl(struct gc *gc, const struct global_options *global, const char *command, int argc, char **argv)
{
    char **arguments;
    int n = 0;

    if (global->json || global->quiet || global->timeout_ms) {
        message_error(
            "'%.64s' is xl's command: --json, --quiet and --timeout are xl-ext's own options and cannot stand "
            "before it",
            command);
        return XLX_EXIT_USAGE;
    }
    arguments = gc_array(gc, (size_t)global->for_xl_count + (size_t)argc + 2, sizeof(*arguments));
    arguments[n++] = gc_strdup(gc, "xl");
    for (int i = 0; i < global->for_xl_count; i++)
        arguments[n++] = global->for_xl[i];
    for (int i = 0; i < argc; i++)
        arguments[n++] = argv[i];
    message_error("'%.64s' is not a command of xl-ext, and %s: see 'xl-ext help'", command, exec_xl(gc, arguments));
    return XLX_EXIT_FAILED;
}
