/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains that others save, send to another host or restore. libxl's program for that is this one, by a link with its name. */
#include <signal.h>
#include <sys/wait.h>

#include "balance/xen/host-xen.h"
#include "tests/unit/balance/service.h"

static char links[] = "/tmp/test_service_saves.XXXXXX";
static char helper[64];
static pid_t saver;

static struct host_xen *host(void)
{
    return CONTAINER_OF(service->host, struct host_xen, host);
}

static int make_with_helper(void **state)
{
    char self[4096] = "";

    strcpy(links, "/tmp/test_service_saves.XXXXXX");
    if (!mkdtemp(links) || readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        return -1;
    snprintf(helper, sizeof(helper), "%s/libxl-save-helper", links);
    return symlink(self, helper) ? -1 : make(state);
}

static void end_saver(void)
{
    if (saver > 0) {
        kill(saver, SIGKILL);
        waitpid(saver, NULL, 0);
    }
    saver = 0;
}

static int unmake_with_helper(void **state)
{
    end_saver();
    unlink(helper);
    rmdir(links);
    return unmake(state);
}

static void begin_saver(const char *name, const char *what, const char *domid)
{
    saver = fork();
    if (!saver) {
        execl(helper, name, what, "6", "-1", domid, "3", "0", "0", NULL);
        _exit(1);
    }
}

static bool left_alone(uint32_t domid)
{
    struct host_domain facts;

    return !service->host->ops->facts(service->host, domid, &facts) && facts.migrating;
}

static bool first_is_left_alone(void)
{
    return left_alone(1);
}

static bool first_is_not_left_alone(void)
{
    return !left_alone(1);
}

static void one_that_is_saved_by_whomever_is_left_alone_until_that_is_over(void **state)
{
    xen_saves_watch(host(), helper);
    /* Nothing is looked for any more by then. */
    run_for(6000);
    assert_false(left_alone(1));
    begin_saver(helper, "--save-domain", "1");
    assert_true(soon(first_is_left_alone));
    assert_false(left_alone(2));
    end_saver();
    assert_true(soon(first_is_not_left_alone));
    /* And again. */
    begin_saver(helper, "--save-domain", "1");
    assert_true(soon(first_is_left_alone));
}

static void one_whose_saving_began_before_memd_is_left_alone_too(void **state)
{
    begin_saver(helper, "--save-domain", "1");
    run_for(200);
    assert_false(left_alone(1));
    xen_saves_watch(host(), helper);
    assert_true(soon(first_is_left_alone));
}

static void the_balancer_hears_of_it(void **state)
{
    struct balancer_domain view;
    GC_SCOPE(gc);

    assert_int_equal(ask(give_ranges), 0);
    xen_saves_watch(host(), helper);
    begin_saver(helper, "--save-domain", "1");
    assert_true(soon(first_is_left_alone));
    run_for(200);
    assert_int_equal(balancer_view_domain(service->balancer, gc, 1, &view), 0);
    assert_string_equal(view.reason, "migrating");
    end_saver();
    run_for(1000);
    assert_int_equal(balancer_view_domain(service->balancer, gc, 1, &view), 0);
    assert_string_not_equal(view.reason, "migrating");
}

static void copy_self(const char *to)
{
    GC_SCOPE(gc);

    assert_int_equal(system(gc_printf(gc, "cp --remove-destination /proc/%d/exe %s", (int)getpid(), to)), 0);
}

static void an_upgrade_of_the_program_changes_nothing(void **state)
{
    char newer[sizeof(helper) + 4];

    snprintf(newer, sizeof(newer), "%s.new", helper);
    copy_self(helper);
    xen_saves_watch(host(), helper);
    run_for(200);
    copy_self(newer);
    assert_int_equal(rename(newer, helper), 0);
    run_for(6000);
    begin_saver(helper, "--save-domain", "1");
    assert_true(soon(first_is_left_alone));
}

static void other_programs_and_other_work_hold_nobody(void **state)
{
    static const struct {
        const char *name, *what, *domid;
    } others[] = {{"/usr/bin/libxl-save-helper2", "--save-domain", "1"},
                  {"libxl-save-helper", "--restore-domain", "1"},
                  {"libxl-save-helper", "--restore-domain2", "1"},
                  {"libxl-save-helper", "--save-domain", "1x"},
                  {"libxl-save-helper", "--save-domain", "4294967297"}};

    xen_saves_watch(host(), helper);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        begin_saver(others[i].name, others[i].what, others[i].domid);
        run_for(700);
        assert_false(left_alone(1));
        end_saver();
    }
}

