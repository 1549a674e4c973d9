/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "vcpu/vcpu.h"

/* Eight CPUs on two nodes; CPU 7 is offline. */
static const uint32_t nodes[] = {0, 0, 0, 0, 1, 1, 1, CPU_NODE_NONE};
static const struct cpu_host host = {.cpu_count = 8, .node_count = 2, .node_of_cpu = nodes};

static void lists_mean_what_xl_makes_of_them(void **state)
{
    static const struct {
        const char *list, *text, *picture;
    } cases[] = {
        {"0", "0", "y-------"},
        {"0-3", "0-3", "yyyy----"},
        {"all", "all", "yyyyyyyy"},
        {"0-3,^2", "0-1,3", "yy-y----"},
        {"^2,0-3", "0-3", "yyyy----"},
        {"all,^0", "1-7", "-yyyyyyy"},
        {"nodes:0", "0-3", "yyyy----"},
        {"node:1", "4-6", "----yyy-"},
        {"nodes:0-1,^5", "0-4,6", "yyyyy-y-"},
        {"0-7,^nodes:0", "4-7", "----yyyy"},
        {"nodes:all", "all", "yyyyyyyy"},
        {"1,,3,", "1,3", "-y-y----"},
        {"^0", "none", "--------"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        GC_SCOPE(gc);
        struct cpu_set set;
        const char *cause;

        assert_int_equal(cpu_set_parse(gc, cases[i].list, &host, &set, &cause), 0);
        assert_string_equal(cpu_set_text(gc, &set), cases[i].text);
        assert_string_equal(cpu_set_picture(gc, &set), cases[i].picture);
    }
}

static void lists_that_cannot_be_are_refused_with_a_cause(void **state)
{
    static const char *const bad[] = {"",      ",",        "x",    "3-1",     "^all",      "^nodes:all",
                                      "8",     "0-8",      "-1",   "1-",      " 1",        "1 ",
                                      "0x1",   "node:2",   "node", "nodes:",  "^",         "99999999999999999999",
                                      "1-2-3", "0,nodes:", "^8",   "^node:9", "4294967296"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        GC_SCOPE(gc);
        struct cpu_set set;
        const char *cause = NULL;

        assert_int_equal(cpu_set_parse(gc, bad[i], &host, &set, &cause), ERROR_INVAL);
        assert_non_null(cause);
        assert_true(strlen(cause) > 10);
    }
}

static void a_missing_cpu_is_named_with_what_the_host_has(void **state)
{
    GC_SCOPE(gc);
    struct cpu_set set;
    const char *cause;

    assert_int_equal(cpu_set_parse(gc, "0-9", &host, &set, &cause), ERROR_INVAL);
    assert_string_equal(cause, "there is no CPU 9: this host has CPUs 0-7");
}

static void sets_of_every_size_show_themselves_whole(void **state)
{
    for (unsigned count = 1; count < 70; count++) {
        GC_SCOPE(gc);
        struct cpu_set set = cpu_set_new(gc, count);

        assert_string_equal(cpu_set_text(gc, &set), "none");
        for (unsigned cpu = 0; cpu < count; cpu++)
            cpu_set_add(&set, cpu);
        assert_string_equal(cpu_set_text(gc, &set), "all");
        assert_int_equal(strlen(cpu_set_picture(gc, &set)), count);
        assert_int_equal(strspn(cpu_set_picture(gc, &set), "y"), count);
    }
}

static void bits_beyond_the_last_cpu_do_not_make_sets_differ(void **state)
{
    GC_SCOPE(gc);
    struct cpu_set a = cpu_set_new(gc, 5), b = cpu_set_new(gc, 5);

    cpu_set_add(&a, 4);
    cpu_set_add(&b, 4);
    b.bits[0] |= 0xe0;
    assert_true(cpu_set_equal(&a, &b));
    cpu_set_add(&b, 0);
    assert_false(cpu_set_equal(&a, &b));
}

static char *conf_with(struct gc *gc, const char *text)
{
    char *path = gc_strdup(gc, "/tmp/xl-conf-XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    return path;
}

static char *masked(struct gc *gc, const char *conf, bool pv)
{
    char *path = conf_with(gc, conf);
    struct cpu_set set;
    const char *cause;
    int rc;

    assert_int_equal(cpu_set_parse(gc, "all", &host, &set, &cause), 0);
    rc = vcpu_masks_apply(gc, path, &host, pv, &set, &cause);
    unlink(path);
    return rc ? gc_printf(gc, "refused: %s", cause) : cpu_set_text(gc, &set);
}

static void masks_of_xl_conf_narrow_the_set_by_type(void **state)
{
    const char *conf = "vm.cpumask=\"0-5\"\nvm.pv.cpumask=\"all,^0\"\nvm.hvm.cpumask=\"0,1\"\n";
    GC_SCOPE(gc);

    assert_string_equal(masked(gc, conf, true), "1-5");
    assert_string_equal(masked(gc, conf, false), "0-1");
    assert_string_equal(masked(gc, "autoballoon=\"off\"\n", true), "all");
    assert_string_equal(masked(gc, "vm.cpumask=\"20\"\n", true),
                        "refused: vm.cpumask: there is no CPU 20: this host has CPUs 0-7");
    assert_string_equal(masked(gc, "vm.cpumask = [[[\n", true), "refused: the file is not readable as xl's settings");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_mean_what_xl_makes_of_them),
        cmocka_unit_test(lists_that_cannot_be_are_refused_with_a_cause),
        cmocka_unit_test(a_missing_cpu_is_named_with_what_the_host_has),
        cmocka_unit_test(sets_of_every_size_show_themselves_whole),
        cmocka_unit_test(bits_beyond_the_last_cpu_do_not_make_sets_differ),
        cmocka_unit_test(masks_of_xl_conf_narrow_the_set_by_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
