/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MEMORY_MEMORY_H
#define XLX_MEMORY_MEMORY_H

#include "xlx-plugin.h"

extern const struct xlx_command cmd_agent_kit, cmd_mem_info, cmd_mem_list, cmd_mem_max, cmd_mem_set, cmd_mem_watch;

#endif
