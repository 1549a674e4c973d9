/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ranges in files. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "balance/xen/ranges.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "tests/fakes/ctx.h"

#define MIB UINT64_C(1024)
#define UUID "0b0b0b0b-1111-2222-3333-444444444444"

static char folder[] = "/tmp/test_ranges.XXXXXX";
static struct xlx_ctx *ctx;

static int make(void **state)
{
    ctx = fake_ctx_new();
    return 0;
}

static int unmake(void **state)
{
    fake_ctx_free(ctx);
    return 0;
}

static const char *path_of(struct gc *gc, const char *name)
{
    return gc_printf(gc, "%s/%s", folder, name);
}

static void put(struct gc *gc, const char *name, const char *text)
{
    FILE *f = fopen(path_of(gc, name), "we");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void what_is_written_is_read(void **state)
{
    static const char text[] = "# by hand\n\n"
                               "web = \"min=512 max=4g weight=300 lend=all\"\n"
                               "  Db-1.prod='max=1024' ; # spaces, a ;\n"
                               "\"two words\" = \"min=65536k lend=25%\"\r\n" UUID " = \"min=1g\"";
    struct ranges ranges = {0};
    const struct range_rule *r;
    struct settings s;
    const char *cause;
    unsigned line;
    GC_SCOPE(gc);

    assert_int_equal(ranges_parse(gc, "f", text, &ranges, &line, &cause), 0);
    assert_int_equal(ranges.count, 4);
    r = ranges_find(&ranges, "", "web");
    assert_int_equal(r->line, 3);
    assert_int_equal(r->min_memkb, 512 * MIB);
    assert_int_equal(r->max_memkb, 4096 * MIB);
    assert_int_equal(r->weight, 300);
    assert_int_equal(r->lend.kind, HOST_LEND_ALL);
    range_rule_resolve(ranges_find(&ranges, NULL, "Db-1.prod"), 2048 * MIB, &s);
    assert_int_equal(s.min_memkb, xlx_mem_floor_memkb(2048 * MIB));
    assert_int_equal(s.max_memkb, 1024 * MIB);
    assert_int_equal(s.weight, SETTINGS_WEIGHT);
    range_rule_resolve(ranges_find(&ranges, NULL, "two words"), 2048 * MIB, &s);
    assert_int_equal(s.min_memkb, 64 * MIB);
    assert_int_equal(s.max_memkb, 2048 * MIB);
    assert_int_equal(s.lend.kind, HOST_LEND_PERCENT);
    /* A UUID is found in either case, and before the name. */
    assert_int_equal(ranges_find(&ranges, "0B0B0B0B-1111-2222-3333-444444444444", "web")->min_memkb, 1024 * MIB);
    assert_null(ranges_find(&ranges, NULL, "Web"));
    assert_null(ranges_find(&ranges, "", ""));
}

static void a_mistake_is_named_with_its_line_and_nothing_of_the_file_counts(void **state)
{
    static const struct {
        const char *line, *cause;
    } bad[] = {
        {"web", "an entry is"},
        {"web =", "an entry is"},
        {"web = 512", "an entry is"},
        {"= \"min=1\"", "an entry is"},
        {"web = \"min=1", "an entry is"},
        {"web = \"min=1\" max", "an entry is"},
        {"two words = \"min=1\"", "an entry is"},
        {"\"\" = \"min=1\"", "an entry is"},
        {"web = \"\"", "neither min= nor max="},
        {"web = \"weight=5\"", "neither min= nor max="},
        {"web = \"min=2g max=1g\"", "the minimum is above the maximum"},
        {"web = \"min=12q\"", "suffix"},
        {"web = \"min=1 weight=0\"", "weight of 0"},
        {"web = \"min=1 weight=65536\"", "large"},
        {"web = \"min=1 lend=much\"", "number"},
        {"web = \"min=1 size=5\"", "known words"},
        {"good = \"max=2g\"", "before"},
    };
    GC_SCOPE(gc);

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct ranges ranges = {0};
        const char *cause = "";
        unsigned line;

        assert_int_equal(
            ranges_parse(gc, "f", gc_printf(gc, "good = \"min=1g\"\n\n%s\n", bad[i].line), &ranges, &line, &cause),
            ERROR_INVAL);
        assert_int_equal(line, 3);
        if (!strstr(cause, bad[i].cause))
            fail_msg("%s: %s", bad[i].line, cause);
        assert_int_equal(ranges.count, 0);
    }
}

static void an_entry_is_replaced_added_or_taken_out_and_all_else_stays(void **state)
{
    static const char text[] = "# hosts\nweb = \"min=1g\"  # ours\n\ndb = \"min=2g\"";
    struct range_rule rule = {.min_memkb = 768 * MIB, .max_memkb = 4096 * MIB, .weight = 9};
    GC_SCOPE(gc);

    assert_string_equal(ranges_with(gc, text, "web", &rule),
                        "# hosts\nweb = \"min=768 max=4g weight=9\"\n\ndb = \"min=2g\"\n");
    assert_string_equal(ranges_with(gc, text, "web", NULL), "# hosts\n\ndb = \"min=2g\"\n");
    rule = (struct range_rule){.min_memkb = RANGE_ABSENT, .max_memkb = 100001, .lend = {HOST_LEND_MEMKB, 5000}};
    assert_string_equal(ranges_with(gc, "", "a b", &rule), "\"a b\" = \"max=100001k lend=5000k\"\n");
    assert_string_equal(ranges_with(gc, text, "none", NULL), "# hosts\nweb = \"min=1g\"  # ours\n\ndb = \"min=2g\"\n");
}

