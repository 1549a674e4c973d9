/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "memd/memd.h"

static const struct xlx_command *const commands[] = {
    &cmd_memd,
};

extern const struct xlx_plugin plugin_memd;
const struct xlx_plugin plugin_memd = {
    .abi = XLX_PLUGIN_ABI,
    .name = "memd",
    .summary = "the memory daemon",
    .commands = commands,
    .command_count = ARRAY_LEN(commands),
};
