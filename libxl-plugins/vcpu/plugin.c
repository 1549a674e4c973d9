/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "vcpu/vcpu.h"

static const struct xlx_command *const commands[] = {
    &cmd_vcpu_info,
    &cmd_vcpu_list,
    &cmd_vcpu_pin,
};

extern const struct xlx_plugin plugin_vcpu;
const struct xlx_plugin plugin_vcpu = {
    .abi = XLX_PLUGIN_ABI,
    .name = "vcpu",
    .summary = "where vCPUs run, and where they may",
    .commands = commands,
    .command_count = ARRAY_LEN(commands),
};
