/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain behind its monitor: its size, requests, its life. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/fault.h"
#include "tests/unit/qmp/machine.h"

static void without_a_client_nothing_is_asked_and_nothing_waited_for(void **state)
{
    begin("pvh", 256 * MIB + 64, 256 * MIB, 0);
    turn();
    assert_int_equal(fake_xen_looks(), looks);
    assert_int_equal(fake_store_watches(), watches);
    assert_int_equal(fake_clock_timers(), 0);
    client_comes();
    pass(3000);
    assert_true(fake_xen_looks() > looks);
    client_goes();
    assert_int_equal(fake_store_watches(), watches);
    assert_int_equal(fake_clock_timers(), 0);
    end();
}

static void a_request_is_written_in_whole_pages_and_reads_back_exactly(void **state)
{
    begin("pvh", 256 * MIB + 64, 256 * MIB, 0);
    client_comes();
    assert_string_equal(ask(QUERY), "{\"return\": {\"actual\": 268435456}}");
    assert_string_equal(ask("{'execute':'balloon','arguments':{'value':209719297}}"), "{\"return\": {}}");
    assert_string_equal(fake_store_get(DOM "memory/target"), "204808");
    assert_string_equal(ask(QUERY), "{\"return\": {\"actual\": 268435456}}");
    domain->actual_kb = 204808 + 64;
    assert_non_null(strstr(ask(QUERY), "\"BALLOON_CHANGE\", \"data\": {\"actual\": 209723392}"));
    assert_string_equal(line(), "{\"return\": {\"actual\": 209723392}}");
    /* More than there is, and less than a guest can live with. */
    ask("{'execute':'balloon','arguments':{'value':9223372036854775807}}");
    assert_string_equal(fake_store_get(DOM "memory/target"), "262144");
    assert_string_equal(ask("{'execute':'balloon','arguments':{'value':1}}"), "{\"return\": {}}");
    assert_int_equal(strtoull(fake_store_get(DOM "memory/target"), NULL, 10), xlx_mem_floor_memkb(256 * MIB));
    end();
}

/* QEMU's balloon counts its pages in 32 bits and ends there, too. */
static void sizes_up_to_16_tib_are_exact(void **state)
{
    const uint64_t tib = UINT64_C(1) << 30;

    begin("pv", 16 * tib, 16 * tib, 0);
    write_kb("static-max", 16 * tib);
    domain->max_kb = 16 * tib + 1024;
    client_comes();
    assert_string_equal(ask(QUERY), "{\"return\": {\"actual\": 17592186044416}}");
    assert_string_equal(ask("{'execute':'balloon','arguments':{'value':10995116277761}}"), "{\"return\": {}}");
    assert_string_equal(fake_store_get(DOM "memory/target"), "10737418244");
    domain->actual_kb = 10737418244;
    assert_non_null(strstr(ask(QUERY), "\"BALLOON_CHANGE\", \"data\": {\"actual\": 10995116281856}"));
    end();
}

static void of_many_changes_the_first_goes_out_at_once_and_the_last_is_never_lost(void **state)
{
    uint64_t began;
    unsigned events = 0;
    const char *l;
    char last[256] = "";

    begin("pv", 256 * MIB, 256 * MIB, 0);
    client_comes();
    began = fake_clock_ms();
    for (unsigned i = 1; i <= 50; i++) {
        domain->actual_kb -= 1 * MIB;
        say(QUERY);
        while ((l = line())) {
            if (strstr(l, "BALLOON_CHANGE"))
                events++;
        }
    }
    assert_int_equal(events, 1);
    assert_int_equal(fake_clock_ms(), began);
    pass(5000);
    while ((l = line())) {
        events += strstr(l, "BALLOON_CHANGE") != NULL;
        snprintf(last, sizeof(last), "%.255s", l);
    }
    assert_int_equal(events, 2);
    assert_non_null(strstr(last, "\"actual\": 216006656"));
    end();
}

static void what_the_guest_does_by_itself_is_noticed(void **state)
{
    begin("pv", 256 * MIB, 256 * MIB, 0);
    client_comes();
    domain->actual_kb = 200 * MIB;
    pass(1500);
    assert_non_null(strstr(line(), "\"actual\": 209715200"));
    domain->flags |= XEN_DOMINF_paused;
    pass(1500);
    assert_non_null(strstr(line(), "\"STOP\""));
    domain->flags &= ~(uint32_t)XEN_DOMINF_paused;
    pass(1500);
    assert_non_null(strstr(line(), "\"RESUME\""));
    assert_null(line());
    end();
}

