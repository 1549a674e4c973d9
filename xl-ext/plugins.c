/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xl-ext/plugins.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "xl-ext/library.h"
#include "xl-ext/messages.h"
#include "xl-ext/own.h"

struct plugin_set {
    struct gc *gc;
    struct xlx_ctx *ctx;
    bool complete; /* the folder has been looked into */
    const struct xlx_plugin **plugins;
    void **handles;                    /* of dlopen; NULL for our own */
    const struct xlx_plugin **started; /* with its code; NULL: not started */
    size_t count;
    int *fds; /* of the files that were opened by dlopen, also of refused ones */
    size_t fd_count;
};

/* ---- checking a plugin's tables ---- */

static const char *option_fault(struct gc *gc, const struct xlx_command *c, size_t index)
{
    static const size_t sizes[] = {
        [XLX_OPTION_FLAG] = sizeof(bool),         [XLX_OPTION_TEXT] = sizeof(char *),
        [XLX_OPTION_NUMBER] = sizeof(uint64_t),   [XLX_OPTION_SIZE] = sizeof(uint64_t),
        [XLX_OPTION_DURATION] = sizeof(uint64_t), [XLX_OPTION_LIST] = sizeof(struct xlx_list),
    };
    const struct xlx_option *o = &c->options[index];

    if (!o->letter && !o->name)
        return gc_printf(gc, "command %s: option %zu has neither letter nor name", c->name, index);
    if (!o->help)
        return gc_printf(gc, "command %s: option %zu has no help", c->name, index);
    if ((size_t)o->type >= ARRAY_LEN(sizes) || o->offset > c->options_size ||
        sizes[o->type] > c->options_size - o->offset)
        return gc_printf(gc, "command %s: option %zu lies outside its struct", c->name, index);
    if ((o->type == XLX_OPTION_FLAG) != !o->value)
        return gc_printf(gc, "command %s: option %zu must name its value exactly when it takes one", c->name, index);
    for (size_t i = 0; i < index; i++) {
        const struct xlx_option *other = &c->options[i];

        if (o->letter && o->letter == other->letter)
            return gc_printf(gc, "command %s: option -%c stands twice", c->name, o->letter);
        if (o->name && other->name && !strcmp(o->name, other->name))
            return gc_printf(gc, "command %s: option --%s stands twice", c->name, o->name);
    }
    return NULL;
}

static const char *command_fault(struct gc *gc, const struct xlx_command *c)
{
    if (!c->name || !*c->name || strspn(c->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(c->name))
        return "a command's name is missing or has other characters than a-z, 0-9 and -";
    if (*c->name == '-' || !strcmp(c->name, "help"))
        return gc_printf(gc, "command %s: the tool itself takes that name for something else", c->name);
    if (!c->summary || !c->synopsis || !c->run)
        return gc_printf(gc, "command %s: summary, synopsis or run is missing", c->name);
    if (*c->summary && c->summary[strlen(c->summary) - 1] == '.')
        return gc_printf(gc, "command %s: the summary ends in a full stop", c->name);
    if (c->args_min < 0 || (c->args_max != XLX_ARGS_ANY && c->args_max < c->args_min))
        return gc_printf(gc, "command %s: least and most arguments contradict each other", c->name);
    if ((c->option_count && !c->options) || (c->defaults && !c->options_size))
        return gc_printf(gc, "command %s: options are counted that are not there", c->name);
    if (c->domain_arg < XLX_NO_DOMAIN || (c->args_max != XLX_ARGS_ANY && c->domain_arg >= c->args_max))
        return gc_printf(gc, "command %s: the domain is an argument that it does not take", c->name);
    for (size_t i = 0; i < c->option_count; i++) {
        const char *fault = option_fault(gc, c, i);

        if (fault)
            return fault;
    }
    return NULL;
}

const char *plugin_fault(struct gc *gc, const struct xlx_plugin *plugin)
{
    if (!plugin->name || !*plugin->name || !plugin->summary)
        return "name or summary is missing";
    if (!plugin->xl_commands != !plugin->check_xl)
        return "commands of xl are named without a check of them, or the other way round";
    if (plugin->command_count && !plugin->commands)
        return "its table of commands is missing";
    for (size_t i = 0; i < plugin->command_count; i++) {
        const char *fault = plugin->commands[i] ? command_fault(gc, plugin->commands[i]) : "a command is missing";

        if (fault)
            return fault;
        if (i && strcmp(plugin->commands[i - 1]->name, plugin->commands[i]->name) >= 0)
            return gc_printf(gc, "commands %s and %s are not sorted", plugin->commands[i - 1]->name,
                             plugin->commands[i]->name);
    }
    return NULL;
}

/* ---- the plugin folder ---- */

static void add_plugin(struct plugin_set *set, const struct xlx_plugin *plugin, void *handle)
{
    size_t n = set->count + 1;

    set->plugins = gc_realloc(set->gc, set->plugins, n * sizeof(*set->plugins));
    set->handles = gc_realloc(set->gc, set->handles, n * sizeof(*set->handles));
    set->started = gc_realloc(set->gc, set->started, n * sizeof(*set->started));
    set->plugins[set->count] = plugin;
    set->handles[set->count] = handle;
    set->started[set->count] = NULL;
    set->count = n;
}

static const char *plugin_folder(void)
{
    const char *folder = secure_getenv("XL_EXT_PLUGIN_PATH");

    return folder && *folder ? folder : XLX_PLUGINDIR;
}

/*
 * Whoever may write a plugin is root, or the user whom this process runs as: who can put something into that folder
 * could as well preload it. For root that is root alone. That the user has more rights by us than without us (setuid)
 * is excluded by secure_getenv for a folder of his choice; the built-in one is root's.
 */
static const char *trust_fault(int fd, mode_t type)
{
    struct stat st;

    if (fstat(fd, &st))
        return strerror(errno);
    if ((st.st_mode & S_IFMT) != type)
        return "it is not of the right type";
    if (st.st_uid != 0 && (st.st_uid != geteuid() || getauxval(AT_SECURE)))
        return "it does not belong to root";
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return "others than its owner may write it";
    return NULL;
}

static bool name_is_taken(const struct plugin_set *set, const struct xlx_plugin *plugin, const char **what)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct xlx_plugin *other = set->plugins[i];

        if (!strcmp(other->name, plugin->name)) {
            *what = plugin->name;
            return true;
        }
        for (size_t a = 0; a < other->command_count; a++) {
            for (size_t b = 0; b < plugin->command_count; b++) {
                if (!strcmp(other->commands[a]->name, plugin->commands[b]->name)) {
                    *what = plugin->commands[b]->name;
                    return true;
                }
            }
        }
    }
    return false;
}

