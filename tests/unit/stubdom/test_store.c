/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What init says of its consoles in xenstore, and what it believes of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "stubdom/init/report.h"
#include "stubdom/init/store.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/xenstore.h"

#define LOG_STATE "console/state"

static void a_log_that_waits_is_connected(void **state)
{
    fake_store_set(LOG_STATE, "1");
    store_connect_console();
    assert_string_equal(fake_store_get(LOG_STATE), "4");
}

static void a_log_is_left_alone_that_does_not_wait(void **state)
{
    store_connect_console(); /* an older QEMU has no such node */
    assert_null(fake_store_get(LOG_STATE));
    fake_store_set(LOG_STATE, "6");
    store_connect_console();
    assert_string_equal(fake_store_get(LOG_STATE), "6");
}

static void a_console_is_connected_when_its_own_state_says_so(void **state)
{
    static const char *const others[] = {"1", "3", "5", "6", "44", ""};

    assert_false(store_console_is_connected(3)); /* there is none */
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        fake_store_set("device/console/3/state", others[i]);
        assert_false(store_console_is_connected(3));
    }
    fake_store_set("device/console/3/state", "4");
    assert_true(store_console_is_connected(3));
    assert_false(store_console_is_connected(4));
    assert_false(store_console_is_connected(30));
}

static void a_console_that_cannot_be_asked_for_is_not_connected(void **state)
{
    fake_store_set("device/console/3/state", "4");
    for (unsigned at = 1; at < 3; at++) {
        fault_arm(at, EIO);
        assert_false(store_console_is_connected(3));
        assert_true(fault_struck());
    }
    fake_store_set(LOG_STATE, "1");
    fault_arm(3, EACCES);
    store_connect_console(); /* refused: reported, and init goes on */
    assert_true(fault_struck());
    assert_string_equal(fake_store_get(LOG_STATE), "1");
}

#define ARGUMENTS "/vm/01234567-89ab-cdef-0123-456789abcdef/image/dm-argv"

/* What libxl writes for a stub domain whose guest has the number 7; output: what dom0 is to make of console 3, NULL for nothing. */
static void libxl_has_written(const char *output)
{
    fake_store_set("domid", "8");
    fake_store_set("target", "7");
    fake_store_set("/local/domain/7/vm", "/vm/01234567-89ab-cdef-0123-456789abcdef");
    fake_store_set(ARGUMENTS "/001", "-serial");
    fake_store_set(ARGUMENTS "/002", "/dev/hvc3");
    fake_store_set(ARGUMENTS "/003", "-append");
    fake_store_set(ARGUMENTS "/004", "/dev/hvc3");
    fake_store_set(ARGUMENTS "/005", "-serial");
    if (output)
        fake_store_set("device/console/3/output", output);
}

static void assert_serial_port(const char *output, const char *wanted)
{
    struct store_guest guest;

    libxl_has_written(output);
    assert_int_equal(store_read_guest(&guest), 0);
    assert_int_equal(guest.domid, 8);
    assert_int_equal(guest.guest_domid, 7);
    assert_int_equal(guest.argc, 6);
    assert_string_equal(guest.argv[2], wanted);
    assert_string_equal(guest.argv[4], "/dev/hvc3"); /* a word that only looks like it */
    assert_string_equal(guest.argv[5], "-serial");   /* the last one, without a value */
    for (size_t i = 1; i < guest.argc; i++)
        free(guest.argv[i]);
    free(guest.argv);
    fake_store_reset();
}

static void a_serial_port_leads_to_its_console(void **state)
{
    assert_serial_port("pty", "/dev/hvc3");
    assert_serial_port("nonesuch", "/dev/hvc3");
    assert_serial_port(NULL, "/dev/hvc3");
}

static void a_guest_whose_serial_port_is_none_has_none(void **state)
{
    assert_serial_port("none", "none");
}

static int reset(void **state)
{
    unsigned left = fake_store_handles();

    fault_arm(0, 0);
    fake_store_reset();
    return left ? -1 : 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_log_that_waits_is_connected),
        TEST(a_log_is_left_alone_that_does_not_wait),
        TEST(a_console_is_connected_when_its_own_state_says_so),
        TEST(a_console_that_cannot_be_asked_for_is_not_connected),
        TEST(a_serial_port_leads_to_its_console),
        TEST(a_guest_whose_serial_port_is_none_has_none),
    };

    report_to(STDERR_FILENO);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
