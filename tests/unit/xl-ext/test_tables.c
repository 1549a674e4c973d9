/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command tables of all plugins of our own, and what is refused in those of others. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/gc.h"
#include "xl-ext/own.h"
#include "xl-ext/plugins.h"

static void our_own_tables_have_no_fault(void **state)
{
    size_t n;
    GC_SCOPE(gc);

    for (n = 0; own_plugins[n]; n++) {
        const char *fault = plugin_fault(gc, own_plugins[n]);

        if (fault)
            fail_msg("plugin %s: %s", own_plugins[n]->name, fault);
        assert_int_equal(own_plugins[n]->abi, XLX_PLUGIN_ABI);
        assert_non_null(own_plugins[n]->commands);
    }
    assert_true(n >= 2);
}

static void no_command_stands_in_two_plugins(void **state)
{
    for (size_t a = 0; own_plugins[a]; a++) {
        for (size_t b = 0; b < a; b++) {
            assert_string_not_equal(own_plugins[a]->name, own_plugins[b]->name);
            for (size_t i = 0; i < own_plugins[a]->command_count; i++) {
                for (size_t k = 0; k < own_plugins[b]->command_count; k++)
                    assert_string_not_equal(own_plugins[a]->commands[i]->name, own_plugins[b]->commands[k]->name);
            }
        }
    }
}

/* Long options of the tool stand behind every command as well: a command's own of that name would mean another thing;
 * but what xl means by it is right where xl's command is wrapped. */
static void no_command_gives_an_option_of_the_tool_another_meaning(void **state)
{
    static const char *const shared[] = {"json", "quiet", "help", "version"};

    for (size_t a = 0; own_plugins[a]; a++) {
        for (size_t i = 0; i < own_plugins[a]->command_count; i++) {
            const struct xlx_command *c = own_plugins[a]->commands[i];

            for (size_t k = 0; k < c->option_count; k++) {
                for (size_t s = 0; s < sizeof(shared) / sizeof(*shared); s++)
                    assert_false(c->options[k].name && !c->options[k].of_xl && !strcmp(c->options[k].name, shared[s]));
            }
        }
    }
}

static void texts_are_written_alike(void **state)
{
    for (size_t a = 0; own_plugins[a]; a++) {
        for (size_t i = 0; i < own_plugins[a]->command_count; i++) {
            const struct xlx_command *c = own_plugins[a]->commands[i];
            const char *faulty = NULL;

            if (!isupper((unsigned char)*c->summary) || strlen(c->summary) > 61)
                faulty = c->summary;
            for (size_t k = 0; k < c->option_count; k++) {
                const char *help = c->options[k].help;

                if (isupper((unsigned char)*help) && !isupper((unsigned char)help[1]))
                    faulty = help;
                if (help[strlen(help) - 1] == '.')
                    faulty = help;
            }
            if (faulty)
                fail_msg(
                    "%s: '%s': a summary starts with a capital and has at most 61 bytes (help has 80 columns), the "
                    "help of an option starts small and ends without a full stop",
                    c->name, faulty);
        }
    }
}

/* ---- tables of others ---- */

struct options {
    bool flag;
    uint64_t number;
};

static int run(const struct xlx_invocation *in)
{
    return 0;
}

static const struct xlx_option good_options[] = {
    {'f', "flag", XLX_OPTION_FLAG, offsetof(struct options, flag), NULL, "a flag"},
    {'n', "number", XLX_OPTION_NUMBER, offsetof(struct options, number), "N", "a number"},
};

static const struct xlx_command good = {
    .name = "sample",
    .synopsis = "[-f] [-n N] DOMAIN",
    .summary = "Do nothing",
    .options = good_options,
    .option_count = 2,
    .options_size = sizeof(struct options),
    .args_min = 1,
    .args_max = 1,
    .domain_arg = 0,
    .run = run,
};

static const char *fault_of(struct gc *gc, const struct xlx_command *command)
{
    const struct xlx_command *commands[] = {command};
    struct xlx_plugin plugin = {XLX_PLUGIN_ABI, "sample", "a sample", commands, 1, NULL, NULL};

    return plugin_fault(gc, &plugin);
}

static const char *fault_with_option(struct gc *gc, struct xlx_option option)
{
    const struct xlx_option options[] = {good_options[0], option};
    struct xlx_command c = good;

    c.options = options;
    return fault_of(gc, &c);
}