static void what_is_saved_is_read_again(void **state)
{
    static const struct host_lend lends[] = {
        {HOST_LEND_DEFAULT, 0}, {HOST_LEND_ALL, 0}, {HOST_LEND_PERCENT, 40}, {HOST_LEND_MEMKB, 123456}};
    static const char *const names[] = {"web", "with space", "it's", "say \"x\"", "a=b", "#1", UUID};
    GC_SCOPE(gc);

    for (size_t i = 0; i < ARRAY_LEN(names) * ARRAY_LEN(lends); i++) {
        struct range_rule rule = {.min_memkb = 4 + 1023 * i,
                                  .max_memkb = 1024 * MIB * (i + 1),
                                  .weight = i,
                                  .lend = lends[i % ARRAY_LEN(lends)]};
        const char *text = ranges_with(gc, "", names[i / ARRAY_LEN(lends)], &rule), *cause;
        const struct range_rule *r;
        struct ranges ranges = {0};
        unsigned line;

        assert_int_equal(ranges_parse(gc, "f", text, &ranges, &line, &cause), 0);
        r = ranges_find(&ranges, names[i / ARRAY_LEN(lends)], names[i / ARRAY_LEN(lends)]);
        assert_non_null(r);
        assert_int_equal(r->min_memkb, rule.min_memkb);
        assert_int_equal(r->max_memkb, rule.max_memkb);
        assert_int_equal(r->weight, rule.weight);
        assert_int_equal(r->lend.kind, rule.lend.kind);
        assert_int_equal(r->lend.amount, rule.lend.amount);
    }
}

