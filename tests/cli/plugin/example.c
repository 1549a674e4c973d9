/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plugin of somebody else: built outside the source tree, with nothing but the installed xlx-plugin.h and xlx.pc.
 *
 *     cc -shared -fPIC -o hello.so example.c $(pkg-config --cflags --libs xlx)
 *
 * The macros make the faulty ones of plugin.sh from the same source.
 */
#include <stdio.h>
#include <string.h>

#include <xlx-plugin.h>

#ifndef ABI
#define ABI XLX_PLUGIN_ABI
#endif
#ifndef PLUGIN
#define PLUGIN "example"
#endif
#ifndef COMMAND
#define COMMAND "hello"
#endif
#ifndef SYMBOL
#define SYMBOL xlx_plugin
#endif
#ifndef START_RC
#define START_RC 0
#endif

struct options {
    uint64_t times, size_kb;
    bool loud;
    const char *greeting;
    struct xlx_list names;
};

static const struct options defaults = {.times = 1, .greeting = "hello"};

static const struct xlx_column columns[] = {
    {"Greeting", "greeting", 0},
    {"Time", "time", XLX_COLUMN_RIGHT},
    {"Loud", "loud", 0},
};

static int run(const struct xlx_invocation *in)
{
    const struct options *options = in->options;
    struct xlx_table *table;

    if (in->argc && !strcmp(in->argv[0], "nobody")) {
        xlx_log(in->ctx, XTL_ERROR, "there is nobody to greet");
        return XLX_EXIT_REFUSED;
    }
    table = in->ui->ops->table_begin(in->ui, columns, 3);
    for (uint64_t i = 0; i < options->times; i++) {
        char text[128];

        snprintf(text, sizeof(text), "%s %s%s%s", options->greeting, in->argc ? in->argv[0] : "world",
                 options->names.count ? " and " : "", options->names.count ? options->names.items[0] : "");
        in->ui->ops->table_row(table, (struct xlx_cell[]){XLX_TEXT(text), XLX_NUMBER(i + 1), XLX_BOOL(options->loud)});
    }
    in->ui->ops->table_end(table);
    return XLX_EXIT_DONE;
}

static const struct xlx_option option_table[] = {
    {'n', "times", XLX_OPTION_NUMBER, offsetof(struct options, times), "N", "how often (default 1)"},
    {'l', "loud", XLX_OPTION_FLAG, offsetof(struct options, loud), NULL, "say that it is loud"},
    {'g', "greeting", XLX_OPTION_TEXT, offsetof(struct options, greeting), "TEXT", "what to say"},
    {0, "also", XLX_OPTION_LIST, offsetof(struct options, names), "NAME", "greet NAME too"},
    {0, "size", XLX_OPTION_SIZE, offsetof(struct options, size_kb), "SIZE", "a size that nobody needs"},
};

static const struct xlx_command command = {
    .name = COMMAND,
    .synopsis = "[-n N] [-l] [-g TEXT] [--also NAME]... [--size SIZE] [NAME]",
    .summary = "Greet somebody",
    XLX_OPTIONS(option_table, struct options),
    .defaults = &defaults,
    .args_max = 1,
    .domain_arg = XLX_NO_DOMAIN,
    .flags = XLX_COMMAND_ANYWHERE,
    .run = run,
};

static const struct xlx_command *const commands[] = {&command};

static int start(struct xlx_ctx *ctx)
{
    return START_RC;
}

static void stop(struct xlx_ctx *ctx)
{
    puts(PLUGIN " stops");
}

extern const struct xlx_plugin SYMBOL;
const struct xlx_plugin SYMBOL = {
    .abi = ABI,
    .name = PLUGIN,
    .summary = "an example",
    .commands = commands,
    .command_count = 1,
    .start = start,
    .stop = stop,
};
