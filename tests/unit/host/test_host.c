/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What host-info makes of machines that cannot stand here: each is a small tree of the files that such a machine has,
 * and its CPUID signature. That real ones are recognised is for the live tests.
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

#include "host/host.h"

/* ---- a machine to look at ---- */

static struct {
    const char *first, *second; /* signatures at 0x40000000 and 0x40000100; NULL: no hypervisor bit or none there */
    uint32_t hyperv_rights;
} cpu;

static void fake_cpuid(uint32_t leaf, uint32_t r[4])
{
    const char *text = leaf == 0x40000000 ? cpu.first : leaf == 0x40000100 ? cpu.second : NULL;

    memset(r, 0, 4 * sizeof(*r));
    if (leaf == 1)
        r[2] = cpu.first ? UINT32_C(1) << 31 : 0;
    if (leaf == 0x40000003)
        r[1] = cpu.hyperv_rights;
    if (text)
        memcpy(&r[1], text, 12);
}

static bool kvm_answers;

static bool fake_kvm(const char *device)
{
    return kvm_answers;
}

static void put(struct gc *gc, const struct host_probe *probe, const char *path, const char *text)
{
    char *file = gc_printf(gc, "%s%s", probe->root, path);
    FILE *f;

    for (char *slash = file + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(file, 0755);
        *slash = '/';
    }
    f = fopen(file, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod(file, 0755);
}

static struct host_probe *new_machine(struct gc *gc, const char *first, const char *second)
{
    struct host_probe *probe = GC_NEW(gc, struct host_probe);
    char *root = gc_strdup(gc, "/tmp/host-XXXXXX");

    assert_non_null(mkdtemp(root));
    *probe =
        (struct host_probe){.root = root, .path = "/usr/sbin:/usr/bin", .cpuid = fake_cpuid, .kvm_works = fake_kvm};
    cpu.first = first;
    cpu.second = second;
    cpu.hyperv_rights = 0;
    kvm_answers = false;
    put(gc, probe, "/proc/sys/kernel/osrelease", "6.1.0-56-amd64\n");
    put(gc, probe, "/proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu svm npt aes\n");
    return probe;
}

static void remove_machine(struct gc *gc, const struct host_probe *probe)
{
    assert_int_equal(system(gc_printf(gc, "rm -rf %s", probe->root)), 0);
}

static void is(struct gc *gc, const struct host_probe *probe, const char *hypervisor, const char *role)
{
    struct host_facts *f = host_facts(gc, probe);

    assert_string_equal(f->hypervisor, hypervisor);
    assert_string_equal(f->role, role);
    assert_string_equal(f->kernel, "6.1.0-56-amd64");
    assert_string_equal(f->cpu, "Some CPU");
}

/* ---- hypervisors ---- */

static void signatures_tell_the_hypervisor(void **state)
{
    static const struct {
        const char *first, *second, *hypervisor, *role;
    } cases[] = {
        {NULL, NULL, "none", "host"},
        {"KVMKVMKVM\0\0\0", NULL, "kvm", "guest"},
        {"Microsoft Hv", NULL, "hyper-v", "guest"},
        {"XenVMMXenVMM", NULL, "xen", "guest"},
        /* Xen and KVM put Hyper-V's signature in front of theirs, for Windows. */
        {"Microsoft Hv", "XenVMMXenVMM", "xen", "guest"},
        {"Microsoft Hv", "KVMKVMKVM\0\0\0", "kvm", "guest"},
        {"VMwareVMware", NULL, "vmware", "guest"},
        {"TCGTCGTCGTCG", NULL, "qemu", "guest"},
        {"SomethingNew", NULL, "unknown", "guest"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        GC_SCOPE(gc);
        struct host_probe *probe = new_machine(gc, cases[i].first, cases[i].second);

        is(gc, probe, cases[i].hypervisor, cases[i].role);
        remove_machine(gc, probe);
    }
}

static void hyperv_itself_is_told_from_its_guests(void **state)
{
    GC_SCOPE(gc);
    struct host_probe *probe = new_machine(gc, "Microsoft Hv", NULL);

    cpu.hyperv_rights = UINT32_C(1) << 0 | UINT32_C(1) << 12;
    is(gc, probe, "hyper-v", "root partition");
    cpu.hyperv_rights = UINT32_C(1) << 0;
    is(gc, probe, "hyper-v", "guest");
    remove_machine(gc, probe);
}

static void a_pv_guest_is_known_by_its_kernel_alone(void **state)
{
    GC_SCOPE(gc);
    struct host_probe *probe = new_machine(gc, NULL, NULL);
    struct host_facts *f;

    put(gc, probe, "/sys/hypervisor/type", "xen\n");
    put(gc, probe, "/sys/hypervisor/guest_type", "PV\n");
    put(gc, probe, "/sys/hypervisor/version/major", "4\n");
    put(gc, probe, "/sys/hypervisor/version/minor", "17\n");
    put(gc, probe, "/sys/hypervisor/version/extra", ".7\n");
    is(gc, probe, "xen", "guest");
    f = host_facts(gc, probe);
    assert_string_equal(f->guest_type, "pv");
    assert_string_equal(f->version, "4.17.7");
    put(gc, probe, "/proc/xen/capabilities", "control_d\n");
    is(gc, probe, "xen", "dom0");
    remove_machine(gc, probe);
}

/* ---- containers ---- */

static void containers_are_known_by_what_they_leave(void **state)
{
    static const struct {
        const char *path, *text, *name;
    } cases[] = {
        {"/.dockerenv", "", "docker"},
        {"/run/.containerenv", "", "podman"},
        {"/run/systemd/container", "systemd-nspawn\n", "systemd-nspawn"},
        {"/proc/1/cgroup", "0::/kubepods/besteffort/pod1\n", "kubepods"},
        {"/proc/1/cgroup", "1:name=systemd:/lxc/web\n", "lxc"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        GC_SCOPE(gc);
        struct host_probe *probe = new_machine(gc, NULL, NULL);

        assert_null(host_facts(gc, probe)->container);
        put(gc, probe, cases[i].path, cases[i].text);
        assert_string_equal(host_facts(gc, probe)->container, cases[i].name);
        is(gc, probe, "none", "host");
        remove_machine(gc, probe);
    }
}

/* ---- toolstacks ---- */

static void states(struct gc *gc, const struct host_probe *probe, const char *wanted)
{
    struct toolstack stacks[TOOLSTACK_COUNT];
    char *text = gc_strdup(gc, "");

    host_toolstacks(gc, probe, host_facts(gc, probe), stacks);
    for (size_t i = 0; i < TOOLSTACK_COUNT; i++)
        text = gc_printf(gc, "%s%s%s=%s", text, i ? " " : "", stacks[i].name, toolstack_state_name(stacks[i].state));
    assert_string_equal(text, wanted);
}

static void qemu_without_kvm_is_limited_and_comes_behind_xen(void **state)
{
    GC_SCOPE(gc);
    struct host_probe *probe = new_machine(gc, NULL, NULL);

    states(gc, probe, "xend=absent libxl=absent qemu=absent containers=absent");
    put(gc, probe, "/usr/bin/qemu-system-x86_64", "");
    states(gc, probe, "xend=absent libxl=absent qemu=limited containers=absent");
    put(gc, probe, "/dev/kvm", "");
    states(gc, probe, "xend=absent libxl=absent qemu=limited containers=absent");
    kvm_answers = true;
    put(gc, probe, "/usr/bin/podman", "");
    states(gc, probe, "xend=absent libxl=absent qemu=usable containers=usable");
    put(gc, probe, "/usr/sbin/xl", "");
    states(gc, probe, "xend=absent libxl=installed qemu=usable containers=usable");
    remove_machine(gc, probe);
}

static void xl_is_usable_in_dom0_only_and_xend_stands_before_it(void **state)
{
    GC_SCOPE(gc);
    struct host_probe *probe = new_machine(gc, NULL, NULL);

    put(gc, probe, "/sys/hypervisor/type", "xen\n");
    put(gc, probe, "/usr/sbin/xl", "");
    states(gc, probe, "xend=absent libxl=installed qemu=absent containers=absent");
    put(gc, probe, "/proc/xen/capabilities", "control_d\n");
    states(gc, probe, "xend=absent libxl=installed qemu=absent containers=absent");
    put(gc, probe, "/dev/xen/xenbus", "");
    states(gc, probe, "xend=absent libxl=usable qemu=absent containers=absent");
    put(gc, probe, "/usr/sbin/xm", "");
    states(gc, probe, "xend=installed libxl=usable qemu=absent containers=absent");
    put(gc, probe, "/var/lib/xend/xend-socket", "");
    states(gc, probe, "xend=usable libxl=usable qemu=absent containers=absent");
    remove_machine(gc, probe);
}

static void every_part_that_does_not_work_says_what_is_missing(void **state)
{
    GC_SCOPE(gc);
    struct host_probe *probe = new_machine(gc, NULL, NULL);
    struct host_part parts[HOST_PARTS_MAX];
    size_t count = host_parts(gc, probe, host_facts(gc, probe), parts), works = 0;

    for (size_t i = 0; i < count; i++) {
        assert_true(!parts[i].missing || strlen(parts[i].missing) > 3);
        works += !parts[i].missing;
    }
    assert_int_equal(works, 1); /* comparing files needs nothing */
    put(gc, probe, "/sys/hypervisor/type", "xen\n");
    put(gc, probe, "/proc/xen/capabilities", "control_d\n");
    count = host_parts(gc, probe, host_facts(gc, probe), parts);
    works = 0;
    for (size_t i = 0; i < count; i++)
        works += !parts[i].missing;
    assert_true(works >= 5);
    remove_machine(gc, probe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_tell_the_hypervisor),
        cmocka_unit_test(hyperv_itself_is_told_from_its_guests),
        cmocka_unit_test(a_pv_guest_is_known_by_its_kernel_alone),
        cmocka_unit_test(containers_are_known_by_what_they_leave),
        cmocka_unit_test(qemu_without_kvm_is_limited_and_comes_behind_xen),
        cmocka_unit_test(xl_is_usable_in_dom0_only_and_xend_stands_before_it),
        cmocka_unit_test(every_part_that_does_not_work_says_what_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
