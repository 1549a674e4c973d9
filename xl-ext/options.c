/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xl-ext/tool.h"

#include <string.h>

#include "base/error.h"
#include "base/parse.h"
#include "xl-ext/messages.h"

/* ---- options before the command ---- */

static void keep_for_xl(struct gc *gc, struct global_options *global, char *argument)
{
    global->for_xl = gc_realloc(gc, global->for_xl, (size_t)(global->for_xl_count + 1) * sizeof(*global->for_xl));
    global->for_xl[global->for_xl_count++] = argument;
}

static int global_timeout(struct global_options *global, const char *value)
{
    const char *cause = "a time is expected";

    if (!value || parse_duration_ms(value, &global->timeout_ms, &cause)) {
        message_error("--timeout: '%.64s': %s", value ? value : "", cause);
        return -1;
    }
    return 0;
}

/* The options that may stand before any command or, in their long form, behind it. 1: taken; 2: took value too; 0: not
 * one of them; -1: bad. */
static int shared_long_option(struct global_options *global, const char *argument, const char *value)
{
    if (!strcmp(argument, "--json"))
        global->json = true;
    else if (!strcmp(argument, "--quiet"))
        global->quiet = true;
    else if (!strcmp(argument, "--timeout"))
        return global_timeout(global, value) ? -1 : 2;
    else if (!strncmp(argument, "--timeout=", 10))
        return global_timeout(global, argument + 10) ? -1 : 1;
    else
        return 0;
    return 1;
}

int parse_global_options(struct gc *gc, int argc, char **argv, struct global_options *global)
{
    for (int i = 1; i < argc; i++) {
        char *a = argv[i];
        int taken;

        if (*a != '-' || !a[1])
            return i;
        taken = shared_long_option(global, a, argv[i + 1]);
        if (taken < 0)
            return -1;
        if (taken) {
            i += taken - 1;
            continue;
        }
        if (!strcmp(a, "--help") || !strcmp(a, "-h")) {
            global->help = true;
        } else if (!strcmp(a, "--version") || !strcmp(a, "-V")) {
            global->version = true;
        } else if (a[1] != '-' && strspn(a + 1, "vftTN") == strlen(a + 1)) {
            for (const char *c = a + 1; *c; c++)
                global->verbose += *c == 'v';
            keep_for_xl(gc, global, a);
        } else {
            message_error("unknown option %.64s before the command: see 'xl-ext help'", a);
            return -1;
        }
    }
    return argc;
}

/* ---- a command's options ---- */

struct option_reader {
    struct gc *gc;
    const struct xlx_command *command;
    void *options;
};

static const struct xlx_option *find_option(const struct xlx_command *c, char letter, const char *name, size_t len)
{
    for (size_t i = 0; i < c->option_count; i++) {
        const struct xlx_option *o = &c->options[i];

        if (name ? o->name && strlen(o->name) == len && !strncmp(o->name, name, len) : o->letter == letter)
            return o;
    }
    return NULL;
}

static void append_to_list(struct gc *gc, struct xlx_list *list, const char *value)
{
    list->items = gc_realloc(gc, list->items, (list->count + 1) * sizeof(*list->items));
    list->items[list->count++] = value;
}

static int set_option(struct option_reader *r, const struct xlx_option *o, const char *shown, const char *value)
{
    void *member = (char *)r->options + o->offset;
    const char *cause = NULL;
    int rc = 0;

    switch (o->type) {
    case XLX_OPTION_FLAG:
        *(bool *)member = true;
        break;
    case XLX_OPTION_TEXT:
        *(const char **)member = value;
        break;
    case XLX_OPTION_NUMBER:
        rc = parse_u64(value, UINT64_MAX, member, &cause);
        break;
    case XLX_OPTION_SIZE:
        rc = parse_size_kb(value, member, &cause);
        break;
    case XLX_OPTION_DURATION:
        rc = parse_duration_ms(value, member, &cause);
        break;
    case XLX_OPTION_LIST:
        append_to_list(r->gc, member, value);
        break;
    }
    if (rc)
        message_error("%s: '%.64s': %s", shown, value, cause);
    return rc;
}

static int unknown_option(const struct option_reader *r, const char *shown)
{
    message_error("unknown option %.64s", shown);
    help_usage(r->command);
    return ERROR_INVAL;
}

