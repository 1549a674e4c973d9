/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "migrate/migrate.h"

static const struct xlx_command *const commands[] = {
    &cmd_cpu_diff,
    &cmd_cpu_policy,
    &cmd_migrate,
    &cmd_migrate_check,
};

extern const struct xlx_plugin plugin_migrate;
const struct xlx_plugin plugin_migrate = {
    .abi = XLX_PLUGIN_ABI,
    .name = "migrate",
    .summary = "CPU policies, and whether a guest may move to another host",
    .commands = commands,
    .command_count = ARRAY_LEN(commands),
};
