/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program that is called xl-ext. Most of a short command's time goes into loading libxl and the two dozen libraries
 * behind it; the memory commands, which scripts call most, need none of them. They are run right here. Every other
 * command of ours is handed to xl-ext-full (the same tool with all plugins), and what is not ours to xl:
 * docs/startup.md.
 */
#include "xl-ext/tool.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/plugin.h"
#include "xl-ext/messages.h"

extern const struct xlx_plugin plugin_memory;

const struct xlx_plugin *const plugin_static_table[] = {&plugin_memory, NULL};

/* The names of all commands of xl-ext-full, asked of itself when it was built. */
static const char *const full_commands[] = {
#include "gen/full-commands.h"
};

/* The first argument that is neither an option nor an option's value; NULL: none. */
static const char *command_name(char **argv)
{
    for (argv++; *argv; argv++) {
        if (**argv != '-' || !(*argv)[1])
            return *argv;
        if (!strcmp(*argv, "--timeout") && argv[1])
            argv++;
    }
    return NULL;
}

static bool is_light(const char *name)
{
    for (size_t i = 0; i < plugin_memory.command_count; i++) {
        if (!strcmp(plugin_memory.commands[i]->name, name))
            return true;
    }
    return false;
}

static bool is_full(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(full_commands); i++) {
        if (!strcmp(full_commands[i], name))
            return true;
    }
    return false;
}

/* A plugin from the folder may know any name. */
static bool has_loadable_plugins(void)
{
    DIR *folder = opendir(plugin_folder());
    const struct dirent *e;
    bool found = false;

    if (!folder)
        return false;
    while (!found && (e = readdir(folder))) {
        size_t n = strlen(e->d_name);

        found = n > 3 && !strcmp(e->d_name + n - 3, ".so");
    }
    closedir(folder);
    return found;
}

static int run_full(char **argv)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    GC_SCOPE(gc);

    /* Beside this program in a build folder, else where it is installed. */
    if (n > 0) {
        char *slash;

        self[n] = '\0';
        slash = strrchr(self, '/');
        if (slash)
            execv(gc_printf(gc, "%.*s/xl-ext-full", (int)(slash - self), self), argv);
    }
    execv(XLX_LIBEXECDIR "/xl-ext-full", argv);
    message_error("cannot run %s/xl-ext-full: %s", XLX_LIBEXECDIR, strerror(errno));
    return XLX_EXIT_FAILED;
}

int main(int argc, char **argv)
{
    const char *name = command_name(argv);

    if (name ? is_light(name) : argc == 2 && !strcmp(argv[1], "--version"))
        return tool_main(argc, argv);
    if (!name || !strcmp(name, "help") || is_full(name) || has_loadable_plugins())
        return run_full(argv);
    /* xl's: handed on without a detour. */
    return tool_main(argc, argv);
}
