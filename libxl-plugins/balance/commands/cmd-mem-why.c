/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "balance/commands/commands.h"
#include "memd-client/client.h"
#include "balance/commands/why-text.h"
#include "memd-client/control.h"
#include "base/cleanup.h"
#include "base/error.h"

static int ask(const struct xlx_invocation *in, struct memd_client *client, uint32_t domid)
{
    const struct json *result;
    GC_SCOPE(gc);
    struct json *arguments = json_new_object(gc);
    int rc;

    json_set_integer(gc, arguments, "domain", domid);
    rc = memd_call(client, CONTROL_WHY, arguments, &result);
    if (rc)
        return rc;
    if (in->ui->json)
        in->ui->ops->print(in->ui, "%s", json_text(gc, result, JSON_PRETTY));
    else
        in->ui->ops->print(in->ui, "%s", why_text(gc, result));
    return 0;
}

static int run(const struct xlx_invocation *in)
{
    struct memd_client *client = NULL;
    uint32_t domid;
    int rc;

    rc = xlx_domain_find(in->ctx, in->argv[0], &domid);
    if (rc)
        return XLX_EXIT_FAILED;
    rc = memd_connect(in->ctx, &client);
    if (rc == ERROR_NOTFOUND)
        return memd_missing(in->ctx);
    if (!rc)
        rc = ask(in, client, domid);
    memd_disconnect(client);
    return xlx_exit_of(rc);
}

const struct xlx_command cmd_mem_why = {
    .name = "mem-why",
    .synopsis = "[--json] DOMAIN",
    .summary = "Say why a domain has the memory that it has",
    .details = "What it wants, what it gets, what holds it back, and the last changes of its target.",
    .args_min = 1,
    .args_max = 1,
    .domain_arg = 0,
    .run = XLX_CODE(run),
};
