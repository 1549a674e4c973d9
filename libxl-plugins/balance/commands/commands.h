/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_COMMANDS_COMMANDS_H
#define XLX_BALANCE_COMMANDS_COMMANDS_H

/* The commands of this folder; plugin.c puts them into their table. */

#include "xlx-plugin.h"

extern const struct xlx_command cmd_create, cmd_mem_history, cmd_mem_plan, cmd_mem_range, cmd_mem_reserve, cmd_mem_stat,
    cmd_mem_top, cmd_mem_why, cmd_migrate_receive, cmd_restore;

#endif
