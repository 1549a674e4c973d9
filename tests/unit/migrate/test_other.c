/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How another host is asked: a script in ssh's place notes its arguments, and runs the command for the other side in a
 * shell, as a host's sshd does, with another script in xl-ext's place.
 */
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
#include "base/error.h"
#include "migrate/migrate.h"
#include "tests/fakes/ctx.h"

static struct xlx_ctx *ctx;
static struct gc *pool;
static char folder[64];

static void script(const char *name, const char *text)
{
    char *path = gc_printf(pool, "%s/%s", folder, name);
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    fprintf(f, "#!/bin/sh\n%s", text);
    fclose(f);
    assert_int_equal(chmod(path, 0700), 0);
}

static char *noted(const char *name)
{
    char *text = gc_alloc(pool, 4096);
    CLEANUP_FILE FILE *f = fopen(gc_printf(pool, "%s/%s", folder, name), "re");

    if (f)
        text[fread(text, 1, 4095, f)] = '\0';
    return text;
}

static int make(void **state)
{
    ctx = fake_ctx_new();
    pool = gc_new();
    strcpy(folder, "/tmp/xl-ext-test-other-XXXXXX");
    assert_non_null(mkdtemp(folder));
    script("xl-ext", gc_printf(pool, "for a; do printf '<%%s>' \"$a\"; done >%s/there\nexit 9\n", folder));
    script("ssh", gc_printf(pool, "PATH=%s:$PATH\nprintf '%%s' \"$#:$1\" >%s/here\ncd %s && sh -c \"$2\"\n", folder,
                            folder, folder));
    return 0;
}

static int unmake(void **state)
{
    static const char *const files[] = {"xl-ext", "ssh", "there", "here", "planted"};

    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        unlink(gc_printf(pool, "%s/%s", folder, files[i]));
    assert_int_equal(rmdir(folder), 0);
    gc_free(pool);
    fake_ctx_free(ctx);
    return 0;
}

static int ask(const char *host, const char *const *paths, size_t count)
{
    struct policy_doc *doc;

    return policy_of_other_host(ctx, pool, gc_printf(pool, "%s/ssh", folder), host, paths, count, 0, &doc);
}

static void the_other_host_is_asked_for_its_policy(void **state)
{
    assert_int_equal(ask("h", NULL, 0), ERROR_FAIL);
    assert_string_equal(noted("here"), "2:h");
    assert_string_equal(noted("there"), "<cpu-policy><--host><--raw>");
    assert_non_null(strstr(fake_messages(), "fails there (exit status 9)"));
}

static void a_name_of_a_host_is_no_command_here(void **state)
{
    const char *host =
        gc_printf(pool, "h'; touch %s/planted; 'x $(touch %s/planted) `touch %s/planted`", folder, folder, folder);

    assert_int_equal(ask(host, NULL, 0), ERROR_FAIL);
    assert_string_equal(noted("here"), gc_printf(pool, "2:%s", host));
    assert_int_not_equal(access(gc_printf(pool, "%s/planted", folder), F_OK), 0);
}

static void a_path_is_no_command_there(void **state)
{
    const char *const paths[] = {"/var/a b", "/x'; touch planted; '", "/$(touch planted)", "/`touch planted`;&|<>\\"};
    const char *wanted = "<cpu-policy><--host><--raw>";

    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        wanted = gc_printf(pool, "%s<--path><%s>", wanted, paths[i]);
    assert_int_equal(ask("h", paths, ARRAY_LEN(paths)), ERROR_FAIL);
    assert_string_equal(noted("there"), wanted);
    assert_int_not_equal(access(gc_printf(pool, "%s/planted", folder), F_OK), 0);
}

static void an_option_for_ssh_is_no_host(void **state)
{
    assert_int_equal(ask("-oProxyCommand=x", NULL, 0), ERROR_INVAL);
    assert_int_equal(ask("", NULL, 0), ERROR_INVAL);
    assert_string_equal(noted("here"), "");
}

/* ---- its memory ---- */

#define UUID "05050505-0505-0505-0505-050505050505"