static void load_plugin(struct plugin_set *set, int folder_fd, const char *file)
{
    const struct xlx_plugin *plugin;
    const char *fault, *taken;
    void *handle;
    CLEANUP_FD int fd = -1;
    GC_SCOPE(gc);

    fd = openat(folder_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    fault = fd < 0 ? strerror(errno) : trust_fault(fd, S_IFREG);
    if (fault) {
        message_error("plugin %s is left out: %s", file, fault);
        return;
    }
    /* Through the descriptor that was checked, so that nobody can swap the file in between. It stays open: the dynamic
     * loader knows files by their names, and must not meet this one again for another file. */
    set->fds = gc_realloc(set->gc, set->fds, (set->fd_count + 1) * sizeof(*set->fds));
    set->fds[set->fd_count++] = fd;
    handle = dlopen(gc_printf(gc, "/proc/self/fd/%d", TAKE_FD(fd)), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        message_error("plugin %s is left out: %s", file, dlerror());
        return;
    }
    plugin = dlsym(handle, "xlx_plugin");
    if (!plugin)
        fault = "it does not define the symbol xlx_plugin";
    else if (plugin->abi != XLX_PLUGIN_ABI)
        fault =
            gc_printf(gc, "it was built for plugin interface %u, this is %u", (unsigned)plugin->abi, XLX_PLUGIN_ABI);
    else
        fault = plugin_fault(gc, plugin);
    if (!fault && name_is_taken(set, plugin, &taken))
        fault = gc_printf(gc, "the name '%s' is taken", taken);
    if (fault) {
        message_error("plugin %s is left out: %s", file, fault);
        dlclose(handle);
        return;
    }
    add_plugin(set, plugin, handle);
}

static int is_plugin_file(const struct dirent *e)
{
    size_t n = strlen(e->d_name);

    return n > 3 && e->d_name[0] != '.' && !strcmp(e->d_name + n - 3, ".so");
}

static int leave_out(struct dirent **entries, int n)
{
    while (n > 0)
        free(entries[--n]);
    return 0;
}

static void load_folder(struct plugin_set *set, const char *folder)
{
    CLEANUP_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP_FREE struct dirent **entries = NULL;
    char trusted[64]; /* what is looked at is what was found to be trustworthy */
    const char *fault;
    int n;

    if (fd < 0) {
        if (errno != ENOENT)
            message_error("the plugin folder %s is left out: %s", folder, strerror(errno));
        return;
    }
    fault = trust_fault(fd, S_IFDIR);
    if (fault) {
        message_error("the plugin folder %s is left out: %s", folder, fault);
        return;
    }
    snprintf(trusted, sizeof(trusted), "/proc/self/fd/%d", fd);
    n = scandir(trusted, &entries, is_plugin_file, alphasort);
    /* They are linked with the library, which the dynamic loader would look for elsewhere. */
    if (n > 0 && !library_load(false)) {
        message_error("the plugins in %s are left out", folder);
        n = leave_out(entries, n);
    }
    for (int i = 0; i < n; i++) {
        load_plugin(set, fd, entries[i]->d_name);
        free(entries[i]);
    }
}

/* ---- the set ---- */

struct plugin_set *plugin_set_new(struct xlx_ctx *ctx)
{
    struct gc *gc = gc_new();
    struct plugin_set *set = GC_NEW(gc, struct plugin_set);

    set->gc = gc;
    set->ctx = ctx;
    for (const struct xlx_plugin *const *p = own_plugins; *p; p++)
        add_plugin(set, *p, NULL);
    return set;
}

const struct xlx_plugin *const *plugins_all(struct plugin_set *set, size_t *count)
{
    if (!set->complete) {
        set->complete = true;
        load_folder(set, plugin_folder());
    }
    *count = set->count;
    return set->plugins;
}

static const struct xlx_command *command_in(const struct xlx_plugin *plugin, const char *name)
{
    for (size_t i = 0; i < plugin->command_count; i++) {
        if (!strcmp(plugin->commands[i]->name, name))
            return plugin->commands[i];
    }
    return NULL;
}

/* The index of the plugin that has the command; false: nobody has it. */
static bool find_plugin(struct plugin_set *set, const char *name, size_t *index)
{
    size_t looked = 0, count = set->count;

    /* Our own first, without a look at the plugin folder: no file can take such a name anyway. */
    do {
        for (; looked < count; looked++) {
            if (command_in(set->plugins[looked], name)) {
                *index = looked;
                return true;
            }
        }
        plugins_all(set, &count);
    } while (looked < count);
    return false;
}

const struct xlx_command *plugins_find(struct plugin_set *set, const char *name)
{
    size_t i;

    return find_plugin(set, name, &i) ? command_in(set->plugins[i], name) : NULL;
}

/* The plugin with its code; NULL after a message, unless quiet. */
static const struct xlx_plugin *code_of(const struct plugin_set *set, size_t index, bool quiet)
{
    return set->handles[index] ? set->plugins[index] : own_plugin_code(set->plugins[index], quiet);
}

bool plugins_load(struct plugin_set *set, const struct xlx_command *command)
{
    size_t i;

    return find_plugin(set, command->name, &i) && code_of(set, i, false);
}

int plugins_run(struct plugin_set *set, const struct xlx_invocation *in)
{
    struct xlx_invocation with_code = *in;
    const struct xlx_plugin *plugin;
    size_t i;

    if (!find_plugin(set, in->command->name, &i))
        return XLX_EXIT_FAILED;
    plugin = code_of(set, i, false);
    if (!plugin)
        return XLX_EXIT_FAILED;
    if (plugin->start && !set->started[i]) {
        int rc = plugin->start(set->ctx);

        if (rc) {
            message_error("plugin %s could not start: %s", plugin->name, error_text(rc));
            return xlx_exit_of(rc);
        }
        set->started[i] = plugin;
    }
    with_code.command = command_in(plugin, in->command->name);
    return with_code.command->run(&with_code);
}

static bool checks_xl(const struct xlx_plugin *plugin, const char *command)
{
    for (const char *const *name = plugin->xl_commands; name && *name; name++) {
        if (!strcmp(*name, command))
            return true;
    }
    return false;
}

int plugins_check_xl(struct plugin_set *set, int argc, char **argv)
{
    const struct xlx_plugin *const *plugins;
    int status = XLX_EXIT_DONE;
    size_t count;

    plugins = plugins_all(set, &count);
    for (size_t i = 0; i < count && status == XLX_EXIT_DONE; i++) {
        /* Where the library does not fit the host, nothing is known against the command, and xl goes on alone. */
        const struct xlx_plugin *plugin = checks_xl(plugins[i], argv[0]) ? code_of(set, i, true) : NULL;

        if (plugin)
            status = plugin->check_xl(set->ctx, argc, argv);
    }
    return status;
}

void plugin_set_free(struct plugin_set *set)
{
    if (!set)
        return;
    while (set->count--) {
        const struct xlx_plugin *started = set->started[set->count];

        if (started && started->stop)
            started->stop(set->ctx);
        if (set->handles[set->count])
            dlclose(set->handles[set->count]);
    }
    while (set->fd_count--)
        close(set->fds[set->fd_count]);
    gc_free(set->gc);
}
