/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_PLUGIN_H
#define XLX_CORE_PLUGIN_H

#include "core/ctx.h"

struct plugin_set;

/* Stops the plugins that were started, last first, and unloads those from files. NULL is allowed. */
void plugin_set_free(struct xlx_ctx *ctx, struct plugin_set *set);

/* Where plugins are loaded from: $XL_EXT_PLUGIN_PATH, unless this process has more rights than its user, else the
 * built-in folder. */
const char *plugin_folder(void);

/* Why a plugin's tables cannot be used (a fault of its author), in the pool, or NULL: names missing or not sorted, a
 * letter twice, least arguments above most, an option without type or outside its struct. */
const char *plugin_fault(struct gc *gc, const struct xlx_plugin *plugin);

/* The static table; its end is NULL. */
extern const struct xlx_plugin *const plugin_static_table[];

#endif
