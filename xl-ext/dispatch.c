/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xl-ext/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/find-xl.h"
#include "xl-ext/library.h"
#include "xl-ext/messages.h"
#include "xl-ext/own.h"

/* Who starts a service again and again does so against what passes. */
static int status_of_unusable(const struct xlx_command *command)
{
    return command->flags & XLX_COMMAND_SERVICE && !library_load(true) ? XLX_EXIT_REFUSED : XLX_EXIT_FAILED;
}

static int run_command(struct gc *gc, struct xlx_ctx *ctx, struct plugin_set *plugins,
                       const struct xlx_command *command, int argc, char **argv, struct global_options *global)
{
    void *options = gc_alloc(gc, command->options_size);
    struct xlx_ui ui = {.ops = &tool_ui_ops};
    struct xlx_invocation in = {.ctx = ctx, .ui = &ui, .command = command, .options = options};
    bool help = false;
    int first;

    if (command->defaults)
        memcpy(options, command->defaults, command->options_size);
    if (command->flags & XLX_COMMAND_WRAPS_XL) {
        first = parse_wrapped_options(gc, argc, argv, &in, options, global, &help);
    } else {
        first = parse_command_options(gc, command, argc, argv, options, global, &help);
        in.argc = argc - first;
        in.argv = argv + first;
    }
    if (help) {
        help_command(command);
        return XLX_EXIT_DONE;
    }
    if (first < 0)
        return XLX_EXIT_USAGE;
    if (in.argc < command->args_min || (command->args_max != XLX_ARGS_ANY && in.argc > command->args_max)) {
        message_error("too %s arguments", in.argc < command->args_min ? "few" : "many");
        help_usage(command);
        return XLX_EXIT_USAGE;
    }
    ui.json = global->json;
    ui.quiet = global->quiet;
    ui.timeout_ms = global->timeout_ms;
    ui.terminal = isatty(STDOUT_FILENO);
    if (in.xl_argv) {
        /* Who knows something against xl's part is heard here, too. */
        int status = plugins_check_xl(plugins, argc, argv);

        if (status != XLX_EXIT_DONE)
            return status;
    }
    if (in.xl_argv && !plugins_load(plugins, command)) {
        /* What we would add cannot be had here; xl's part can. */
        message_error("xl runs it alone");
        message_error("%s", exec_xl(gc, in.xl_argv));
        return XLX_EXIT_FAILED;
    }
    if (!(command->flags & XLX_COMMAND_ANYWHERE) && !own_ctx_usable(ctx))
        return status_of_unusable(command);
    return plugins_run(plugins, &in);
}

static int dispatch(struct gc *gc, struct xlx_ctx *ctx, struct plugin_set *plugins, int argc, char **argv)
{
    struct global_options global = {0};
    const struct xlx_command *command;
    int first;

    first = parse_global_options(gc, argc, argv, &global);
    if (first < 0)
        return XLX_EXIT_USAGE;
    message_level(global.quiet ? -1 : global.verbose);
    if (global.version) {
        printf("xl-ext %s\n", XLX_VERSION);
        return XLX_EXIT_DONE;
    }
    argc -= first;
    argv += first;
    if (global.help || !argc) {
        help_overview(plugins);
        return argc || global.help ? XLX_EXIT_DONE : XLX_EXIT_USAGE;
    }
    if (!strcmp(argv[0], "help")) {
        if (argc == 1) {
            help_overview(plugins);
            return XLX_EXIT_DONE;
        }
        if (!strcmp(argv[1], "--tables")) {
            help_tables(plugins);
            return XLX_EXIT_DONE;
        }
        command = plugins_find(plugins, argv[1]);
        if (command) {
            help_command(command);
            return XLX_EXIT_DONE;
        }
    }
    command = plugins_find(plugins, argv[0]);
    if (!command) {
        int status = plugins_check_xl(plugins, argc, argv);

        return status == XLX_EXIT_DONE ? delegate_to_xl(gc, &global, argv[0], argc, argv) : status;
    }
    message_subject(command->name);
    return run_command(gc, ctx, plugins, command, argc, argv, &global);
}

int tool_main(int argc, char **argv)
{
    struct plugin_set *plugins;
    struct xlx_ctx *ctx;
    int status;
    GC_SCOPE(gc);

    if (xlx_ctx_new(&ctx, message_logger()))
        return XLX_EXIT_FAILED;
    plugins = plugin_set_new(ctx);
    status = dispatch(gc, ctx, plugins, argc, argv);
    plugin_set_free(plugins);
    xlx_ctx_free(ctx);
    /* A full disk or a closed pipe must not pass for success. */
    if (fflush(stdout) || ferror(stdout)) {
        message_error("cannot write the output");
        if (status == XLX_EXIT_DONE)
            status = XLX_EXIT_FAILED;
    }
    return status;
}
