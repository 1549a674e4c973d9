/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Other balancers, found below a root of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/balancers.h"

static char root[] = "/tmp/test_balancers.XXXXXX";

static void put(const char *path, const void *bytes, size_t len)
{
    GC_SCOPE(gc);
    const char *file = gc_printf(gc, "%s%s", root, path);
    FILE *f;

    assert_int_equal(system(gc_printf(gc, "mkdir -p $(dirname '%s')", file)), 0);
    f = fopen(file, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

#define PROCESS(pid, cmdline) put("/proc/" pid "/cmdline", cmdline, sizeof(cmdline))

static int make(void **state)
{
    strcpy(root, "/tmp/test_balancers.XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int unmake(void **state)
{
    GC_SCOPE(gc);

    return system(gc_printf(gc, "rm -rf %s", root));
}

static void on_a_plain_host_there_is_none(void **state)
{
    struct balancer_beside found[BALANCERS_BESIDE_MAX];
    GC_SCOPE(gc);

    assert_int_equal(balancers_beside(gc, root, found), 0);
    PROCESS("1", "/sbin/init\0splash");
    PROCESS("7", "vim\0/root/squeezed.txt");
    PROCESS("8", "grep\0-r\0squeezed");
    PROCESS("9", "/usr/bin/not-squeezed");
    put("/proc/10/cmdline", "", 0);
    put("/proc/self/cmdline", "squeezed", 9);
    /* A libvirt without its driver for Xen. */
    PROCESS("11", "/usr/sbin/libvirtd");
    assert_int_equal(balancers_beside(gc, root, found), 0);
}

static void those_that_run_are_found_by_their_program(void **state)
{
    struct balancer_beside found[BALANCERS_BESIDE_MAX];
    GC_SCOPE(gc);

    PROCESS("12", "/usr/sbin/squeezed\0-config\0/etc/squeezed.conf");
    PROCESS("345", "/usr/bin/python3\0/usr/libexec/qubes/qmemman_daemon.py");
    assert_int_equal(balancers_beside(gc, root, found), 2);
    assert_string_equal(found[0].name, "squeezed");
    assert_true(found[0].running && found[0].rival);
    assert_string_equal(found[0].evidence, "process 12: /usr/sbin/squeezed");
    assert_string_equal(found[1].name, "qmemman");
    assert_true(found[1].running && found[1].rival);
}

static void one_that_is_installed_does_not_run(void **state)
{
    struct balancer_beside found[BALANCERS_BESIDE_MAX];
    GC_SCOPE(gc);

    put("/lib/systemd/system/qubes-qmemman.service", "", 0);
    assert_int_equal(balancers_beside(gc, root, found), 1);
    assert_false(found[0].running);
    assert_string_equal(found[0].evidence, "/lib/systemd/system/qubes-qmemman.service");
}

static void libvirts_autoballoon_counts_unless_it_is_off(void **state)
{
    struct balancer_beside found[BALANCERS_BESIDE_MAX];
    GC_SCOPE(gc);

    put("/usr/lib64/libvirt/connection-driver/libvirt_driver_libxl.so", "", 0);
    PROCESS("5", "/usr/sbin/libvirtd\0-d");
    put("/etc/libvirt/libxl.conf", "#autoballoon = 0\n", 17);
    assert_int_equal(balancers_beside(gc, root, found), 1);
    assert_string_equal(found[0].name, "libvirt-autoballoon");
    assert_true(found[0].running && !found[0].rival && !found[0].told);
    put("/etc/libvirt/libxl.conf", "autoballoon = 0\n", 16);
    assert_int_equal(balancers_beside(gc, root, found), 0);
    put("/etc/libvirt/libxl.conf", "autoballoon=1\n", 14);
    assert_int_equal(balancers_beside(gc, root, found), 1);
    assert_true(found[0].told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(on_a_plain_host_there_is_none, make, unmake),
        cmocka_unit_test_setup_teardown(those_that_run_are_found_by_their_program, make, unmake),
        cmocka_unit_test_setup_teardown(one_that_is_installed_does_not_run, make, unmake),
        cmocka_unit_test_setup_teardown(libvirts_autoballoon_counts_unless_it_is_off, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
