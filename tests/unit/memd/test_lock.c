/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One memd for a host, whatever its run folder. */
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

#include "memd/memd.h"
#include "tests/fakes/ctx.h"

static char place[] = "/tmp/test_lock.XXXXXX";
static char host[64], mine[64], yours[64];
static struct xlx_ctx *ctx;

static int make(void **state)
{
    strcpy(place + sizeof(place) - 7, "XXXXXX");
    assert_non_null(mkdtemp(place));
    snprintf(host, sizeof(host), "%s/host", place);
    snprintf(mine, sizeof(mine), "%s/mine", place);
    snprintf(yours, sizeof(yours), "%s/yours", place);
    ctx = fake_ctx_new();
    return 0;
}

static void remove_folder(const char *folder)
{
    char path[80];

    snprintf(path, sizeof(path), "%s/memd.lock", folder);
    unlink(path);
    rmdir(folder);
}

static int unmake(void **state)
{
    fake_ctx_free(ctx);
    remove_folder(host);
    remove_folder(mine);
    remove_folder(yours);
    return rmdir(place);
}

static int lock(const char *host_folder, const char *run_folder, struct memd_locks *locks)
{
    *locks = (struct memd_locks)MEMD_LOCKS_NONE;
    return memd_lock(ctx, host_folder, run_folder, locks);
}

static void a_second_memd_is_refused_with_the_same_folder_and_with_another(void **state)
{
    struct memd_locks first, second;

    assert_int_equal(lock(host, host, &first), 0);
    assert_int_not_equal(lock(host, host, &second), 0);
    assert_non_null(strstr(fake_messages(), "another memd"));
    assert_int_not_equal(lock(host, mine, &second), 0);
    memd_unlock(&first);
    assert_int_equal(lock(host, mine, &second), 0);
    assert_int_not_equal(lock(host, yours, &first), 0);
    memd_unlock(&second);
    assert_int_equal(lock(host, yours, &first), 0);
    memd_unlock(&first);
}

static void a_lock_that_is_refused_leaves_none_behind(void **state)
{
    struct memd_locks first, second;

    /* As on a host that another container shares: only the run folder is common. */
    assert_int_equal(lock(host, mine, &first), 0);
    assert_int_not_equal(lock(yours, mine, &second), 0);
    assert_int_equal(second.host, -1);
    assert_int_equal(lock(yours, yours, &second), 0);
    memd_unlock(&second);
    memd_unlock(&first);
}

static void a_lock_is_never_made_through_a_link(void **state)
{
    struct memd_locks locks;
    char path[80], victim[80];

    assert_int_equal(mkdir(host, 0755), 0);
    snprintf(path, sizeof(path), "%s/memd.lock", host);
    snprintf(victim, sizeof(victim), "%s/victim", place);
    assert_int_equal(symlink(victim, path), 0);
    assert_int_not_equal(lock(host, host, &locks), 0);
    assert_int_not_equal(access(victim, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_second_memd_is_refused_with_the_same_folder_and_with_another, make, unmake),
        cmocka_unit_test_setup_teardown(a_lock_that_is_refused_leaves_none_behind, make, unmake),
        cmocka_unit_test_setup_teardown(a_lock_is_never_made_through_a_link, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
