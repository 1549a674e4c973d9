/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XL_EXT_PLUGINS_H
#define XL_EXT_PLUGINS_H

/*
 * All commands: those of xl-ext itself, whose tables the tool holds and whose code it loads when one is run (own.h), and
 * those of plugins from the plugin folder.
 */
#include "base/gc.h"
#include "xlx-plugin.h"

struct plugin_set;

struct plugin_set *plugin_set_new(struct xlx_ctx *ctx);
/* Stops the plugins that were started, last first, and unloads those from files. NULL is allowed. */
void plugin_set_free(struct plugin_set *set);

/* All plugins, ours first, then those of the folder, which is looked into at the first call. A file that is refused is
 * told of and left out. The array belongs to the set. */
const struct xlx_plugin *const *plugins_all(struct plugin_set *set, size_t *count);
/* The command of that exact name, or NULL. */
const struct xlx_command *plugins_find(struct plugin_set *set, const char *name);
/* Loads the code of a command that plugins_find has returned; false after a message. */
bool plugins_load(struct plugin_set *set, const struct xlx_command *command);
/* Runs the command in->command, which plugins_find has returned: loads its code, starts its plugin when that has not
 * been done, and calls run. Returns an enum xlx_exit. */
int plugins_run(struct plugin_set *set, const struct xlx_invocation *in);
/* Asks all plugins about a command of xl's; the first that refuses decides. Returns an enum xlx_exit. */
int plugins_check_xl(struct plugin_set *set, int argc, char **argv);

/* Why a plugin's tables cannot be used (a fault of its author), in the pool, or NULL: names missing or not sorted, a
 * letter twice, least arguments above most, an option without type or outside its struct. */
const char *plugin_fault(struct gc *gc, const struct xlx_plugin *plugin);

#endif