/* ---- restored ---- */

static struct fake_domain *restored;

/* So much is free then, and nobody's: each guest may still take a MiB above its target. */
static void make_free(uint64_t mib)
{
    char target[24];

    snprintf(target, sizeof(target), "%" PRIu64, (512 - mib - 2) * MIB);
    put(1, "memory/target", target);
    run_for(100);
}

/* libxl has set its limit by its target. */
static void begin_restore(void)
{
    restored = fake_xen_domain(7, 20 * MIB, 100 * MIB);
    restored->flags = XEN_DOMINF_paused;
    xen_saves_watch(host(), helper);
    begin_saver(helper, "--restore-domain", "7");
}

static bool may_hold_what_there_is(void)
{
    return restored->max_kb == 320 * MIB;
}

static bool may_hold_as_libxl_said(void)
{
    return restored->max_kb == 100 * MIB;
}

static void begin_restore_where_much_is_free(void)
{
    make_free(300);
    begin_restore();
    assert_true(soon(may_hold_what_there_is));
}

static void one_whose_memory_is_read_may_hold_what_is_free_until_that_is_over(void **state)
{
    begin_restore_where_much_is_free();
    end_saver();
    assert_true(soon(may_hold_as_libxl_said));
}

static void a_limit_that_others_set_meanwhile_stays(void **state)
{
    begin_restore_where_much_is_free();
    restored->max_kb = 150 * MIB;
    end_saver();
    run_for(1000);
    assert_int_equal(restored->max_kb, 150 * MIB);
}

static void where_less_is_free_than_libxl_allows_the_limit_stays(void **state)
{
    make_free(50);
    begin_restore();
    run_for(1000);
    assert_true(may_hold_as_libxl_said());
    end_saver();
    run_for(1000);
    assert_true(may_hold_as_libxl_said());
}

/* xl-ext restore has reserved it, by the UUID of who will come. */
static void what_is_reserved_for_one_that_is_restored_is_its(void **state)
{
    const struct reserve_request request = {
        .size_memkb = 200 * MIB, .domid = RESERVE_NO_DOMAIN, .uuid = "07070707-0707-0707-0707-070707070707"};
    char id[RESERVE_ID_LEN];

    make_free(300);
    assert_int_equal(balancer_reserve(service->balancer, &request, id), 0);
    run_for(1000);
    begin_restore();
    assert_true(soon(may_hold_what_there_is));
}

static void one_that_is_gone_before_its_restoring_ends_is_forgotten(void **state)
{
    begin_restore_where_much_is_free();
    fake_xen_remove(7);
    end_saver();
    run_for(1000);
    assert_null(host()->saves);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_that_is_saved_by_whomever_is_left_alone_until_that_is_over,
                                        make_with_helper, unmake_with_helper),
        cmocka_unit_test_setup_teardown(one_whose_saving_began_before_memd_is_left_alone_too, make_with_helper,
                                        unmake_with_helper),
        cmocka_unit_test_setup_teardown(the_balancer_hears_of_it, make_with_helper, unmake_with_helper),
        cmocka_unit_test_setup_teardown(an_upgrade_of_the_program_changes_nothing, make_with_helper,
                                        unmake_with_helper),
        cmocka_unit_test_setup_teardown(other_programs_and_other_work_hold_nobody, make_with_helper,
                                        unmake_with_helper),
        cmocka_unit_test_setup_teardown(one_whose_memory_is_read_may_hold_what_is_free_until_that_is_over,
                                        make_with_helper, unmake_with_helper),
        cmocka_unit_test_setup_teardown(a_limit_that_others_set_meanwhile_stays, make_with_helper, unmake_with_helper),
        cmocka_unit_test_setup_teardown(where_less_is_free_than_libxl_allows_the_limit_stays, make_with_helper,
                                        unmake_with_helper),
        cmocka_unit_test_setup_teardown(what_is_reserved_for_one_that_is_restored_is_its, make_with_helper,
                                        unmake_with_helper),
        cmocka_unit_test_setup_teardown(one_that_is_gone_before_its_restoring_ends_is_forgotten, make_with_helper,
                                        unmake_with_helper),
    };

    /* In the place of libxl's program. */
    if (argc > 1)
        return pause();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
