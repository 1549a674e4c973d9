/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XL_EXT_TOOL_H
#define XL_EXT_TOOL_H

/* What the files of the tool share. */

#include "base/gc.h"
#include "xl-ext/plugins.h"
#include "xlx-plugin.h"

/* The tool from arguments to exit status. */
int tool_main(int argc, char **argv);

/* Options before the command. */
struct global_options {
    /* xl's own (-v -f -t -T -N), kept as given, for when the command is xl's */
    char **for_xl;
    int for_xl_count;
    int verbose;
    bool json, quiet, help, version;
    uint64_t timeout_ms; /* 0: not given */
};

/* Reads the options in argv[1..] up to the command, whose index (argc when there is none) is returned; -1 after a
 * message about a bad option. */
int parse_global_options(struct gc *gc, int argc, char **argv, struct global_options *global);

/* Reads a command's options from argv[1..] (argv[0] is the command's name) into options, which has the command's size
 * and defaults. Options end at the first argument that is none, or at "--". Returns the index of the first argument
 * left, or -1 after a message. *help is set when -h or --help is met. */
int parse_command_options(struct gc *gc, const struct xlx_command *command, int argc, char **argv, void *options,
                          struct global_options *global, bool *help);

/* The same for a command with XLX_COMMAND_WRAPS_XL: sets in->argc, argv and xl_argv. Returns 0, or -1 after a message. */
int parse_wrapped_options(struct gc *gc, int argc, char **argv, struct xlx_invocation *in, void *options,
                          struct global_options *global, bool *help);

/* help.c: all from the command tables. */
void help_overview(struct plugin_set *set);
void help_command(const struct xlx_command *command);
void help_usage(const struct xlx_command *command); /* one line, on standard error */
/* The tables as tab-separated lines for scripts (completion, the manual and its check):
 *   plugin NAME SUMMARY
 *   command NAME SYNOPSIS SUMMARY DOMAIN-ARGUMENT FLAGS    index or -1; words with commas between, or -
 *   option COMMAND LETTER NAME VALUE HELP                  - for what there is not
 */
void help_tables(struct plugin_set *set);

/* Replaces this process by xl with these arguments; returns only when there is no xl, after a message. */
int delegate_to_xl(struct gc *gc, const struct global_options *global, const char *command, int argc, char **argv);

/* ui.c */
extern const struct xlx_ui_ops tool_ui_ops;

#endif
