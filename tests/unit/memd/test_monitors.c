/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the folder of the domains' monitors looks like as they come and go. */
#include <dirent.h>
#include <setjmp.h>
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

#include "memd/memd.h"
#include "tests/fakes/clock.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

extern const struct service service_qmp;

static struct xlx_ctx *ctx;
static struct service_domains domains;

static char folder[] = "/tmp/test_monitors.XXXXXX";

/* What stands in it, in order: names, links with where they lead to. */
static const char *listing(void)
{
    static char text[512];
    struct dirent **names;
    char path[64];
    int n;

    snprintf(path, sizeof(path), "%s/qmp", folder);
    *text = 0;
    n = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char full[400], target[64] = "";

        snprintf(full, sizeof(full), "%s/%s", path, names[i]->d_name);
        if (*names[i]->d_name != '.') {
            ssize_t len = readlink(full, target, sizeof(target) - 1);

            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s%s ", names[i]->d_name, len > 0 ? ">" : "",
                     target);
        }
        free(names[i]);
    }
    free(names);
    return text;
}

static void come(void *service, struct service_domain *domain)
{
    service_domains_add(&domains, domain);
    service_qmp.domain_appeared(service, domain);
}

static void go(void *service, struct service_domain *domain)
{
    service_qmp.domain_gone(service, domain);
    service_domains_remove(&domains, domain);
}

static void each_domain_has_a_socket_and_a_link_by_its_name(void **state)
{
    struct service_domain one = {.domid = 1, .name = "web"}, two = {.domid = 2, .name = "12"},
                          three = {.domid = 3, .name = "../evil"}, twin = {.domid = 4, .name = "web"},
                          nine = {.domid = 9, .name = "nine"};
    struct service_env env = {.run_folder = folder, .domains = &domains};
    struct config *config;
    char stale[64];
    void *s;

    ctx = fake_ctx_new();
    env.ctx = ctx;
    assert_int_equal(config_load(ctx, "/nonexistent/memd.cfg", false, &config), 0);
    env.config = config;
    /* What a killed one left. */
    snprintf(stale, sizeof(stale), "%s/qmp", folder);
    mkdir(stale, 0755);
    snprintf(stale, sizeof(stale), "%s/qmp/old", folder);
    assert_int_equal(symlink("99", stale), 0);

    assert_int_equal(service_qmp.start(&env, &s), 0);
    assert_string_equal(listing(), "");
    come(s, &one);
    come(s, &two);
    come(s, &three);
    assert_string_equal(listing(), "1 2 3 web>1 ");
    strcpy(two.name, "mail");
    service_qmp.domain_renamed(s, &two);
    assert_string_equal(listing(), "1 2 3 mail>2 web>1 ");
    /* As while it migrates to the same host: the newer one has the name, and the older has it back. */
    come(s, &twin);
    assert_string_equal(listing(), "1 2 3 4 mail>2 web>4 ");
    go(s, &twin);
    assert_string_equal(listing(), "1 2 3 mail>2 web>1 ");
    go(s, &one);
    assert_string_equal(listing(), "2 3 mail>2 ");
    /* A name may look like anything that a monitor needs for a moment. */
    strcpy(two.name, "9~");
    service_qmp.domain_renamed(s, &two);
    assert_string_equal(listing(), "2 3 9~>2 ");
    come(s, &nine);
    assert_string_equal(listing(), "2 3 9 9~>2 nine>9 ");
    go(s, &nine);
    assert_string_equal(listing(), "2 3 9~>2 ");
    service_qmp.stop(s);
    assert_string_equal(listing(), "");
    service_domains_dispose(&domains);
    config_free(config);
    fake_ctx_free(ctx);
}

static bool is_there(const char *name)
{
    char path[128];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return !lstat(path, &st);
}