static void a_file_is_put_in_place_at_once_or_not_at_all(void **state)
{
    struct ranges ranges = {0};
    const char *text, *fault;
    struct stat st;
    GC_SCOPE(gc);

    assert_int_equal(ranges_read(gc, path_of(gc, "none.cfg"), &text, &ranges, &fault), 0);
    assert_string_equal(text, "");
    assert_int_equal(ranges_write(ctx, path_of(gc, "r.cfg"), "web = \"min=1g\"\n"), 0);
    assert_int_equal(stat(path_of(gc, "r.cfg"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(ranges_read(gc, path_of(gc, "r.cfg"), &text, &ranges, &fault), 0);
    assert_int_equal(ranges.count, 1);
    assert_int_equal(ranges_write(ctx, path_of(gc, "none/r.cfg"), ""), ERROR_NOTFOUND);
    assert_non_null(strstr(fake_messages(), "cannot write"));
    put(gc, "bad.cfg", "web = \"min=1g\"\nweb2\n");
    assert_int_equal(ranges_read(gc, path_of(gc, "bad.cfg"), &text, &ranges, &fault), ERROR_INVAL);
    assert_non_null(strstr(fault, "bad.cfg, line 2: an entry is"));
}

/* Names of what stands in the folder, without order. */
static unsigned files_in_folder(void)
{
    DIR *dir = opendir(folder);
    unsigned count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/* A limit for the size of files does what a full disk does: a part is written, and then nothing more. */
static void a_disk_that_gets_full_leaves_the_file_as_it_was(void **state)
{
    static const char old[] = "web = \"min=1g\"\n", new[] = "web = \"min=1g\"\ndb = \"min=1g max=2g weight=300\"\n";
    struct ranges ranges = {0};
    const char *text, *fault;
    struct rlimit before, few;
    unsigned files;
    GC_SCOPE(gc);

    assert_int_equal(ranges_write(ctx, path_of(gc, "full.cfg"), old), 0);
    files = files_in_folder();
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    few = (struct rlimit){.rlim_cur = sizeof(old) + 4, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
    assert_int_not_equal(ranges_write(ctx, path_of(gc, "full.cfg"), new), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_non_null(strstr(fake_messages(), "full.cfg: "));
    assert_int_equal(files_in_folder(), files);
    assert_int_equal(ranges_read(gc, path_of(gc, "full.cfg"), &text, &ranges, &fault), 0);
    assert_string_equal(text, old);
    fake_messages_forget();
}

static void a_file_that_is_no_text_is_refused_and_not_written_again_cut_short(void **state)
{
    static const char bytes[] = "web = \"min=1g\"\n\0db = \"min=1g\"\n";
    struct ranges ranges = {0};
    const char *text, *fault;
    FILE *f;
    GC_SCOPE(gc);

    f = fopen(path_of(gc, "nul.cfg"), "we");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, sizeof(bytes) - 1, 1, f), 1);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(ranges_read(gc, path_of(gc, "nul.cfg"), &text, &ranges, &fault), ERROR_INVAL);
    assert_non_null(strstr(fault, "NUL"));
    assert_int_equal(ranges.count, 0);
}

static void a_name_that_no_entry_can_have_is_known(void **state)
{
    static const char *const cannot[] = {"", "two\nlines", "both ' and \"", "tab\there", "return\r", "\x7f"};
    static const char *const can[] = {"web", "with space", "it's", "say \"x\"", "a=b;#", "\xc3\xa9"};

    for (size_t i = 0; i < ARRAY_LEN(cannot); i++)
        assert_false(ranges_can_name(cannot[i]));
    for (size_t i = 0; i < ARRAY_LEN(can); i++)
        assert_true(ranges_can_name(can[i]));
}

/* As large as a file may be: what it costs grows with its lines, not with their square. */
static void a_file_of_many_entries_is_read_and_changed(void **state)
{
    enum { MANY = 30000 };
    struct range_rule rule = {.min_memkb = 1024, .max_memkb = RANGE_ABSENT};
    struct ranges ranges = {0};
    struct text all = {.gc = NULL};
    const char *cause, *text;
    char line[64];
    unsigned at;
    GC_SCOPE(gc);

    for (unsigned i = 0; i < MANY; i++)
        text_add(&all, line, (size_t)snprintf(line, sizeof(line), "guest%u = \"min=1 max=2\"\n", MANY - i));
    text_add(&all, "", 1);
    assert_int_equal(ranges_parse(gc, "f", all.bytes, &ranges, &at, &cause), 0);
    assert_int_equal(ranges.count, MANY);
    text = ranges_with(gc, all.bytes, "guest7", &rule);
    assert_non_null(strstr(text, "\nguest7 = \"min=1\"\n"));
    assert_int_equal(strlen(text), all.len - 1 - strlen(" max=2"));
    text = gc_printf(gc, "%sguest2 = \"max=1\"\nguest1 = \"max=1\"\n", all.bytes);
    assert_int_equal(ranges_parse(gc, "f", text, &ranges, &at, &cause), ERROR_INVAL);
    assert_int_equal(at, MANY + 1);
    assert_int_equal(ranges.count, MANY);
    text_free(&all);
}

static void configurations_give_ranges_by_name_when_only_root_can_write_them(void **state)
{
    struct ranges ranges = {0};
    GC_SCOPE(gc);

    put(gc, "web.xl",
        "name = \"web\"\nmemory = 512\ndynamic_memory_min = 256\ndynamic_memory_max = 1024\n"
        "memory_weight = 7\n");
    put(gc, "db.xl", "name=\"db\"\ndynamic_memory_max=\"2g\"\n");
    put(gc, "plain.xl", "name=\"plain\"\nmemory=100\n");
    put(gc, "others.xl", "name=\"others\"\ndynamic_memory_max=100\n");
    chmod(path_of(gc, "others.xl"), 0666);
    put(gc, "broken.xl", "dynamic_memory_max = [\n");
    put(gc, "nonsense.xl", "name=\"nonsense\"\ndynamic_memory_max=\"much\"\n");
    put(gc, "nameless.xl", "dynamic_memory_max=100\n");
    assert_int_equal(mkdir(path_of(gc, "sub"), 0755), 0);
    assert_int_equal(symlink("web.xl", path_of(gc, "zz-link")), 0);
    ranges_of_folder(ctx, gc, folder, &ranges);
    assert_non_null(ranges_find(&ranges, NULL, "web"));
    assert_int_equal(ranges_find(&ranges, NULL, "web")->weight, 7);
    assert_int_equal(ranges_find(&ranges, NULL, "web")->min_memkb, 256 * MIB);
    assert_int_equal(ranges_find(&ranges, NULL, "db")->min_memkb, RANGE_ABSENT);
    assert_int_equal(ranges_find(&ranges, NULL, "db")->max_memkb, 2048 * MIB);
    assert_null(ranges_find(&ranges, NULL, "plain"));
    assert_null(ranges_find(&ranges, NULL, "others"));
    assert_null(ranges_find(&ranges, NULL, "nonsense"));
    ranges_of_folder(ctx, gc, "/nowhere/at/all", &ranges);
    fake_messages_forget();
}

static int make_folder(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[64];

    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_mistake_is_named_with_its_line_and_nothing_of_the_file_counts),
        cmocka_unit_test(an_entry_is_replaced_added_or_taken_out_and_all_else_stays),
        cmocka_unit_test(what_is_saved_is_read_again),
        cmocka_unit_test_setup_teardown(a_file_is_put_in_place_at_once_or_not_at_all, make, unmake),
        cmocka_unit_test_setup_teardown(a_disk_that_gets_full_leaves_the_file_as_it_was, make, unmake),
        cmocka_unit_test(a_file_that_is_no_text_is_refused_and_not_written_again_cut_short),
        cmocka_unit_test(a_name_that_no_entry_can_have_is_known),
        cmocka_unit_test(a_file_of_many_entries_is_read_and_changed),
        cmocka_unit_test_setup_teardown(configurations_give_ranges_by_name_when_only_root_can_write_them, make, unmake),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
