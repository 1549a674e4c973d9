/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/find-program.h"
#include "host/host.h"

#define CPUID_FEATURES 1
#define CPUID_HYPERVISOR_BIT (UINT32_C(1) << 31)
#define CPUID_HYPERVISOR_FIRST UINT32_C(0x40000000)
#define CPUID_HYPERVISOR_STEP UINT32_C(0x100)
#define CPUID_HYPERVISOR_END UINT32_C(0x40002000)
/* Hyper-V TLFS: leaf 0x40000003, ebx: rights that only the root partition has. */
#define HYPERV_PRIVILEGES UINT32_C(0x40000003)
#define HYPERV_CREATE_PARTITIONS (UINT32_C(1) << 0)
#define HYPERV_CPU_MANAGEMENT (UINT32_C(1) << 12)

/* ---- files ---- */

bool host_exists(struct gc *gc, const struct host_probe *probe, const char *path)
{
    return !access(gc_printf(gc, "%s%s", probe->root, path), F_OK);
}

char *host_program(struct gc *gc, const struct host_probe *probe, const char *name)
{
    return find_program(gc, probe->path, probe->root, name, NULL);
}

/* The first line of a file, or NULL. */
static char *first_line(struct gc *gc, const struct host_probe *probe, const char *path)
{
    CLEANUP_FILE FILE *f = fopen(gc_printf(gc, "%s%s", probe->root, path), "re");
    char line[512];

    if (!f || !fgets(line, sizeof(line), f))
        return NULL;
    return gc_strndup(gc, line, strcspn(line, "\n"));
}

/* ---- the hypervisor ---- */

static const char *signature_at(const struct host_probe *probe, uint32_t leaf)
{
    static const struct {
        char text[13];
        const char *name;
    } known[] = {
        {"XenVMMXenVMM", "xen"},    {"KVMKVMKVM\0\0\0", "kvm"},    {"Microsoft Hv", "hyper-v"},
        {"VMwareVMware", "vmware"}, {"TCGTCGTCGTCG", "qemu"},      {"VBoxVBoxVBox", "virtualbox"},
        {"bhyve bhyve ", "bhyve"},  {" lrpepyh  vr", "parallels"}, {"ACRNACRNACRN", "acrn"},
    };
    uint32_t r[4] = {0};
    char text[12];

    probe->cpuid(leaf, r);
    memcpy(text, &r[1], 12);
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (!memcmp(text, known[i].text, 12))
            return known[i].name;
    }
    return NULL;
}

const char *host_signature(const struct host_probe *probe)
{
    uint32_t r[4] = {0};
    const char *found = NULL;

    probe->cpuid(CPUID_FEATURES, r);
    if (!(r[2] & CPUID_HYPERVISOR_BIT))
        return NULL;
    for (uint32_t leaf = CPUID_HYPERVISOR_FIRST; leaf < CPUID_HYPERVISOR_END; leaf += CPUID_HYPERVISOR_STEP) {
        const char *name = signature_at(probe, leaf);

        if (name && strcmp(name, "hyper-v"))
            return name;
        if (name)
            found = name;
    }
    return found ? found : "unknown";
}

static void know_xen(struct gc *gc, const struct host_probe *probe, struct host_facts *facts)
{
    const char *capabilities = first_line(gc, probe, "/proc/xen/capabilities");
    const char *type = first_line(gc, probe, "/sys/hypervisor/guest_type");
    const char *major = first_line(gc, probe, "/sys/hypervisor/version/major");
    const char *minor = first_line(gc, probe, "/sys/hypervisor/version/minor");
    const char *extra = first_line(gc, probe, "/sys/hypervisor/version/extra");

    facts->hypervisor = "xen";
    facts->role = capabilities && strstr(capabilities, "control_d") ? "dom0" : "guest";
    if (type)
        facts->guest_type = !strcmp(type, "PV") ? "pv" : !strcmp(type, "PVH") ? "pvh" : "hvm";
    if (major && minor)
        facts->version = gc_printf(gc, "%s.%s%s", major, minor, extra ? extra : "");
    facts->xenbus = host_exists(gc, probe, "/dev/xen/xenbus") || host_exists(gc, probe, "/proc/xen/xenbus");
    facts->xen_balloon = host_exists(gc, probe, "/sys/devices/system/xen_memory/xen_memory0");
}

