/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xl-ext/tool.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/gc.h"

/* Everything here is read from the command tables; nothing about a command is written twice. */

void help_usage(const struct xlx_command *command)
{
    fprintf(stderr, "usage: xl-ext %s %s\n", command->name, command->synopsis);
}

/* "-t, --time SECONDS", with the long names in one column. */
static char *option_label(struct gc *gc, const struct xlx_option *o)
{
    const char *letter = o->letter ? gc_printf(gc, "-%c", o->letter) : "  ";
    const char *between = o->letter && o->name ? ", " : "  ";

    return gc_printf(gc, "%s%s%s%s%s%s", letter, o->name ? between : "", o->name ? "--" : "", o->name ? o->name : "",
                     o->value ? " " : "", o->value ? o->value : "");
}

/* Text wrapped at 78 columns; a line that starts with a blank is kept as it is. The first line starts where the cursor
 * is, in column indent; the others are indented so far. */
static void print_wrapped(const char *text, unsigned indent)
{
    for (bool first = true; *text; first = false) {
        size_t line = strcspn(text, "\n"), column = indent;

        if (!first)
            printf("%*s", (int)indent, "");
        if (*text == ' ') {
            printf("%.*s\n", (int)line, text);
            text += line + (text[line] == '\n');
            continue;
        }
        while (line) {
            size_t word = strcspn(text, " \n");

            if (word > line)
                word = line;
            if (column > indent && column + 1 + word > 78) {
                printf("\n%*s", (int)indent, "");
                column = indent;
            }
            if (column > indent) {
                putchar(' ');
                column++;
            }
            printf("%.*s", (int)word, text);
            column += word;
            text += word;
            line -= word;
            while (line && *text == ' ') {
                text++;
                line--;
            }
        }
        putchar('\n');
        text += *text == '\n';
    }
}

/* Where the explanations of options begin. */
#define OPTION_COLUMN 26

void help_command(const struct xlx_command *command)
{
    GC_SCOPE(gc);

    printf("usage: xl-ext %s %s\n\n", command->name, command->synopsis);
    print_wrapped(command->summary, 0);
    if (command->details) {
        putchar('\n');
        print_wrapped(command->details, 0);
    }
    if (command->option_count)
        printf("\noptions:\n");
    for (size_t i = 0; i < command->option_count; i++) {
        const char *label = option_label(gc, &command->options[i]);

        if (strlen(label) < OPTION_COLUMN - 2)
            printf("  %-*s", OPTION_COLUMN - 2, label);
        else
            printf("  %s\n%*s", label, OPTION_COLUMN, "");
        print_wrapped(command->options[i].help, OPTION_COLUMN);
    }
}

void help_overview(struct plugin_set *set)
{
    const struct xlx_plugin *const *plugins;
    size_t count;

    printf("usage: xl-ext [OPTIONS] COMMAND [ARGUMENTS]\n\n"
           "xl-ext extends Xen's xl toolstack. A command that is not listed here is handed\n"
           "to xl with all its arguments, so that 'alias xl=xl-ext' works.\n");
    plugins = plugins_all(set, &count);
    for (size_t i = 0; i < count; i++) {
        printf("\n%s (%s):\n", plugins[i]->name, plugins[i]->summary);
        for (size_t k = 0; k < plugins[i]->command_count; k++) {
            const struct xlx_command *c = plugins[i]->commands[k];

            if (!(c->flags & XLX_COMMAND_HIDDEN))
                printf("  %-16s %s\n", c->name, c->summary);
        }
    }
    printf("\noptions before the command:\n"
           "  --json              JSON on standard output; may stand behind the command too\n"
           "  --quiet             errors only\n"
           "  --timeout SECONDS   give up a wait after that time\n"
           "  -v                  say more; repeat for still more\n"
           "  -f -t -T -N         as in xl, handed on to it\n"
           "  -h, --help          this text; 'xl-ext help COMMAND' for a command\n"
           "  --version           the version\n\n"
           "exit status: 0 done, 1 failed, 2 bad usage, 3 not reached in time, 4 refused by\n"
           "a policy of xl-ext, 130 interrupted\n\n"
           "No Xen here? 'make demo' and 'lab/xen-lab shell' in the source of xl-ext boot a\n"
           "real Xen with guests in an emulated machine.\n");
}

/* MODIFIES and so on, as words for scripts. */
static const char *flag_words(struct gc *gc, unsigned flags)
{
    static const struct {
        unsigned flag;
        const char *word;
    } words[] = {{XLX_COMMAND_MODIFIES, "modifies"},
                 {XLX_COMMAND_DRY_RUN, "dry-run"},
                 {XLX_COMMAND_ANYWHERE, "anywhere"},
                 {XLX_COMMAND_HIDDEN, "hidden"}};
    const char *text = "";

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (flags & words[i].flag)
            text = gc_printf(gc, "%s%s%s", text, *text ? "," : "", words[i].word);
    }
    return *text ? text : "-";
}

/* One line, whatever the text: a line break is \n there. */
static void details_line(struct gc *gc, const struct xlx_command *c)
{
    char *rest = gc_strdup(gc, c->details ? c->details : ""), *part;

    if (!*rest)
        return;
    printf("details\t%s\t%s", c->name, strsep(&rest, "\n"));
    while ((part = strsep(&rest, "\n")))
        printf("\\n%s", part);
    printf("\n");
}

void help_tables(struct plugin_set *set)
{
    const struct xlx_plugin *const *plugins;
    size_t count;
    GC_SCOPE(gc);

    plugins = plugins_all(set, &count);
    for (size_t i = 0; i < count; i++) {
        printf("plugin\t%s\t%s\n", plugins[i]->name, plugins[i]->summary);
        for (const char *const *name = plugins[i]->xl_commands; name && *name; name++)
            printf("checks\t%s\n", *name);
        for (size_t k = 0; k < plugins[i]->command_count; k++) {
            const struct xlx_command *c = plugins[i]->commands[k];

            printf("command\t%s\t%s\t%s\t%d\t%s\n", c->name, c->synopsis, c->summary, c->domain_arg,
                   flag_words(gc, c->flags));
            details_line(gc, c);
            for (size_t n = 0; n < c->option_count; n++) {
                const struct xlx_option *o = &c->options[n];

                printf("option\t%s\t%c\t%s\t%s\t%s\n", c->name, o->letter ? o->letter : '-', o->name ? o->name : "-",
                       o->value ? o->value : "-", o->help);
            }
        }
    }
}
