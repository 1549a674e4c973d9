/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/commands/commands.h"
#include "base/cleanup.h"

static const struct xlx_command *const commands[] = {
    &cmd_create,   &cmd_mem_history, &cmd_mem_plan, &cmd_mem_range,       &cmd_mem_reserve,
    &cmd_mem_stat, &cmd_mem_top,     &cmd_mem_why,  &cmd_migrate_receive, &cmd_restore,
};

extern const struct xlx_plugin plugin_balance;
const struct xlx_plugin plugin_balance = {
    .abi = XLX_PLUGIN_ABI,
    .name = "balance",
    .summary = "memory to who needs it, by minimum, maximum and weight",
    .commands = commands,
    .command_count = ARRAY_LEN(commands),
};