/* Paused, or without a driver: balloon.md 4.14, 4.23. However small the change, it has not happened. */
static void a_guest_that_does_not_move_has_not_changed(void **state)
{
    static const char *const requests[] = {
        "{'execute':'balloon','arguments':{'value':267386880}}", /* 1 MiB less */
        "{'execute':'balloon','arguments':{'value':268304384}}", /* 128 KiB less */
    };

    for (unsigned i = 0; i < 2; i++) {
        begin("pv", 256 * MIB, 256 * MIB, 0);
        client_comes();
        domain->flags = XEN_DOMINF_paused;
        assert_string_equal(ask(requests[i]), "{\"return\": {}}");
        pass(10000);
        assert_non_null(strstr(line(), "STOP"));
        assert_string_equal(ask(QUERY), "{\"return\": {\"actual\": 268435456}}");
        if (!i) {
            client_goes();
            *got = 0;
            client_comes();
            assert_string_equal(ask(QUERY), "{\"return\": {\"actual\": 268435456}}");
        }
        end();
    }
}

static void a_domain_that_never_ran_is_before_its_launch(void **state)
{
    begin("pv", 256 * MIB, 256 * MIB, 0);
    domain->flags = XEN_DOMINF_paused;
    client_comes();
    assert_non_null(strstr(ask("{'execute':'query-status'}"), "\"prelaunch\""));
    domain->flags = XEN_DOMINF_running;
    assert_non_null(strstr(ask("{'execute':'query-status'}"), "\"RESUME\""));
    assert_non_null(strstr(line(), "\"running\", \"singlestep\": false, \"running\": true"));
    end();
}

static void a_domain_that_never_ran_has_the_size_it_was_built_for(void **state)
{
    begin("pv", 256 * MIB, 256 * MIB, 0);
    domain->flags = XEN_DOMINF_paused;
    client_comes();
    assert_string_equal(ask("{'execute':'balloon','arguments':{'value':268304384}}"), "{\"return\": {}}");
    client_goes();
    *got = 0;
    client_comes();
    assert_string_equal(ask(QUERY), "{\"return\": {\"actual\": 268435456}}");
    end();
}

static void a_request_from_before_the_launch_shows_when_it_is_followed(void **state)
{
    begin("pv", 256 * MIB, 256 * MIB, 0);
    domain->flags = XEN_DOMINF_paused;
    client_comes();
    assert_string_equal(ask("{'execute':'balloon','arguments':{'value':134217728}}"), "{\"return\": {}}");
    pass(3000);
    assert_string_equal(ask(QUERY), "{\"return\": {\"actual\": 268435456}}");
    domain->flags = XEN_DOMINF_running;
    domain->actual_kb = 128 * MIB;
    pass(3000);
    assert_non_null(strstr(line(), "\"RESUME\""));
    assert_non_null(strstr(line(), "{\"actual\": 134217728}"));
    assert_string_equal(ask(QUERY), "{\"return\": {\"actual\": 134217728}}");
    end();
}

static void the_video_memory_of_a_fresh_guest_makes_no_event(void **state)
{
    begin("hvm", 256 * MIB - 8192 + 8236, 256 * MIB - 8192, 8192);
    client_comes();
    assert_string_equal(ask(QUERY), "{\"return\": {\"actual\": 260046848}}");
    domain->actual_kb -= 2048;
    pass(1000);
    domain->actual_kb = 256 * MIB - 8192 + 44;
    pass(4000);
    assert_string_equal(ask(QUERY), "{\"return\": {\"actual\": 260046848}}");
    end();
}

static void without_a_target_there_is_no_device(void **state)
{
    begin("pv", 256 * MIB, 256 * MIB, 0);
    client_comes();
    fake_store_set(DOM "memory/target", NULL);
    turn();
    assert_non_null(strstr(ask(QUERY), "DeviceNotActive"));
    assert_non_null(strstr(ask("{'execute':'balloon','arguments':{'value':-1}}"), "DeviceNotActive"));
    assert_non_null(strstr(ask("{'execute':'balloon','arguments':{'value':'1'}}"), "expected: integer"));
    write_kb("target", 256 * MIB);
    turn();
    assert_string_equal(ask(QUERY), "{\"return\": {\"actual\": 268435456}}");
    end();
}

static void nonsense_over_a_size_is_put_in_order_by_the_next_request(void **state)
{
    static const char *const nonsense[] = {"garbage", "", "-1", "99999999999999999999"};

    begin("pv", 256 * MIB, 256 * MIB, 0);
    client_comes();
    for (unsigned i = 0; i < 4; i++) {
        fake_store_set(DOM "memory/target", nonsense[i]);
        fake_store_set(DOM "memory/static-max", i % 2 ? nonsense[i] : NULL);
        turn();
        assert_string_equal(ask(QUERY), "{\"return\": {\"actual\": 268435456}}");
        assert_string_equal(ask("{'execute':'balloon','arguments':{'value':251658240}}"), "{\"return\": {}}");
        assert_string_equal(fake_store_get(DOM "memory/target"), "245760");
        assert_string_equal(fake_store_get(DOM "memory/static-max"), "262144");
        turn();
    }
    end();
}

