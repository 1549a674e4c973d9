/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/gc.h"
#include "tests/fakes/capture.h"
#include "xl-ext/tool.h"

struct options {
    bool flag, other;
    const char *text;
    uint64_t number, size_kb, duration_ms;
    struct xlx_list list;
};

static int run(const struct xlx_invocation *in)
{
    return 0;
}

static const struct xlx_option table[] = {
    {'f', "flag", XLX_OPTION_FLAG, offsetof(struct options, flag), NULL, "a flag"},
    {'o', NULL, XLX_OPTION_FLAG, offsetof(struct options, other), NULL, "another"},
    {'x', "text", XLX_OPTION_TEXT, offsetof(struct options, text), "TEXT", "a text"},
    {'n', "number", XLX_OPTION_NUMBER, offsetof(struct options, number), "N", "a number"},
    {'s', "size", XLX_OPTION_SIZE, offsetof(struct options, size_kb), "SIZE", "a size"},
    {'t', "time", XLX_OPTION_DURATION, offsetof(struct options, duration_ms), "SECONDS", "a time"},
    {'l', "list", XLX_OPTION_LIST, offsetof(struct options, list), "ITEM", "an item"},
};

static const struct xlx_command command = {
    .name = "sample",
    .synopsis = "[-f]...",
    .summary = "Sample",
    XLX_OPTIONS(table, struct options),
    .args_max = XLX_ARGS_ANY,
    .run = run,
};

/* The result of one command line. */
static struct {
    struct options options;
    struct global_options global;
    bool help;
    int first;           /* index of the first argument left */
    char *left[16];      /* the arguments left */
    const char *message; /* what was said on standard error */
} got;
static struct gc *pool;

static int new_pool(void **state)
{
    pool = gc_new();
    return 0;
}

static int free_pool(void **state)
{
    gc_free(pool);
    return 0;
}

static int parse_words(const char *const *words)
{
    struct capture c;
    int argc = 1;
    char **argv = gc_array(pool, 20, sizeof(*argv));

    argv[0] = gc_strdup(pool, "sample");
    while (*words)
        argv[argc++] = gc_strdup(pool, *words++);
    memset(&got, 0, sizeof(got));
    c = capture_begin(stderr);
    got.first = parse_command_options(pool, &command, argc, argv, &got.options, &got.global, &got.help);
    got.message = capture_end(&c);
    for (int i = got.first; i >= 0 && i < argc; i++)
        got.left[i - got.first] = argv[i];
    return got.first;
}

/* At least one word; cppcheck cannot read __VA_OPT__. */
#define PARSE(...) parse_words((const char *const[]){__VA_ARGS__, NULL})
#define REFUSED(text, ...)                                                                                             \
    do {                                                                                                               \
        assert_int_equal(PARSE(__VA_ARGS__), -1);                                                                      \
        if (!strstr(got.message, text))                                                                                \
            fail_msg("'%s' is not in '%s'", text, got.message);                                                        \
    } while (0)

static void every_type_is_read_in_every_form(void **state)
{
    assert_int_equal(PARSE("-f", "-x", "a b", "-n", "18446744073709551615", "-s", "1g", "-t", "1.5", "rest"), 10);
    assert_true(got.options.flag);
    assert_false(got.options.other);
    assert_string_equal(got.options.text, "a b");
    assert_true(got.options.number == UINT64_MAX);
    assert_int_equal(got.options.size_kb, 1 << 20);
    assert_int_equal(got.options.duration_ms, 1500);
    assert_string_equal(got.left[0], "rest");

    assert_int_equal(PARSE("--flag", "--text=", "--number", "7", "--size=512k", "--time=2m"), 7);
    assert_true(got.options.flag);
    assert_string_equal(got.options.text, "");
    assert_int_equal(got.options.number, 7);
    assert_int_equal(got.options.size_kb, 512);
    assert_int_equal(got.options.duration_ms, 120000);

    assert_int_equal(PARSE("-fon7", "-s2m", "x"), 3);
    assert_true(got.options.flag && got.options.other);
    assert_int_equal(got.options.number, 7);
    assert_int_equal(got.options.size_kb, 2048);
}

static void a_list_grows_with_each_mention(void **state)
{
    assert_int_equal(PARSE("-l", "a", "--list=b", "--list", "c"), 6);
    assert_int_equal(got.options.list.count, 3);
    assert_string_equal(got.options.list.items[0], "a");
    assert_string_equal(got.options.list.items[2], "c");
}

static void the_first_argument_ends_short_options(void **state)
{
    assert_int_equal(PARSE("-f", "domain", "-100", "-o"), 2);
    assert_false(got.options.other);
    assert_string_equal(got.left[1], "-100");
    assert_string_equal(got.left[2], "-o");
    /* A lone minus is an argument. */
    assert_int_equal(PARSE("-", "-f"), 1);
    assert_false(got.options.flag);
}