static int reserve(const char *host)
{
    struct migrate_reserve r = {
        .host = host, .ssh_command = gc_printf(pool, "%s/ssh", folder), .uuid = UUID, .memkb = 2048};

    return migrate_reserve(ctx, pool, &r);
}

/* What xl-ext there does and says, after it has noted its arguments. */
static void there_it(const char *does)
{
    script("xl-ext", gc_printf(pool, "for a; do printf '<%%s>' \"$a\"; done >%s/there\n%s\n", folder, does));
}

static void the_other_host_is_asked_to_make_room(void **state)
{
    there_it("echo r1: 2 MiB are reserved");
    assert_int_equal(reserve("h'; touch planted; '"), 0);
    assert_string_equal(noted("here"), "2:h'; touch planted; '");
    assert_string_equal(noted("there"), "<mem-reserve><2048k><--uuid><" UUID "><--lease><60><-t><60000ms>");
    assert_string_equal(fake_messages(), "");
    assert_int_equal(reserve("-oProxyCommand=x"), ERROR_INVAL);
}

static void a_guest_does_not_set_out_to_a_host_that_cannot_make_room(void **state)
{
    there_it("echo 'only 1 MiB became free\033[2J in time' >&2; exit 3");
    assert_int_equal(reserve("h"), ERROR_TIMEDOUT);
    assert_non_null(strstr(fake_messages(), "host h cannot make room for the guest: only 1 MiB became free"));
    assert_null(strchr(fake_messages(), '\033'));
}

static void a_host_without_memd_or_xl_ext_takes_it_as_xl_does(void **state)
{
    there_it("echo first >&2; echo 'memd does not run' >&2; exit 1");
    assert_int_equal(reserve("h"), 0);
    assert_non_null(strstr(fake_warnings(), "no memory is reserved on host h, xl goes on alone: memd does not run"));
    /* One that does not know the option. */
    there_it("exit 2");
    assert_int_equal(reserve("h"), 0);
    assert_non_null(strstr(fake_warnings(), "'xl-ext mem-reserve' fails there (exit status 2)"));
    there_it("exit 127");
    assert_int_equal(reserve("h"), 0);
    assert_non_null(strstr(fake_warnings(), "there is no xl-ext there"));
    there_it("exit 255");
    assert_int_equal(reserve("h"), 0);
    assert_non_null(strstr(fake_warnings(), "ssh does not get there"));
}

static void what_is_left_of_a_guest_there_is_destroyed(void **state)
{
    const char *ssh = gc_printf(pool, "%s/ssh", folder);

    there_it("exit 0");
    migrate_forget_there(ctx, pool, ssh, "h'; touch planted; '", UUID);
    assert_string_equal(noted("here"), "2:h'; touch planted; '");
    assert_string_equal(noted("there"), "<migrate-receive><--forget><" UUID ">");
    assert_string_equal(fake_messages(), "");
    /* One that does not know the option. */
    there_it("exit 2");
    migrate_forget_there(ctx, pool, ssh, "h", UUID);
    assert_non_null(strstr(fake_warnings(), "may be left on host h: 'xl-ext migrate-receive --forget' fails there"));
    there_it("exit 127");
    migrate_forget_there(ctx, pool, ssh, "h", UUID);
    assert_non_null(strstr(fake_warnings(), "may be left on host h: there is no xl-ext there"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_other_host_is_asked_for_its_policy, make, unmake),
        cmocka_unit_test_setup_teardown(a_name_of_a_host_is_no_command_here, make, unmake),
        cmocka_unit_test_setup_teardown(a_path_is_no_command_there, make, unmake),
        cmocka_unit_test_setup_teardown(an_option_for_ssh_is_no_host, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_left_of_a_guest_there_is_destroyed, make, unmake),
        cmocka_unit_test_setup_teardown(the_other_host_is_asked_to_make_room, make, unmake),
        cmocka_unit_test_setup_teardown(a_guest_does_not_set_out_to_a_host_that_cannot_make_room, make, unmake),
        cmocka_unit_test_setup_teardown(a_host_without_memd_or_xl_ext_takes_it_as_xl_does, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
