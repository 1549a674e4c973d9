/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain behind its monitor that does not get to its target. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/fault.h"
#include "tests/unit/qmp/machine.h"

static void a_guest_that_gave_up_is_asked_for_another_size_first(void **state)
{
    begin("pv", 256 * MIB, 256 * MIB, 0);
    client_comes();
    ask("{'execute':'balloon','arguments':{'value':134217728}}");
    domain->actual_kb = 200 * MIB;
    pass(10000);
    ask("{'execute':'balloon','arguments':{'value':134217728}}");
    while (line())
        ;
    assert_string_equal(fake_store_get(DOM "memory/target"), "131076");
    pass(2000);
    assert_string_equal(fake_store_get(DOM "memory/target"), "131072");
    end();
}

/* As QEMU's guest does by itself. With longer and longer waits, and not when somebody else has set the target since. */
static void a_request_that_the_guest_does_not_follow_is_repeated(void **state)
{
    unsigned asked = 0;
    bool off = false;

    begin("pv", 256 * MIB, 256 * MIB, 0);
    client_comes();
    ask("{'execute':'balloon','arguments':{'value':134217728}}");
    for (uint64_t began = fake_clock_ms(); fake_clock_ms() < began + 300000;) {
        bool is_off;

        pass(500);
        is_off = !strcmp(fake_store_get(DOM "memory/target"), "131076");
        asked += is_off && !off;
        off = is_off;
    }
    assert_in_range(asked, 5, 9);
    if (off)
        pass(2000);
    assert_string_equal(fake_store_get(DOM "memory/target"), "131072");
    write_kb("target", 140 * MIB);
    turn();
    pass(200000);
    assert_string_equal(fake_store_get(DOM "memory/target"), "143360");
    end();
}

/* A guest that stopped on its way is asked again, its target a page off for a moment. */
static void begin_to_ask_again(void)
{
    begin("pv", 256 * MIB, 256 * MIB, 0);
    client_comes();
    ask("{'execute':'balloon','arguments':{'value':134217728}}");
    domain->actual_kb = 200 * MIB;
    pass(10000);
    ask("{'execute':'balloon','arguments':{'value':134217728}}");
    assert_string_equal(fake_store_get(DOM "memory/target"), "131076");
}

static void who_sets_another_target_meanwhile_has_the_last_word(void **state)
{
    begin_to_ask_again();
    write_kb("target", 140 * MIB);
    turn();
    pass(200000);
    assert_string_equal(fake_store_get(DOM "memory/target"), "143360");
    end();
}

/* Nobody would see what another sets from then on. */
static void the_last_client_that_goes_leaves_no_target_a_page_off(void **state)
{
    begin_to_ask_again();
    client_goes();
    assert_string_equal(fake_store_get(DOM "memory/target"), "131072");
    write_kb("target", 140 * MIB);
    pass(20000);
    assert_string_equal(fake_store_get(DOM "memory/target"), "143360");
    end();
}

/* QEMU does not ask again either: balloon.md 1.7. */
static void a_guest_that_has_been_there_may_go_elsewhere(void **state)
{
    begin("pv", 256 * MIB, 256 * MIB, 0);
    client_comes();
    ask("{'execute':'balloon','arguments':{'value':134217728}}");
    domain->actual_kb = 128 * MIB;
    pass(3000);
    domain->actual_kb = 100 * MIB;
    for (unsigned i = 0; i < 200; i++) {
        pass(500);
        assert_string_equal(fake_store_get(DOM "memory/target"), "131072");
    }
    end();
}

static void a_request_that_ends_at_the_floor_is_repeated_too(void **state)
{
    uint64_t floor = xlx_mem_floor_memkb(256 * MIB);
    unsigned off = 0;

    begin("pv", 256 * MIB, 256 * MIB, 0);
    client_comes();
    assert_string_equal(ask("{'execute':'balloon','arguments':{'value':1}}"), "{\"return\": {}}");
    domain->actual_kb = 200 * MIB;
    for (unsigned i = 0; i < 40; i++) {
        pass(500);
        off += strtoull(fake_store_get(DOM "memory/target"), NULL, 10) == floor + 4;
    }
    assert_true(off);
    assert_int_equal(fake_message_count(), 0);
    pass(2000);
    assert_int_equal(strtoull(fake_store_get(DOM "memory/target"), NULL, 10), floor);
    end();
}

static void a_request_that_asks_for_nothing_back_ends_at_no_floor(void **state)
{
    begin("pvh", 192 * MIB + 64, 256 * MIB, 0);
    write_kb("static-max", 1400 * MIB);
    client_comes();
    ask("{'execute':'balloon','arguments':{'value':1468006400}}");
    assert_int_equal(strtoull(fake_store_get(DOM "memory/target"), NULL, 10), 1400 * MIB);
    ask("{'execute':'balloon','arguments':{'value':209715200}}");
    assert_int_equal(strtoull(fake_store_get(DOM "memory/target"), NULL, 10), 200 * MIB);
    /* It keeps what it has. */
    ask("{'execute':'balloon','arguments':{'value':104857600}}");
    assert_int_equal(strtoull(fake_store_get(DOM "memory/target"), NULL, 10), 192 * MIB);
    end();
}

static void a_request_that_failed_is_not_repeated(void **state)
{
    begin("pv", 256 * MIB, 256 * MIB, 0);
    client_comes();
    domain->actual_kb = 200 * MIB;
    pass(10000);
    while (line())
        ;
    fault_only("xs_transaction_start");
    fault_arm(1, EIO);
    assert_non_null(strstr(ask("{'execute':'balloon','arguments':{'value':134217728}}"), "GenericError"));
    assert_true(fault_struck());
    fault_arm(0, 0);
    fault_only(NULL);
    pass(200000);
    assert_string_equal(fake_store_get(DOM "memory/target"), "262144");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_that_the_guest_does_not_follow_is_repeated),
        cmocka_unit_test(a_guest_that_gave_up_is_asked_for_another_size_first),
        cmocka_unit_test(who_sets_another_target_meanwhile_has_the_last_word),
        cmocka_unit_test(the_last_client_that_goes_leaves_no_target_a_page_off),
        cmocka_unit_test(a_guest_that_has_been_there_may_go_elsewhere),
        cmocka_unit_test(a_request_that_ends_at_the_floor_is_repeated_too),
        cmocka_unit_test(a_request_that_asks_for_nothing_back_ends_at_no_floor),
        cmocka_unit_test(a_request_that_failed_is_not_repeated),
    };

    return cmocka_run_group_tests(tests, make_path, NULL);
}