static void known_long_options_may_stand_behind_arguments(void **state)
{
    assert_int_equal(PARSE("domain", "--number", "7", "-100", "--flag", "--json", "end"), 5);
    assert_int_equal(got.options.number, 7);
    assert_true(got.options.flag);
    assert_true(got.global.json);
    assert_string_equal(got.left[0], "domain");
    assert_string_equal(got.left[1], "-100");
    assert_string_equal(got.left[2], "end");
    REFUSED("needs a value", "domain", "--number");
}

static void two_dashes_end_all_options(void **state)
{
    assert_int_equal(PARSE("-f", "--", "--flag", "-o"), 3);
    assert_string_equal(got.left[0], "--flag");
    assert_false(got.options.other);
    assert_true(PARSE("domain", "--", "--flag") >= 1);
    assert_false(got.options.flag);
    assert_string_equal(got.left[0], "domain");
    assert_string_equal(got.left[1], "--flag");
    assert_null(got.left[2]);
}

static void options_of_the_tool_stand_behind_the_command_too(void **state)
{
    assert_int_equal(PARSE("--json", "--quiet", "--timeout", "3", "x"), 5);
    assert_true(got.global.json && got.global.quiet);
    assert_int_equal(got.global.timeout_ms, 3000);
    assert_int_equal(PARSE("--timeout=250ms"), 2);
    assert_int_equal(got.global.timeout_ms, 250);
    REFUSED("--timeout", "--timeout");
    REFUSED("--timeout", "--timeout", "soon");
}

static void help_is_seen(void **state)
{
    PARSE("--help");
    assert_true(got.help);
    PARSE("-fh");
    assert_true(got.help);
}

static void what_cannot_be_read_is_refused_and_named(void **state)
{
    REFUSED("unknown option -z", "-z");
    REFUSED("unknown option -z", "-fz");
    REFUSED("unknown option --zz", "--zz=1");
    REFUSED("unknown option --fla", "--fla");
    REFUSED("unknown option --flagg", "--flagg");
    REFUSED("takes no value", "--flag=yes");
    REFUSED("needs a value: N", "-n");
    REFUSED("needs a value: N", "--number");
    REFUSED("-n: 'x': a decimal number", "-n", "x");
    REFUSED("too large", "-n", "18446744073709551616");
    REFUSED("a decimal number", "--number=");
    REFUSED("a decimal number", "-n", "-1");
    REFUSED("unknown suffix", "-s", "5q");
    REFUSED("unknown suffix", "-t", "5 s");
    REFUSED("too long", "--time", "101000h");
}

/* ---- before the command ---- */

static int parse_global_words(struct global_options *global, const char *const *words)
{
    struct capture c;
    int argc = 1, first;
    char **argv = gc_array(pool, 20, sizeof(*argv));

    argv[0] = gc_strdup(pool, "xl-ext");
    while (*words)
        argv[argc++] = gc_strdup(pool, *words++);
    memset(global, 0, sizeof(*global));
    c = capture_begin(stderr);
    first = parse_global_options(pool, argc, argv, global);
    capture_end(&c);
    return first;
}

#define PARSE_GLOBAL(...) parse_global_words(&g, (const char *const[]){__VA_ARGS__, NULL})

static void options_of_xl_are_kept_for_xl(void **state)
{
    struct global_options g;

    assert_int_equal(PARSE_GLOBAL("-vv", "--json", "-f", "-t", "--timeout", "9", "list", "-v"), 7);
    assert_int_equal(g.verbose, 2);
    assert_true(g.json);
    assert_int_equal(g.timeout_ms, 9000);
    assert_int_equal(g.for_xl_count, 3);
    assert_string_equal(g.for_xl[0], "-vv");
    assert_string_equal(g.for_xl[2], "-t");
}

static void bad_options_before_the_command_are_refused(void **state)
{
    struct global_options g;

    assert_int_equal(PARSE_GLOBAL("--nonsense", "list"), -1);
    assert_int_equal(PARSE_GLOBAL("-x", "list"), -1);
    assert_int_equal(PARSE_GLOBAL("-vx", "list"), -1);
    assert_int_equal(PARSE_GLOBAL("--timeout"), -1);
    assert_int_equal(PARSE_GLOBAL("--timeout", "x", "list"), -1);
    assert_int_equal(parse_global_words(&g, (const char *const[]){NULL}), 1);
    assert_int_equal(PARSE_GLOBAL("-V"), 2);
    assert_true(g.version);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, new_pool, free_pool)
    const struct CMUnitTest tests[] = {
        T(every_type_is_read_in_every_form),
        T(a_list_grows_with_each_mention),
        T(the_first_argument_ends_short_options),
        T(known_long_options_may_stand_behind_arguments),
        T(two_dashes_end_all_options),
        T(options_of_the_tool_stand_behind_the_command_too),
        T(help_is_seen),
        T(what_cannot_be_read_is_refused_and_named),
        T(options_of_xl_are_kept_for_xl),
        T(bad_options_before_the_command_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