/* Returns how many arguments were used, or an ERROR_*. */
static int long_option(struct option_reader *r, char *argument, char *next)
{
    size_t len = strcspn(argument + 2, "=");
    const struct xlx_option *o = find_option(r->command, 0, argument + 2, len);
    const char *value = argument[2 + len] ? argument + 3 + len : NULL;
    const char *shown = gc_strndup(r->gc, argument, len + 2);
    int rc;

    if (!o)
        return unknown_option(r, shown);
    if (o->type == XLX_OPTION_FLAG && value) {
        message_error("%s takes no value", shown);
        return ERROR_INVAL;
    }
    if (o->type == XLX_OPTION_FLAG || value) {
        rc = set_option(r, o, shown, value);
        return rc ? rc : 1;
    }
    if (!next) {
        message_error("%s needs a value: %s", shown, o->value);
        return ERROR_INVAL;
    }
    rc = set_option(r, o, shown, next);
    return rc ? rc : 2;
}

static int short_options(struct option_reader *r, char *argument, char *next, bool *help)
{
    int rc;

    for (char *c = argument + 1; *c; c++) {
        const struct xlx_option *o = find_option(r->command, *c, NULL, 0);
        const char *shown = gc_printf(r->gc, "-%c", *c);

        if (!o && *c == 'h') {
            *help = true;
            continue;
        }
        if (!o)
            return unknown_option(r, shown);
        if (o->type == XLX_OPTION_FLAG) {
            rc = set_option(r, o, shown, NULL);
            if (rc)
                return rc;
            continue;
        }
        if (c[1]) {
            rc = set_option(r, o, shown, c + 1);
            return rc ? rc : 1;
        }
        if (!next) {
            message_error("%s needs a value: %s", shown, o->value);
            return ERROR_INVAL;
        }
        rc = set_option(r, o, shown, next);
        return rc ? rc : 2;
    }
    return 1;
}

/* One option at argv[0], of the command or of the tool. Returns how many arguments were used, or an ERROR_*. */
static int any_option(struct option_reader *r, struct global_options *global, char **argv, bool *help)
{
    char *a = argv[0];
    int used;

    /* Long options of the tool may stand behind the command too, unless the command has one of that name. */
    used = a[1] == '-' && find_option(r->command, 0, a + 2, strcspn(a + 2, "="))
               ? 0
               : shared_long_option(global, a, argv[1]);
    if (!used)
        used = a[1] == '-' ? long_option(r, a, argv[1]) : short_options(r, a, argv[1], help);
    return used;
}

static bool is_known_long(const struct option_reader *r, const char *a)
{
    size_t len = strcspn(a, "=");

    if (strncmp(a, "--", 2) || len <= 2)
        return false;
    return find_option(r->command, 0, a + 2, len - 2) || !strcmp(a, "--json") || !strcmp(a, "--quiet") ||
           (!strncmp(a, "--timeout", len) && len == 9);
}

/* Known long options behind the arguments ("cpu-policy DOMAIN --raw") are taken too, and moved to the front. Short ones
 * are not: "mem-set DOMAIN -16" is a size. Returns the index of the first argument. */
static int trailing_options(struct option_reader *r, struct global_options *global, int argc, char **argv, int first)
{
    bool help;

    for (int i = first; i < argc; i++) {
        int used;

        if (!strcmp(argv[i], "--")) {
            /* It has said what it is for, and is no argument. */
            memmove(argv + first + 1, argv + first, (size_t)(i - first) * sizeof(*argv));
            return first + 1;
        }
        if (!is_known_long(r, argv[i]))
            continue;
        used = any_option(r, global, argv + i, &help);
        if (used < 0)
            return -1;
        for (int n = 0; n < used; n++) {
            char *option = argv[i + n];

            memmove(argv + first + 1, argv + first, (size_t)(i + n - first) * sizeof(*argv));
            argv[first++] = option;
        }
        i += used - 1;
    }
    return first;
}

int parse_command_options(struct gc *gc, const struct xlx_command *command, int argc, char **argv, void *options,
                          struct global_options *global, bool *help)
{
    struct option_reader r = {.gc = gc, .command = command, .options = options};
    int i = 1;

    while (i < argc) {
        char *a = argv[i];
        int used;

        if (*a != '-' || !a[1])
            return trailing_options(&r, global, argc, argv, i);
        if (!strcmp(a, "--"))
            return i + 1;
        if (!strcmp(a, "--help")) {
            *help = true;
            return i;
        }
        used = any_option(&r, global, argv + i, help);
        if (used < 0)
            return -1;
        i += used;
    }
    return i;
}
