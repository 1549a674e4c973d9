/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "xlx-plugin.h"

extern const struct xlx_command cmd_qmp;

static const struct xlx_command *const commands[] = {
    &cmd_qmp,
};

extern const struct xlx_plugin plugin_qmp;
const struct xlx_plugin plugin_qmp = {
    .abi = XLX_PLUGIN_ABI,
    .name = "qmp",
    .summary = "QMP for Xen domains",
    .commands = commands,
    .command_count = ARRAY_LEN(commands),
};
