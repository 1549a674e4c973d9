/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate/qemu.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

static void gave_up(struct ao *ao, int rc)
{
    struct qemu_ask *ask = CONTAINER_OF(ao, struct qemu_ask, ao);

    ask->rc = rc;
    /* The answer, or its end, comes through answered() all the same. */
    libxl_ao_abort(ask->libxl, &ask->how);
}

/* libxl may call this before its function has returned: the operation ends on the next turn of the loop. */
static void answered(libxl_ctx *libxl, int rc, void *arg)
{
    struct qemu_ask *ask = arg;

    ao_complete_soon(&ask->ao, ask->rc ? ask->rc : rc);
}

void qemu_ask_start(struct qemu_ask *ask)
{
    int rc;

    if (!ask->ao.timeout_ms)
        ask->ao.timeout_ms = QEMU_ANSWER_MS;
    ask->rc = 0;
    ask->output = NULL;
    ask->how = (libxl_asyncop_how){.callback = answered, .u.for_callback = ask};
    ao_start(&ask->ao, gave_up);
    rc = ctx_libxl(ask->ao.ctx, &ask->libxl);
    if (!rc)
        rc = libxl_qemu_monitor_command(ask->libxl, ask->domid, ask->command, &ask->output, &ask->how);
    if (rc)
        ao_complete_soon(&ask->ao, rc);
}

char *qemu_blocked_reasons(struct gc *gc, const char *info_migrate)
{
    static const char heading[] = "Outgoing migration blocked:";
    const char *line = strstr(info_migrate, heading);
    char *reasons = NULL;

    if (!line)
        return NULL;
    line += strlen(heading);
    line += strspn(line, "\r\n");
    /* Reasons are the indented lines that follow. */
    while (*line == ' ') {
        size_t blanks = strspn(line, " "), len = strcspn(line + blanks, "\r\n");
        const char *reason = gc_strndup(gc, line + blanks, len);

        reasons = reasons ? gc_printf(gc, "%s; %s", reasons, reason) : gc_strdup(gc, reason);
        line += blanks + len;
        line += strspn(line, "\r\n");
    }
    return reasons ? reasons : gc_strdup(gc, "it does not say why");
}
