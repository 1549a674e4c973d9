/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is told of which domain, and what a monitor's folder looks like then. */
#include <dirent.h>
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

#include "memd/memd.h"
#include "tests/fakes/clock.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

extern const struct service service_qmp;

static struct xlx_ctx *ctx;
static struct service_domains domains;
static char seen[1024]; /* what was told, "; " between */

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    size_t len = strlen(seen);
    va_list args;

    va_start(args, format);
    vsnprintf(seen + len, sizeof(seen) - len, format, args);
    va_end(args);
}

static void appeared(void *arg, struct service_domain *d)
{
    note("+%u %s; ", d->domid, d->name);
}

static void renamed(void *arg, struct service_domain *d)
{
    note("%u is %s; ", d->domid, d->name);
}

static void shut_down(void *arg, struct service_domain *d, unsigned reason)
{
    note("%u ends %u; ", d->domid, reason);
}

static void written(void *arg, struct service_domain *d, enum service_node node)
{
    note("%u has a new %s; ", d->domid, node == SERVICE_NODE_TARGET ? "target" : "static-max");
}

static void gone(void *arg, struct service_domain *d)
{
    note("-%u; ", d->domid);
    assert_ptr_equal(service_domain_find(&domains, d->domid), d);
}

static const struct tracker_ops ops = {appeared, renamed, written, shut_down, gone};

static void told(const char *wanted)
{
    for (int i = 0; i < 8; i++)
        uv_run(&ctx->loop, UV_RUN_NOWAIT);
    while (fake_clock_timers())
        uv_run(&ctx->loop, UV_RUN_ONCE);
    assert_string_equal(seen, wanted);
    *seen = 0;
}

static struct fake_domain *add(uint32_t domid, const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
    fake_store_set(path, name);
    return fake_xen_domain(domid, 65536, 65536);
}

/* Watches alone do not keep a loop alive; memd's signals do. */
static struct ev_signal alive;

static void caught(struct ev_signal *s, int signum)
{
}

static struct tracker *begin(void)
{
    struct tracker *t;

    ctx = fake_ctx_new();
    assert_int_equal(ev_signal_start(&ctx->loop, &alive, SIGUSR1, caught), 0);
    *seen = 0;
    add(0, "Domain-0");
    add(1, "one");
    assert_int_equal(tracker_new(ctx, &domains, &ops, NULL, &t), 0);
    return t;
}

static void end(struct tracker *t)
{
    tracker_free(t);
    ev_signal_stop(&alive);
    fake_ctx_free(ctx);
}

static void those_that_are_there_are_told_at_the_start(void **state)
{
    struct tracker *t = begin();

    assert_string_equal(seen, "+0 Domain-0; +1 one; ");
    *seen = 0;
    told("");
    end(t);
}

static void at_rest_nothing_is_asked_and_nothing_waited_for(void **state)
{
    struct tracker *t = begin();
    unsigned looks;

    *seen = 0;
    told("");
    looks = fake_xen_looks();
    fake_forget();
    told("");
    assert_int_equal(fake_xen_looks(), looks);
    assert_int_equal(fake_clock_timers(), 0);
    end(t);
}

static void many_that_come_together_cost_one_look(void **state)
{
    struct tracker *t = begin();
    unsigned looks;

    *seen = 0;
    told("");
    looks = fake_xen_looks();
    for (uint32_t domid = 2; domid < 12; domid++) {
        add(domid, "many");
        fake_store_fire("@introduceDomain");
    }
    told("+2 many; +3 many; +4 many; +5 many; +6 many; +7 many; +8 many; +9 many; +10 many; +11 many; ");
    assert_int_equal(fake_xen_looks(), looks + 1);
    end(t);
}

static void a_new_name_is_told_once(void **state)
{
    struct tracker *t = begin();

    *seen = 0;
    told("");
    fake_store_set("/local/domain/1/name", "other");
    told("1 is other; ");
    fake_store_set("/local/domain/1/name", "other");
    told("");
    end(t);
}

static void a_target_or_static_max_that_is_written_is_told_of(void **state)
{
    struct tracker *t = begin();
    struct service_domain *one = service_domain_find(&domains, 1);

    *seen = 0;
    told("");
    assert_true(one->target_watched);
    fake_store_set("/local/domain/1/memory/target", "1024");
    told("1 has a new target; ");
    /* Also when it says the same: who wrote it is news. */
    fake_store_set("/local/domain/1/memory/target", "1024");
    told("1 has a new target; ");
    fake_store_set("/local/domain/1/memory/static-max", "2048");
    told("1 has a new static-max; ");
    fake_store_set("/local/domain/1/memory/meminfo", "1");
    told("");
    end(t);
}

