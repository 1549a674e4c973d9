/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one sentence about a library that cannot be used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/build.h"
#include "base/cleanup.h"
#include "xl-ext/library.h"

#define MISSING "libxenctrl.so.4.17: cannot open shared object file: No such file or directory"

static char root[] = "/tmp/test_library.XXXXXX";

static void write_number(const char *name, const char *text)
{
    CLEANUP_FILE FILE *f = NULL;
    GC_SCOPE(gc);

    f = fopen(gc_printf(gc, "%s/sys/hypervisor/version/%s", root, name), "we");
    assert_non_null(f);
    fputs(text, f);
}

/* A host that runs Xen 4.99. */
static int make_root(void **state)
{
    static const char *const folders[] = {"/sys", "/sys/hypervisor", "/sys/hypervisor/version"};
    GC_SCOPE(gc);

    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        assert_int_equal(mkdir(gc_printf(gc, "%s%s", root, folders[i]), 0700), 0);
    write_number("major", "4\n");
    write_number("minor", "99\n");
    return 0;
}

static int remove_root(void **state)
{
    GC_SCOPE(gc);

    return system(gc_printf(gc, "rm -r %s", root));
}

static void another_xen_is_told_of_with_both_versions(void **state)
{
    GC_SCOPE(gc);
    const char *said = library_fault(gc, "/lib/libxlx.so.0", MISSING, root);

    assert_non_null(strstr(said, gc_printf(gc, "built for Xen %s, this host runs 4.99: ", build_xen)));
}

static void without_xen_the_missing_library_is_named(void **state)
{
    GC_SCOPE(gc);
    const char *said = library_fault(gc, "/lib/libxlx.so.0", MISSING, "/nonexistent");

    assert_non_null(strstr(said, gc_printf(gc, "/lib/libxlx.so.0, built for Xen %s", build_xen)));
    assert_non_null(strstr(said, "libxenctrl.so.4.17: cannot open"));
    assert_null(strstr(said, "this host runs"));
}

static void what_has_nothing_to_do_with_xens_version_is_not_put_down_to_it(void **state)
{
    GC_SCOPE(gc);

    assert_null(strstr(library_fault(gc, "/x", "/x: invalid ELF header", root), "this host runs"));
    assert_non_null(strstr(library_fault(gc, "/x", "/x: undefined symbol: gc_new", root), "another build"));
    assert_non_null(
        strstr(library_fault(gc, "/x", "/x: version `XLX_PRIVATE' not found (required by /y)", root), "another build"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_xen_is_told_of_with_both_versions),
        cmocka_unit_test(without_xen_the_missing_library_is_named),
        cmocka_unit_test(what_has_nothing_to_do_with_xens_version_is_not_put_down_to_it),
    };

    return cmocka_run_group_tests(tests, make_root, remove_root);
}
