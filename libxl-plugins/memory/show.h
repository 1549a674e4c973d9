/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MEMORY_SHOW_H
#define XLX_MEMORY_SHOW_H

#include "base/gc.h"
#include "xlx-plugin.h"

/* "settled", "moving", "paused", ... of one look at a domain: what can be said without following it. A domain is
 * settled when its actual is its target plus offset, or where a guest's unknown offset may have put it. */
const char *mem_show_state(const struct xlx_mem_info *info);

/* MiB with one decimal for people, for example "128.0". */
char *mem_show_mib(struct gc *gc, uint64_t memkb);

#endif
