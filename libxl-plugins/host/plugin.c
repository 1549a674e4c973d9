/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "host/host.h"

static const struct xlx_command *const commands[] = {
    &cmd_host_info,
};

extern const struct xlx_plugin plugin_host;
const struct xlx_plugin plugin_host = {
    .abi = XLX_PLUGIN_ABI,
    .name = "host",
    .summary = "what this machine is",
    .commands = commands,
    .command_count = ARRAY_LEN(commands),
};
