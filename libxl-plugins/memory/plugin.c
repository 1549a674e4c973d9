/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "memory/memory.h"

static const struct xlx_command *const commands[] = {
    &cmd_agent_kit, &cmd_mem_info, &cmd_mem_list, &cmd_mem_max, &cmd_mem_set, &cmd_mem_watch,
};

extern const struct xlx_plugin plugin_memory;
const struct xlx_plugin plugin_memory = {
    .abi = XLX_PLUGIN_ABI,
    .name = "memory",
    .summary = "targets, and what guests make of them",
    .commands = commands,
    .command_count = ARRAY_LEN(commands),
};