#define FAULTY(text, ...)                                                                                              \
    do {                                                                                                               \
        struct xlx_command c = good;                                                                                   \
        const char *fault;                                                                                             \
                                                                                                                       \
        __VA_ARGS__;                                                                                                   \
        fault = fault_of(gc, &c);                                                                                      \
        assert_non_null(fault);                                                                                        \
        assert_non_null(strstr(fault, text));                                                                          \
    } while (0)

static void a_table_that_cannot_be_used_is_refused_with_a_reason(void **state)
{
    GC_SCOPE(gc);

    assert_null(fault_of(gc, &good));
    FAULTY("name", c.name = NULL);
    FAULTY("name", c.name = "");
    FAULTY("name", c.name = "Sample");
    FAULTY("name", c.name = "a b");
    FAULTY("name", c.name = "../sample");
    FAULTY("the tool itself", c.name = "--json");
    FAULTY("the tool itself", c.name = "help");
    FAULTY("missing", c.summary = NULL);
    FAULTY("missing", c.synopsis = NULL);
    FAULTY("missing", c.run = NULL);
    FAULTY("full stop", c.summary = "Does nothing.");
    FAULTY("contradict", c.args_min = 2);
    FAULTY("contradict", c.args_min = -1);
    FAULTY("contradict", c.args_max = -2);
    FAULTY("domain", c.domain_arg = 1);
    FAULTY("domain", c.domain_arg = -2);
    FAULTY("not there", c.options = NULL);
    FAULTY("outside", c.options_size = sizeof(bool));
    FAULTY("outside", c.options_size = 0);
    assert_non_null(fault_of(gc, NULL));
}

static void an_option_that_cannot_be_used_is_refused_with_a_reason(void **state)
{
    static const struct {
        struct xlx_option option;
        const char *text;
    } cases[] = {
        {{0, NULL, XLX_OPTION_FLAG, 0, NULL, "help"}, "neither letter nor name"},
        {{'x', NULL, XLX_OPTION_FLAG, 0, NULL, NULL}, "no help"},
        {{'f', NULL, XLX_OPTION_FLAG, 0, NULL, "help"}, "-f stands twice"},
        {{0, "flag", XLX_OPTION_FLAG, 0, NULL, "help"}, "--flag stands twice"},
        {{'x', NULL, XLX_OPTION_FLAG, sizeof(struct options), NULL, "help"}, "outside"},
        {{'x', NULL, XLX_OPTION_FLAG, SIZE_MAX, NULL, "help"}, "outside"},
        {{'x', NULL, XLX_OPTION_LIST, 8, "N", "help"}, "outside"},
        {{'x', NULL, (enum xlx_option_type)99, 0, "N", "help"}, "outside"},
        {{'x', NULL, XLX_OPTION_FLAG, 0, "N", "help"}, "name its value"},
        {{'x', NULL, XLX_OPTION_NUMBER, 8, NULL, "help"}, "name its value"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        GC_SCOPE(gc);
        const char *fault = fault_with_option(gc, cases[i].option);

        assert_non_null(fault);
        assert_non_null(strstr(fault, cases[i].text));
    }
}

static void commands_out_of_order_are_refused(void **state)
{
    struct xlx_command other = good;
    const struct xlx_command *commands[] = {&good, &other};
    struct xlx_plugin plugin = {XLX_PLUGIN_ABI, "sample", "a sample", commands, 2, NULL, NULL};
    GC_SCOPE(gc);

    other.name = "table";
    assert_null(plugin_fault(gc, &plugin));
    other.name = "room";
    assert_non_null(strstr(plugin_fault(gc, &plugin), "not sorted"));
    other.name = "sample";
    assert_non_null(plugin_fault(gc, &plugin));
    plugin.commands = NULL;
    assert_non_null(plugin_fault(gc, &plugin));
    plugin.command_count = 0;
    assert_null(plugin_fault(gc, &plugin));
    plugin.xl_commands = (const char *const[]){"create", NULL};
    assert_non_null(strstr(plugin_fault(gc, &plugin), "without a check"));
    plugin.xl_commands = NULL;
    plugin.name = NULL;
    assert_non_null(plugin_fault(gc, &plugin));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_own_tables_have_no_fault),
        cmocka_unit_test(no_command_stands_in_two_plugins),
        cmocka_unit_test(no_command_gives_an_option_of_the_tool_another_meaning),
        cmocka_unit_test(texts_are_written_alike),
        cmocka_unit_test(a_table_that_cannot_be_used_is_refused_with_a_reason),
        cmocka_unit_test(an_option_that_cannot_be_used_is_refused_with_a_reason),
        cmocka_unit_test(commands_out_of_order_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
