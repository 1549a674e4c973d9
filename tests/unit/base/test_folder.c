/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which folders are fit for private work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/folder.h"

static char place[] = "/tmp/test_folder.XXXXXX";
static char path[64], other[64];

static int make(void **state)
{
    strcpy(place + sizeof(place) - 7, "XXXXXX");
    assert_non_null(mkdtemp(place));
    snprintf(path, sizeof(path), "%s/folder", place);
    snprintf(other, sizeof(other), "%s/other", place);
    return 0;
}

static int unmake(void **state)
{
    unlink(path);
    rmdir(path);
    rmdir(other);
    return rmdir(place);
}

static const char *cause_of(void)
{
    const char *cause = "none";
    CLEANUP_FD int fd = -1;

    assert_int_not_equal(folder_open(path, 0755, &fd, &cause), 0);
    assert_int_equal(fd, -1);
    return cause;
}

static void one_that_is_not_there_is_made(void **state)
{
    const char *cause;
    struct stat st;

    for (int i = 0; i < 2; i++) {
        CLEANUP_FD int fd = -1;

        assert_int_equal(folder_open(path, 0700, &fd, &cause), 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0700);
    }
}

static void what_is_no_folder_is_refused(void **state)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fclose(file);
    assert_string_equal(cause_of(), "it is no folder");
}

/* It would lead wherever its owner wants at the moment. */
static void a_link_to_a_folder_is_refused(void **state)
{
    assert_int_equal(mkdir(other, 0700), 0);
    assert_int_equal(symlink(other, path), 0);
    assert_string_equal(cause_of(), "it is no folder");
}

static void one_that_others_can_write_to_is_refused(void **state)
{
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0775), 0);
    assert_string_equal(cause_of(), "others can write to the folder");
    assert_int_equal(chmod(path, 01757), 0);
    assert_string_equal(cause_of(), "others can write to the folder");
}

static void one_of_another_user_is_refused(void **state)
{
    if (geteuid())
        skip();
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_string_equal(cause_of(), "the folder belongs to another user");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_that_is_not_there_is_made, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_no_folder_is_refused, make, unmake),
        cmocka_unit_test_setup_teardown(a_link_to_a_folder_is_refused, make, unmake),
        cmocka_unit_test_setup_teardown(one_that_others_can_write_to_is_refused, make, unmake),
        cmocka_unit_test_setup_teardown(one_of_another_user_is_refused, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
