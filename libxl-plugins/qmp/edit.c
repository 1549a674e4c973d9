/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/edit.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define LIBEDIT "libedit.so.2"
#define HISTORY_LINES 500

/* libedit's interface in readline's names (editline/readline.h). */
static struct {
    void *library;
    void (*callback_handler_install)(const char *prompt, void (*line)(char *));
    void (*callback_handler_remove)(void);
    void (*callback_read_char)(void);
    int (*add_history)(const char *line);
    int (*read_history)(const char *file);
    int (*write_history)(const char *file);
    void (*stifle_history)(int lines);
    void (*using_history)(void);
    int (*forced_update_display)(void);
} lib;

static const char *shown_prompt, *history_file;
static void (*line_handler)(char *text);
static bool editing;

static bool load(void)
{
    static const struct {
        const char *name;
        void *slot;
    } functions[] = {
        {"rl_callback_handler_install", &lib.callback_handler_install},
        {"rl_callback_handler_remove", &lib.callback_handler_remove},
        {"rl_callback_read_char", &lib.callback_read_char},
        {"add_history", &lib.add_history},
        {"read_history", &lib.read_history},
        {"write_history", &lib.write_history},
        {"stifle_history", &lib.stifle_history},
        {"using_history", &lib.using_history},
        {"rl_forced_update_display", &lib.forced_update_display},
    };

    lib.library = dlopen(LIBEDIT, RTLD_NOW | RTLD_LOCAL);
    if (!lib.library)
        return false;
    for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
        void *function = dlsym(lib.library, functions[i].name);

        if (!function) {
            dlclose(lib.library);
            lib.library = NULL;
            return false;
        }
        *(void **)functions[i].slot = function;
    }
    return true;
}

static void pause_editing(void)
{
    /* This also gives the terminal its usual mode back; libedit does not take the raw one again by itself. */
    if (editing)
        lib.callback_handler_remove();
    editing = false;
}

static void line_complete(char *text)
{
    if (text && *text)
        lib.add_history(text);
    pause_editing();
    line_handler(text);
}

bool edit_start(const char *prompt, const char *history, void (*line)(char *text))
{
    if (!load())
        return false;
    line_handler = line;
    shown_prompt = prompt;
    history_file = history;
    lib.using_history();
    lib.stifle_history(HISTORY_LINES);
    if (history)
        lib.read_history(history);
    return true;
}

void edit_resume(void)
{
    if (!editing)
        lib.callback_handler_install(shown_prompt, line_complete);
    editing = true;
}

void edit_readable(void)
{
    if (editing)
        lib.callback_read_char();
}

void edit_hide(void)
{
    if (!editing)
        return;
    fputs("\r\033[K", stdout);
    fflush(stdout);
}

void edit_show(void)
{
    if (editing)
        lib.forced_update_display();
}

/* The library stays: what it registered with the process cannot be taken back. */
void edit_stop(void)
{
    pause_editing();
    if (history_file)
        lib.write_history(history_file);
}
