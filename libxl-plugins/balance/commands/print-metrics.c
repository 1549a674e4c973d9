/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/commands/print-metrics.h"

#include <stdio.h>

#include "memd-client/control.h"
#include "xlx-plugin.h"

int print_metrics(struct memd_client *client)
{
    const struct json *result;
    const char *text;
    int rc;

    rc = memd_call(client, CONTROL_METRICS, NULL, &result);
    if (rc)
        return xlx_exit_of(rc);
    if (!json_member_string(result, "text", &text))
        return XLX_EXIT_FAILED;
    return fputs(text, stdout) < 0 || fflush(stdout) ? XLX_EXIT_FAILED : XLX_EXIT_DONE;
}
