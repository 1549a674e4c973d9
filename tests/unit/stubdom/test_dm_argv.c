/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stub domain's init: QEMU's arguments as xenstore has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "stubdom/init/dm_argv.h"

static void keys_are_put_in_the_order_of_their_numbers(void **state)
{
    static const char *const keys[] = {"003", "001", "010", "002", "004", "009", "008", "007", "006", "005"};
    size_t order[ARRAY_LEN(keys)];

    assert_null(dm_argv_order(keys, ARRAY_LEN(keys), order));
    assert_string_equal(keys[order[0]], "001");
    assert_string_equal(keys[order[2]], "003");
    assert_string_equal(keys[order[9]], "010");
}

static void keys_beyond_three_digits_follow(void **state)
{
    assert_int_equal(dm_argv_key_position("999"), 999);
    assert_int_equal(dm_argv_key_position("1000"), 1000);
    assert_int_equal(dm_argv_key_position("1024"), DM_ARGS_MAX);
    assert_int_equal(dm_argv_key_position("1025"), 0);
}

static void keys_that_are_no_numbers_are_refused(void **state)
{
    static const char *const bad[] = {"",    "0",   "1",    "01",    "000", "00a",         "-01",
                                      "+01", " 01", "001 ", "00001", "0x1", "\xff\xff\xff"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(dm_argv_key_position(bad[i]), 0);
}

static void a_missing_doubled_or_empty_list_is_refused(void **state)
{
    static const char *const gap[] = {"001", "003"}, *const twice[] = {"001", "001"}, *const bad[] = {"001", "arg"};
    size_t order[2];

    assert_non_null(strstr(dm_argv_order(gap, 2, order), "missing"));
    assert_non_null(strstr(dm_argv_order(twice, 2, order), "twice"));
    assert_non_null(strstr(dm_argv_order(bad, 2, order), "not an argument number"));
    assert_non_null(strstr(dm_argv_order(gap, 0, order), "no arguments"));
    assert_non_null(strstr(dm_argv_order(gap, DM_ARGS_MAX + 1, order), "too many"));
}

static void values_may_hold_every_byte_but_nul(void **state)
{
    char all[255], *longest = test_calloc(1, DM_ARG_BYTES_MAX + 1);

    for (int i = 0; i < 255; i++)
        all[i] = (char)(i + 1);
    assert_null(dm_argv_check_value(all, sizeof(all)));
    assert_null(dm_argv_check_value("", 0));
    assert_null(dm_argv_check_value("root=/dev/sda1 \"quoted\" 'single'\nsecond line\t\\", 46));
    assert_non_null(dm_argv_check_value("a\0b", 3));
    memset(longest, 'x', DM_ARG_BYTES_MAX + 1);
    assert_null(dm_argv_check_value(longest, DM_ARG_BYTES_MAX));
    assert_non_null(dm_argv_check_value(longest, DM_ARG_BYTES_MAX + 1));
    test_free(longest);
}

/* What libxl 4.17 writes for an HVM guest with two disks, two network cards and a serial port. */
static const char *const usual[] = {
    "qemu",        "-xen-domid",
    "7",           "-no-shutdown",
    "-nodefaults", "-no-user-config",
    "-name",       "web, \"first\"\nline",
    "-display",    "none",
    "-serial",     "/dev/hvc3",
    "-device",     "VGA,vgamem_mb=16",
    "-boot",       "order=cd",
    "-device",     "e1000,id=nic0,netdev=net0,mac=00:16:3e:00:00:01",
    "-netdev",     "type=tap,id=net0,ifname=vif7.0-emu,br=xenbr0,script=no,downscript=no",
    "-device",     "rtl8139,id=nic1,netdev=net1,mac=00:16:3E:00:00:02",
    "-netdev",     "type=tap,id=net1,ifname=vif7.1-emu,br=xenbr0,script=no,downscript=no",
    "-machine",    "xenfv,suppress-vmdesc=on",
    "-m",          "248",
    "-drive",      "file=/dev/xvda,if=ide,index=0,media=disk,format=host_device,cache=writeback",
    "-drive",      "if=none,readonly=on,id=ide-5632,file=/dev/xvdc,format=host_device",
    "-device",     "ide-cd,id=ide-5632,drive=ide-5632,bus=ide.1,unit=0"};

static void disks_consoles_and_network_cards_of_libxls_arguments_are_found(void **state)
{
    static const uint8_t second[] = {0, 0x16, 0x3e, 0, 0, 2};
    struct dm_needs needs;

    assert_null(dm_argv_scan(usual, ARRAY_LEN(usual), &needs));
    assert_int_equal(needs.disks, 1 << 0 | 1 << 2);
    assert_int_equal(needs.consoles, 1 << 3);
    assert_int_equal(needs.num_nics, 2);
    assert_int_equal(needs.nics[1].devid, 1);
    assert_memory_equal(needs.nics[1].mac, second, sizeof(second));
    assert_string_equal(usual[needs.nics[1].netdev_arg], usual[23]);
    assert_int_equal(needs.incoming_arg, 0);
}

static void a_device_named_in_the_guests_own_command_line_is_not_waited_for(void **state)
{
    static const char *const args[] = {
        "qemu", "-append", "root=/dev/xvdb console=/dev/hvc1", "-name", "/dev/xvdc", "-append", "-kernel", "/dev/xvdd"};
    struct dm_needs needs;

    assert_null(dm_argv_scan(args, ARRAY_LEN(args), &needs));
    assert_int_equal(needs.disks, 0);
    assert_int_equal(needs.consoles, 0);
}

static void a_kernel_on_a_disk_is_waited_for(void **state)
{
    static const char *const args[] = {"qemu", "-kernel", "/dev/xvdy", "-initrd", "/dev/xvdz", "-cdrom", "/dev/xvdaa"};
    struct dm_needs needs;

    assert_null(dm_argv_scan(args, ARRAY_LEN(args), &needs));
    assert_int_equal(needs.disks, 1 << 24 | 1 << 25);
}

static void the_place_of_a_restored_state_is_found(void **state)
{
    static const char *const args[] = {"qemu", "-no-shutdown", "-incoming", "$STUBDOM_RESTORE_INCOMING_ARG"};
    struct dm_needs needs;

    assert_null(dm_argv_scan(args, ARRAY_LEN(args), &needs));
    assert_int_equal(needs.incoming_arg, 3);
}

static void unusable_network_arguments_are_refused_with_a_cause(void **state)
{
    static const struct {
        const char *args[9];
        const char *cause;
    } cases[] = {
        {{"q", "-netdev", "type=tap,id=net0"}, "no network card"},
        {{"q", "-netdev", "type=tap,id=backend"}, "not named"},
        {{"q", "-netdev", "type=tap,id=net99999"}, "not named"},
        {{"q", "-netdev", "tap,id=net0", "-netdev", "tap,id=net0"}, "twice"},
        {{"q", "-device", "e1000,netdev=net0"}, "no MAC"},
        {{"q", "-device", "e1000,netdev=net0,mac=00:16:3e:00:00"}, "no MAC"},
        {{"q", "-netdev", "tap,id=net0", "-device", "e1000,netdev=net0,mac=00:16:3e:00:00:01", "-netdev", "tap,id=net1",
          "-device", "e1000,netdev=net1,mac=00:16:3e:00:00:01"},
         "same MAC"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dm_needs needs;
        size_t argc = 0;
        const char *cause;

        while (argc < 9 && cases[i].args[argc])
            argc++;
        cause = dm_argv_scan(cases[i].args, argc, &needs);
        assert_non_null(cause);
        assert_non_null(strstr(cause, cases[i].cause));
    }
}

static void too_many_network_cards_are_refused(void **state)
{
    char text[DM_NICS_MAX + 1][64];
    const char *args[2 * (DM_NICS_MAX + 1) + 1] = {"q"};
    struct dm_needs needs;

    for (int i = 0; i <= DM_NICS_MAX; i++) {
        snprintf(text[i], sizeof(text[i]), "type=tap,id=net%d", i);
        args[2 * i + 1] = "-netdev";
        args[2 * i + 2] = text[i];
    }
    assert_non_null(strstr(dm_argv_scan(args, ARRAY_LEN(args), &needs), "too many"));
}

static void option_values_undo_doubled_commas_and_the_last_one_counts(void **state)
{
    char value[16];

    assert_true(dm_argv_option("file=a,,b,,,,c,if=ide", "file", value, sizeof(value)));
    assert_string_equal(value, "a,b,,c");
    assert_true(dm_argv_option("id=1,id=2", "id", value, sizeof(value)));
    assert_string_equal(value, "2");
    assert_true(dm_argv_option("a=b=c", "a", value, sizeof(value)));
    assert_string_equal(value, "b=c");
    assert_true(dm_argv_option("readonly", "readonly", value, sizeof(value)));
    assert_string_equal(value, "");
    assert_true(dm_argv_option("file=,x=1", "file", value, sizeof(value)));
    assert_string_equal(value, "");
    assert_false(dm_argv_option("xfile=1", "file", value, sizeof(value)));
    assert_false(dm_argv_option("", "file", value, sizeof(value)));
    assert_false(dm_argv_option("file=0123456789abcdef", "file", value, sizeof(value)));
    assert_true(dm_argv_option("file=0123456789abcde", "file", value, sizeof(value)));
}

static void an_open_tap_replaces_interface_and_scripts(void **state)
{
    char *text = dm_argv_netdev_with_fd("type=tap,id=net0,ifname=vif7.0-emu,br=xen,,br0,script=no,downscript=no", 12);

    assert_string_equal(text, "type=tap,id=net0,fd=12");
    free(text);
    text = dm_argv_netdev_with_fd("tap,id=net0,sndbuf=0", 2147483647);
    assert_string_equal(text, "tap,id=net0,sndbuf=0,fd=2147483647");
    free(text);
}

static void only_domain_ids_of_guests_are_taken(void **state)
{
    static const char *const bad[] = {"", "-1", "32752", "99999", "100000", "1 ", "0x1", "1\n"};
    uint32_t domid;

    assert_true(dm_argv_parse_domid("32751", &domid));
    assert_int_equal(domid, 32751);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(dm_argv_parse_domid(bad[i], &domid));
}

static void only_paths_below_vm_are_taken(void **state)
{
    assert_true(dm_argv_is_vm_path("/vm/0123abcd-4567-89AB-cdef-0123456789ab"));
    assert_false(dm_argv_is_vm_path("/vm/0123abcd-4567-89ab-cdef-0123456789ab/x"));
    assert_false(dm_argv_is_vm_path("/vm/0123abcd-4567-89ab-cdef-0123456789a"));
    assert_false(dm_argv_is_vm_path("/vm/0123abcd_4567-89ab-cdef-0123456789ab"));
    assert_false(dm_argv_is_vm_path("/local/domain/0"));
    assert_false(dm_argv_is_vm_path(""));
    assert_false(dm_argv_is_vm_path("/vm/../local/domain/1/00-0000-000000000000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_put_in_the_order_of_their_numbers),
        cmocka_unit_test(keys_beyond_three_digits_follow),
        cmocka_unit_test(keys_that_are_no_numbers_are_refused),
        cmocka_unit_test(a_missing_doubled_or_empty_list_is_refused),
        cmocka_unit_test(values_may_hold_every_byte_but_nul),
        cmocka_unit_test(disks_consoles_and_network_cards_of_libxls_arguments_are_found),
        cmocka_unit_test(a_device_named_in_the_guests_own_command_line_is_not_waited_for),
        cmocka_unit_test(a_kernel_on_a_disk_is_waited_for),
        cmocka_unit_test(the_place_of_a_restored_state_is_found),
        cmocka_unit_test(unusable_network_arguments_are_refused_with_a_cause),
        cmocka_unit_test(too_many_network_cards_are_refused),
        cmocka_unit_test(option_values_undo_doubled_commas_and_the_last_one_counts),
        cmocka_unit_test(an_open_tap_replaces_interface_and_scripts),
        cmocka_unit_test(only_domain_ids_of_guests_are_taken),
        cmocka_unit_test(only_paths_below_vm_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
