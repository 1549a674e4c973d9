/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_BALANCE_H
#define XLX_BALANCE_BALANCE_H

/* The commands of this folder; plugin.c puts them into their table. */

#include "xlx.h"

extern const struct xlx_command cmd_mem_plan;

#endif