static void arrives_as_the_client_goes(struct fake_domain *d)
{
    d->look = NULL;
    d->actual_kb = 255 * MIB;
    close(fd);
    fd = -1;
}

/* That it has gone is found out by sending it an event. */
static void the_last_client_may_go_in_the_midst_of_a_look(void **state)
{
    begin("pv", 256 * MIB, 256 * MIB, 0);
    client_comes();
    ask("{'execute':'balloon','arguments':{'value':267386880}}");
    domain->look = arrives_as_the_client_goes;
    pass(3000);
    assert_int_equal(fake_store_watches(), watches);
    assert_int_equal(fake_clock_timers(), 0);
    end();
}

/* ---- libxl's unpause, which takes its time ---- */

static libxl_asyncop_how unpausing;
static bool is_unpausing;

int libxl_domain_unpause(libxl_ctx *libxl, uint32_t domid, const libxl_asyncop_how *how)
{
    assert_false(is_unpausing);
    unpausing = *how;
    is_unpausing = true;
    return 0;
}

static void unpause_ends(int rc)
{
    is_unpausing = false;
    unpausing.callback(ctx->libxl, rc, unpausing.u.for_callback);
}

int libxl_ao_abort(libxl_ctx *libxl, const libxl_asyncop_how *how)
{
    if (!is_unpausing || how->callback != unpausing.callback || how->u.for_callback != unpausing.u.for_callback)
        return ERROR_NOTFOUND;
    unpause_ends(ERROR_ABORTED);
    return 0;
}

static void nothing_is_left(struct xlx_ctx *c)
{
    assert_false(is_unpausing);
}

static void begin_paused(void)
{
    begin("hvm", 256 * MIB + 44, 256 * MIB, 0);
    ctx->libxl = (libxl_ctx *)ctx;
    ctx_at_end(ctx, nothing_is_left);
    domain->flags = XEN_DOMINF_paused;
    client_comes();
    assert_null(ask("{'execute':'cont','id':1}"));
}

static void the_answer_to_cont_waits_for_the_device_model(void **state)
{
    begin_paused();
    assert_null(ask("{'execute':'query-name','id':2}"));
    domain->flags = XEN_DOMINF_running;
    unpause_ends(0);
    assert_non_null(strstr(line(), "RESUME"));
    assert_string_equal(line(), "{\"return\": {}, \"id\": 1}");
    assert_non_null(strstr(line(), "\"id\": 2"));
    end();
}

static void memd_may_end_while_a_device_model_hangs(void **state)
{
    begin_paused();
    end();
}

static void a_client_may_go_while_a_device_model_hangs(void **state)
{
    begin_paused();
    client_goes();
    assert_true(is_unpausing);
    unpause_ends(ERROR_FAIL);
    end();
}

static void a_domain_that_ends_says_so_before_its_connections_close(void **state)
{
    begin("pv", 256 * MIB, 256 * MIB, 0);
    client_comes();
    /* Suspended, and kexec: it goes on. */
    machine_xen_shut_down(machine, SHUTDOWN_suspend);
    machine_xen_shut_down(machine, SHUTDOWN_soft_reset);
    assert_null(line());
    machine_xen_shut_down(machine, SHUTDOWN_poweroff);
    assert_non_null(strstr(line(), "\"SHUTDOWN\", \"data\": {\"guest\": true, \"reason\": \"guest-shutdown\"}"));
    machine_xen_destroyed(machine);
    assert_null(line());
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_client_nothing_is_asked_and_nothing_waited_for),
        cmocka_unit_test(a_request_is_written_in_whole_pages_and_reads_back_exactly),
        cmocka_unit_test(sizes_up_to_16_tib_are_exact),
        cmocka_unit_test(of_many_changes_the_first_goes_out_at_once_and_the_last_is_never_lost),
        cmocka_unit_test(what_the_guest_does_by_itself_is_noticed),
        cmocka_unit_test(a_guest_that_does_not_move_has_not_changed),
        cmocka_unit_test(a_domain_that_never_ran_is_before_its_launch),
        cmocka_unit_test(a_domain_that_never_ran_has_the_size_it_was_built_for),
        cmocka_unit_test(a_request_from_before_the_launch_shows_when_it_is_followed),
        cmocka_unit_test(the_video_memory_of_a_fresh_guest_makes_no_event),
        cmocka_unit_test(without_a_target_there_is_no_device),
        cmocka_unit_test(nonsense_over_a_size_is_put_in_order_by_the_next_request),
        cmocka_unit_test(the_last_client_may_go_in_the_midst_of_a_look),
        cmocka_unit_test(the_answer_to_cont_waits_for_the_device_model),
        cmocka_unit_test(memd_may_end_while_a_device_model_hangs),
        cmocka_unit_test(a_client_may_go_while_a_device_model_hangs),
        cmocka_unit_test(a_domain_that_ends_says_so_before_its_connections_close),
    };

    return cmocka_run_group_tests(tests, make_path, NULL);
}
