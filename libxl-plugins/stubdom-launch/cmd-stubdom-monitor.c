/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stubdom-monitor: what stubdom-create leaves running beside a guest; also for a guest that plain xl has created with
 * -e. */
#include "base/cleanup.h"
#include "stubdom-launch/libxl-log.h"
#include "stubdom-launch/lifecycle.h"
#include "stubdom-launch/stubdom.h"

static int run(const struct xlx_invocation *in)
{
    uint32_t domid, stub_domid;
    int rc;

    rc = xlx_domain_find(in->ctx, in->argv[0], &domid);
    if (rc)
        return XLX_EXIT_FAILED;
    rc = stubdom_of_guest(in->ctx, domid, &stub_domid);
    if (rc) {
        LOGD(in->ctx, ERROR, domid, "its device model does not run in a stub domain");
        return XLX_EXIT_FAILED;
    }
    libxl_log_begin(in->ctx);
    libxl_log_end();
    return xlx_exit_of(stubdom_lifecycle(in->ctx, domid, stub_domid));
}

const struct xlx_command cmd_stubdom_monitor = {
    .name = "stubdom-monitor",
    .synopsis = "DOMAIN",
    .summary = "Act as the configuration says when a guest or its QEMU ends",
    .details = "stubdom-create leaves this running beside each guest. By hand it is of use for a guest whose monitor "
               "was killed, or that "
               "was created with 'xl create -e'. It ends with the guest; an interrupt ends it alone.",
    .args_min = 1,
    .args_max = 1,
    .domain_arg = 0,
    .flags = XLX_COMMAND_MODIFIES,
    .run = XLX_CODE(run),
};
