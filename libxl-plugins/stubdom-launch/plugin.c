/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "stubdom-launch/stubdom.h"

static const struct xlx_command *const commands[] = {
    &cmd_save,         &cmd_stubdom_build, &cmd_stubdom_check,   &cmd_stubdom_create,
    &cmd_stubdom_list, &cmd_stubdom_log,   &cmd_stubdom_monitor,
};

static const char *const xl_commands[] = {"restore", "remus", "cd-insert", "cd-eject", NULL};

extern const struct xlx_plugin plugin_stubdom;
const struct xlx_plugin plugin_stubdom = {
    .abi = XLX_PLUGIN_ABI,
    .name = "stubdom",
    .summary = "device models in Linux stub domains",
    .commands = commands,
    .command_count = ARRAY_LEN(commands),
    .xl_commands = xl_commands,
    .check_xl = XLX_CODE(xl_veto),
};