static void a_name_that_could_be_another_file_makes_no_link(void **state)
{
    struct service_domain up = {.domid = 1, .name = "../evil"}, hidden = {.domid = 2, .name = ".hidden"},
                          deep = {.domid = 3, .name = "sub/evil"}, none = {.domid = 4, .name = ""},
                          old = {.domid = 5, .name = "web"}, new = {.domid = 6, .name = "web"};
    struct service_env env = {.run_folder = folder, .domains = &domains};
    struct config *config;
    char sub[64];
    void *s;

    ctx = env.ctx = fake_ctx_new();
    assert_int_equal(config_load(ctx, "/nonexistent/memd.cfg", false, &config), 0);
    env.config = config;
    assert_int_equal(service_qmp.start(&env, &s), 0);
    snprintf(sub, sizeof(sub), "%s/qmp/sub", folder);
    assert_int_equal(mkdir(sub, 0755), 0);
    come(s, &up);
    come(s, &hidden);
    come(s, &deep);
    come(s, &none);
    assert_false(is_there("qmp/sub/evil"));
    assert_int_equal(rmdir(sub), 0);
    assert_string_equal(listing(), "1 2 3 4 ");
    assert_false(is_there("evil"));
    assert_false(is_there("qmp/.hidden"));
    come(s, &old);
    come(s, &new);
    /* The one that goes leaves the link that is the other's by now. */
    go(s, &old);
    assert_string_equal(listing(), "1 2 3 4 6 web>6 ");
    service_qmp.stop(s);
    assert_string_equal(listing(), "");
    service_domains_dispose(&domains);
    config_free(config);
    fake_ctx_free(ctx);
}

/* In a folder of his own the owner of the sockets could put others into their place, which root then talks to. */
static void the_folder_stays_ours_whoever_owns_the_sockets(void **state)
{
    struct service_env env = {.run_folder = folder, .domains = &domains};
    struct service_domain one = {.domid = 1, .name = "web"};
    struct config *config;
    struct stat st;
    char path[96];
    FILE *file;
    void *s;

    if (geteuid())
        skip();
    ctx = env.ctx = fake_ctx_new();
    snprintf(path, sizeof(path), "%s/cfg", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("qmp_owner = \"nobody\"\n", file);
    fclose(file);
    assert_int_equal(config_load(ctx, path, true, &config), 0);
    unlink(path);
    env.config = config;
    assert_int_equal(service_qmp.start(&env, &s), 0);
    come(s, &one);
    snprintf(path, sizeof(path), "%s/qmp", folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    snprintf(path, sizeof(path), "%s/qmp/1", folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_not_equal(st.st_uid, 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    service_qmp.stop(s);
    service_domains_dispose(&domains);
    config_free(config);
    fake_ctx_free(ctx);
}

static void pass_is_over(struct ev_timer *timer)
{
    ev_timer_stop(timer);
}

static void pass(uint64_t ms)
{
    struct ev_timer timer = {.handle = NULL};

    ev_timer_start(&ctx->loop, &timer, ms, 0, pass_is_over);
    while (ev_timer_active(&timer))
        uv_run(&ctx->loop, UV_RUN_ONCE);
}

static void a_domain_that_came_without_descriptors_gets_its_monitor_later(void **state)
{
    struct service_domain one = {.domid = 1, .name = "web"}, two = {.domid = 2, .name = "mail"};
    struct service_env env = {.run_folder = folder, .domains = &domains};
    struct rlimit before, none;
    struct config *config;
    void *s;

    ctx = env.ctx = fake_ctx_new();
    assert_int_equal(config_load(ctx, "/nonexistent/memd.cfg", false, &config), 0);
    env.config = config;
    assert_int_equal(service_qmp.start(&env, &s), 0);
    come(s, &one);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    come(s, &two);
    pass(30000);
    assert_non_null(strstr(fake_messages(), "cannot serve QMP"));
    /* It was tried ever more rarely. */
    assert_true(fake_message_count() > 2 && fake_message_count() < 8);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_string_equal(listing(), "1 web>1 ");
    fake_messages_forget();
    pass(60000);
    assert_string_equal(listing(), "1 2 mail>2 web>1 ");
    assert_int_equal(fake_message_count(), 0);
    /* Nothing is waited for any more. */
    assert_int_equal(fake_clock_timers(), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    go(s, &two);
    come(s, &two);
    assert_int_equal(fake_clock_timers(), 1);
    service_qmp.stop(s);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_string_equal(listing(), "");
    fake_messages_forget();
    service_domains_dispose(&domains);
    config_free(config);
    fake_ctx_free(ctx);
}

static int remove_folder(void **state)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/qmp", folder);
    rmdir(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_domain_has_a_socket_and_a_link_by_its_name),
        cmocka_unit_test(a_name_that_could_be_another_file_makes_no_link),
        cmocka_unit_test(the_folder_stays_ours_whoever_owns_the_sockets),
        cmocka_unit_test(a_domain_that_came_without_descriptors_gets_its_monitor_later),
    };

    if (!mkdtemp(folder))
        return 1;
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