static void a_record_keeps_its_address_while_others_come_and_go(void **state)
{
    struct tracker *t = begin();
    const struct service_domain *one = service_domain_find(&domains, 1);

    for (uint32_t domid = 2; domid < 60; domid++)
        add(domid, "many");
    fake_store_fire("@introduceDomain");
    for (int i = 0; i < 8; i++)
        uv_run(&ctx->loop, UV_RUN_NOWAIT);
    while (fake_clock_timers())
        uv_run(&ctx->loop, UV_RUN_ONCE);
    assert_int_equal(domains.count, 60);
    assert_ptr_equal(service_domain_find(&domains, 1), one);
    assert_null(service_domain_find(&domains, 60));
    fake_xen_remove(0);
    fake_xen_remove(30);
    fake_store_fire("@releaseDomain");
    *seen = 0;
    told("-0; -30; ");
    assert_ptr_equal(service_domain_find(&domains, 1), one);
    assert_null(service_domain_find(&domains, 30));
    assert_int_equal(service_domain_find(&domains, 59)->domid, 59);
    end(t);
}

/* xl save -c, or a migration that fails: the domain goes on under its domid. */
static void a_domain_that_goes_on_after_a_suspend_may_end_again(void **state)
{
    struct tracker *t = begin();
    struct fake_domain *d = add(2, "two");

    fake_store_fire("@introduceDomain");
    told("+0 Domain-0; +1 one; +2 two; ");
    d->flags = XEN_DOMINF_shutdown | 2u << XEN_DOMINF_shutdownshift;
    fake_store_fire("@releaseDomain");
    told("2 ends 2; ");
    /* That it is resumed nobody says. */
    d->flags = XEN_DOMINF_shutdown | 0u << XEN_DOMINF_shutdownshift;
    fake_store_fire("@releaseDomain");
    told("2 ends 0; ");
    d->flags = XEN_DOMINF_running;
    fake_store_fire("@releaseDomain");
    told("");
    d->flags = XEN_DOMINF_shutdown | 0u << XEN_DOMINF_shutdownshift;
    fake_store_fire("@releaseDomain");
    told("2 ends 0; ");
    end(t);
}

static void another_domain_with_the_same_domid_is_another(void **state)
{
    struct tracker *t = begin();
    struct fake_domain *d = add(2, "two");

    fake_store_fire("@introduceDomain");
    told("+0 Domain-0; +1 one; +2 two; ");
    /* Destroyed and created in one turn. */
    d->another = 1;
    fake_store_fire("@releaseDomain");
    fake_store_fire("@introduceDomain");
    told("-2; +2 two; ");
    end(t);
}

static void an_end_is_told_once_and_then_that_it_is_gone(void **state)
{
    struct tracker *t;
    struct fake_domain *d;

    t = begin();
    d = add(2, "two");
    fake_store_fire("@introduceDomain");
    told("+0 Domain-0; +1 one; +2 two; ");
    d->flags = XEN_DOMINF_shutdown | 3u << XEN_DOMINF_shutdownshift;
    fake_store_fire("@releaseDomain");
    told("2 ends 3; ");
    fake_store_fire("@releaseDomain");
    told("");
    d->flags |= XEN_DOMINF_dying;
    fake_store_fire("@releaseDomain");
    told("-2; ");
    fake_xen_remove(1);
    fake_xen_remove(2);
    fake_store_fire("@releaseDomain");
    told("-1; ");
    end(t);
}

/* ---- the folder of monitors ---- */

static char folder[] = "/tmp/test_tracker.XXXXXX";

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
        cmocka_unit_test(those_that_are_there_are_told_at_the_start),
        cmocka_unit_test(at_rest_nothing_is_asked_and_nothing_waited_for),
        cmocka_unit_test(many_that_come_together_cost_one_look),
        cmocka_unit_test(a_new_name_is_told_once),
        cmocka_unit_test(a_target_or_static_max_that_is_written_is_told_of),
        cmocka_unit_test(a_record_keeps_its_address_while_others_come_and_go),
        cmocka_unit_test(a_domain_that_goes_on_after_a_suspend_may_end_again),
        cmocka_unit_test(another_domain_with_the_same_domid_is_another),
        cmocka_unit_test(an_end_is_told_once_and_then_that_it_is_gone),
        cmocka_unit_test(each_domain_has_a_socket_and_a_link_by_its_name),
        cmocka_unit_test(a_name_that_could_be_another_file_makes_no_link),
        cmocka_unit_test(the_folder_stays_ours_whoever_owns_the_sockets),
        cmocka_unit_test(a_domain_that_came_without_descriptors_gets_its_monitor_later),
    };

    if (!mkdtemp(folder))
        return 1;
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
