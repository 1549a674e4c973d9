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

/* ---- a command that wraps one of xl's ---- */

struct wrapped {
    struct option_reader reader;
    struct global_options *global;
    struct xlx_invocation *in;
    int xl_argc;
    bool help;
};

static void give_xl(struct wrapped *w, char *argument)
{
    w->in->xl_argv[w->xl_argc++] = argument;
}

/* The option of that long name. As for getopt_long, which xl uses, the beginning of one name alone stands for it. */
static const struct xlx_option *find_long(const struct xlx_command *c, const char *name, size_t len)
{
    const struct xlx_option *found = find_option(c, 0, name, len);
    unsigned matches = found != NULL;

    for (size_t i = 0; !found && len && i < c->option_count; i++) {
        const struct xlx_option *o = &c->options[i];

        matches += o->of_xl && o->name && !strncmp(o->name, name, len);
    }
    for (size_t i = 0; !found && matches == 1 && i < c->option_count; i++) {
        const struct xlx_option *o = &c->options[i];

        if (o->of_xl && o->name && !strncmp(o->name, name, len))
            found = o;
    }
    return found;
}

/* Returns how many arguments were used, or -1. What is wrong with an option of xl's is left to xl. */
static int wrapped_long(struct wrapped *w, char **argv)
{
    size_t len = strcspn(argv[0] + 2, "=");
    const struct xlx_option *o = find_long(w->reader.command, argv[0] + 2, len);
    char *value = argv[0][2 + len] ? argv[0] + 3 + len : NULL;
    int used = 1;

    if (!strcmp(argv[0], "--help"))
        w->help = true;
    if (!o) {
        used = shared_long_option(w->global, argv[0], argv[1]);
        if (!used)
            give_xl(w, argv[0]);
        return used ? used : 1;
    }
    if (!o->of_xl)
        return long_option(&w->reader, argv[0], argv[1]);
    give_xl(w, argv[0]);
    if (o->type != XLX_OPTION_FLAG && !value && argv[1]) {
        value = argv[1];
        give_xl(w, value);
        used = 2;
    }
    if (o->type == XLX_OPTION_FLAG ? !value : value != NULL)
        set_option(&w->reader, o, argv[0], value);
    return used;
}

/* Of letters that stand together, xl gets its own and those that nobody knows. */
static int wrapped_letters(struct wrapped *w, char **argv)
{
    const char *kept = "-";
    char *value = NULL;

    for (const char *c = argv[0] + 1; *c; c++) {
        const struct xlx_option *o = find_option(w->reader.command, *c, NULL, 0);
        bool takes_value = o && o->type != XLX_OPTION_FLAG;

        if (takes_value)
            value = c[1] ? gc_strdup(w->reader.gc, c + 1) : argv[1];
        if (!o || o->of_xl)
            kept = gc_printf(w->reader.gc, "%s%c%s", kept, *c, takes_value ? c + 1 : "");
        if (!o) {
            w->help |= *c == 'h';
        } else if (takes_value && !value && !o->of_xl) {
            message_error("-%c needs a value: %s", *c, o->value);
            return -1;
        } else if ((!takes_value || value) &&
                   set_option(&w->reader, o, gc_printf(w->reader.gc, "-%c", *c), takes_value ? value : NULL)) {
            return -1;
        }
        if (!takes_value)
            continue;
        if (kept[1])
            give_xl(w, gc_strdup(w->reader.gc, kept));
        if (c[1] || !argv[1])
            return 1;
        if (o->of_xl)
            give_xl(w, argv[1]);
        return 2;
    }
    if (kept[1])
        give_xl(w, gc_strdup(w->reader.gc, kept));
    return 1;
}

int parse_wrapped_options(struct gc *gc, int argc, char **argv, struct xlx_invocation *in, void *options,
                          struct global_options *global, bool *help)
{
    struct wrapped w = {
        .reader = {.gc = gc, .command = in->command, .options = options},
        .global = global,
        .in = in,
    };
    bool options_ended = false;

    in->xl_argv = gc_array(gc, (size_t)global->for_xl_count + (size_t)argc + 2, sizeof(*in->xl_argv));
    in->argv = gc_array(gc, (size_t)argc + 1, sizeof(*in->argv));
    give_xl(&w, gc_strdup(gc, "xl"));
    for (int i = 0; i < global->for_xl_count; i++)
        give_xl(&w, global->for_xl[i]);
    give_xl(&w, argv[0]);
    for (int i = 1; i < argc;) {
        char *a = argv[i];
        int used = 1;

        if (options_ended || *a != '-' || !a[1]) {
            in->argv[in->argc++] = a;
            give_xl(&w, a);
        } else if (!strcmp(a, "--")) {
            options_ended = true;
            give_xl(&w, a);
        } else {
            used = a[1] == '-' ? wrapped_long(&w, argv + i) : wrapped_letters(&w, argv + i);
        }
        if (used < 0)
            return -1;
        i += used;
    }
    *help = w.help;
    return 0;
}