static void know_hypervisor(struct gc *gc, const struct host_probe *probe, struct host_facts *facts)
{
    const char *type = first_line(gc, probe, "/sys/hypervisor/type"), *signature = host_signature(probe);
    uint32_t r[4] = {0};

    /* A PV guest's CPUID is the machine's own: the kernel knows better. */
    if ((type && !strcmp(type, "xen")) || (signature && !strcmp(signature, "xen"))) {
        know_xen(gc, probe, facts);
        return;
    }
    facts->hypervisor = signature ? signature : "none";
    facts->role = signature ? "guest" : "host";
    if (signature && !strcmp(signature, "hyper-v")) {
        probe->cpuid(HYPERV_PRIVILEGES, r);
        if (r[1] & HYPERV_CREATE_PARTITIONS && r[1] & HYPERV_CPU_MANAGEMENT)
            facts->role = "root partition";
    }
}

/* ---- containers ---- */

static const char *container_of_environment(struct gc *gc, const struct host_probe *probe)
{
    CLEANUP_FILE FILE *f = fopen(gc_printf(gc, "%s/proc/1/environ", probe->root), "re");
    char text[4096];
    size_t len = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

    text[len] = '\0';
    for (size_t i = 0; i < len; i += strlen(text + i) + 1) {
        if (!strncmp(text + i, "container=", 10) && text[i + 10])
            return gc_strdup(gc, text + i + 10);
    }
    return NULL;
}

static const char *container_of_cgroup(struct gc *gc, const struct host_probe *probe)
{
    static const char *const names[] = {"docker", "podman", "libpod", "kubepods", "lxc", "containerd", "garden"};
    CLEANUP_FILE FILE *f = fopen(gc_printf(gc, "%s/proc/1/cgroup", probe->root), "re");
    char line[1024];

    while (f && fgets(line, sizeof(line), f)) {
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            if (strstr(line, names[i]))
                return names[i];
        }
    }
    return NULL;
}

/* A file that only one kind of container has, or the name that systemd left, or init's own surroundings. */
static const char *find_container(struct gc *gc, const struct host_probe *probe)
{
    const char *name = first_line(gc, probe, "/run/systemd/container");

    if (name && *name)
        return name;
    if (host_exists(gc, probe, "/run/.containerenv"))
        return "podman";
    if (host_exists(gc, probe, "/.dockerenv"))
        return "docker";
    name = container_of_environment(gc, probe);
    return name ? name : container_of_cgroup(gc, probe);
}

/* ---- the machine ---- */

/* The value of the first "key : value" line of /proc/cpuinfo. */
static char *cpuinfo(struct gc *gc, const struct host_probe *probe, const char *key)
{
    CLEANUP_FILE FILE *f = fopen(gc_printf(gc, "%s/proc/cpuinfo", probe->root), "re");
    size_t len = strlen(key);
    char line[8192];

    while (f && fgets(line, sizeof(line), f)) {
        char *colon = strchr(line, ':');

        if (colon && !strncmp(line, key, len) && strspn(line + len, " \t") == (size_t)(colon - line) - len)
            return gc_strndup(gc, colon + 1 + strspn(colon + 1, " "),
                              strcspn(colon + 1 + strspn(colon + 1, " "), "\n"));
    }
    return NULL;
}

static bool has_word(const char *text, const char *word)
{
    size_t len = strlen(word);

    for (const char *p = text; p && (p = strstr(p, word)); p += len) {
        if ((p == text || p[-1] == ' ') && (!p[len] || p[len] == ' '))
            return true;
    }
    return false;
}

static void know_machine(struct gc *gc, const struct host_probe *probe, struct host_facts *facts)
{
    const char *flags = cpuinfo(gc, probe, "flags"), *extended = cpuinfo(gc, probe, "vmx flags");

    facts->kernel = first_line(gc, probe, "/proc/sys/kernel/osrelease");
    facts->cpu = cpuinfo(gc, probe, "model name");
    facts->virtualisation = has_word(flags, "vmx") ? "vmx" : has_word(flags, "svm") ? "svm" : NULL;
    facts->nested_paging = has_word(flags, "npt") || has_word(flags, "ept") || has_word(extended, "ept");
    facts->kvm_device = host_exists(gc, probe, "/dev/kvm");
    facts->kvm_works = facts->kvm_device && probe->kvm_works(gc_printf(gc, "%s/dev/kvm", probe->root));
}

struct host_facts *host_facts(struct gc *gc, const struct host_probe *probe)
{
    struct host_facts *facts = GC_NEW(gc, struct host_facts);

    know_hypervisor(gc, probe, facts);
    facts->container = find_container(gc, probe);
    know_machine(gc, probe, facts);
    return facts;
}
