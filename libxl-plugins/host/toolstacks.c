/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/cleanup.h"
#include "host/host.h"

const char *toolstack_state_name(enum toolstack_state state)
{
    static const char *const names[] = {"absent", "installed", "limited", "usable"};

    return names[state];
}

/* Xen's toolstack until 4.4: a daemon with a socket, and xm. */
static struct toolstack look_for_xend(struct gc *gc, const struct host_probe *probe, const struct host_facts *facts)
{
    const char *xm = host_program(gc, probe, "xm");
    bool runs =
        host_exists(gc, probe, "/var/run/xend/xmlrpc.sock") || host_exists(gc, probe, "/var/lib/xend/xend-socket");

    if (runs && !strcmp(facts->role, "dom0"))
        return (struct toolstack){"xend", TOOLSTACK_USABLE, "it runs: xl must not be used beside it"};
    if (xm || runs)
        return (struct toolstack){"xend", TOOLSTACK_INSTALLED,
                                  runs ? "its socket is there, but this is not dom0"
                                       : "xm is there, xend does not run"};
    return (struct toolstack){"xend", TOOLSTACK_ABSENT, "no xm, no xend"};
}

static struct toolstack look_for_libxl(struct gc *gc, const struct host_probe *probe, const struct host_facts *facts)
{
    const char *xl = host_program(gc, probe, "xl");
    bool xenstored = host_exists(gc, probe, "/var/run/xenstored/socket") ||
                     host_exists(gc, probe, "/run/xenstored/socket") || facts->xenbus;

    if (!xl)
        return (struct toolstack){"libxl", TOOLSTACK_ABSENT, "no xl"};
    if (strcmp(facts->hypervisor, "xen"))
        return (struct toolstack){"libxl", TOOLSTACK_INSTALLED, "xl is there, but the machine does not run on Xen"};
    if (strcmp(facts->role, "dom0"))
        return (struct toolstack){"libxl", TOOLSTACK_INSTALLED, "xl is there, but this is a guest, not dom0"};
    if (!xenstored)
        return (struct toolstack){"libxl", TOOLSTACK_INSTALLED, "xl is there, but xenstored does not answer"};
    return (struct toolstack){"libxl", TOOLSTACK_USABLE, xl, .version = facts->version};
}

static struct toolstack look_for_qemu(struct gc *gc, const struct host_probe *probe, const struct host_facts *facts)
{
    const char *qemu = host_program(gc, probe, "qemu-system-x86_64");

    if (!qemu)
        qemu = host_program(gc, probe, "kvm");
    if (!qemu)
        return (struct toolstack){"qemu", TOOLSTACK_ABSENT,
                                  facts->kvm_works ? "KVM works, but no QEMU is installed" : "no qemu-system-x86_64"};
    if (facts->kvm_works)
        return (struct toolstack){"qemu", TOOLSTACK_USABLE, gc_printf(gc, "%s with KVM", qemu), .program = qemu};
    return (struct toolstack){"qemu", TOOLSTACK_LIMITED,
                              gc_printf(gc, "%s, emulation only: %s", qemu,
                                        facts->kvm_device ? "/dev/kvm is there and does not work" : "no /dev/kvm"),
                              .program = qemu};
}

static struct toolstack look_for_containers(struct gc *gc, const struct host_probe *probe)
{
    static const char *const programs[] = {"docker", "podman",    "nerdctl",       "crun",
                                           "runc",   "lxc-start", "systemd-nspawn"};
    char *found = gc_strdup(gc, ""), *first = NULL;

    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        char *program = host_program(gc, probe, programs[i]);

        if (!program)
            continue;
        if (!first)
            first = program;
        found = gc_printf(gc, "%s%s%s", found, *found ? ", " : "", programs[i]);
    }
    if (!*found)
        return (struct toolstack){"containers", TOOLSTACK_ABSENT, "no docker, podman, lxc or nspawn"};
    return (struct toolstack){"containers", TOOLSTACK_USABLE, found, .program = first};
}

void host_toolstacks(struct gc *gc, const struct host_probe *probe, const struct host_facts *facts,
                     struct toolstack stacks[TOOLSTACK_COUNT])
{
    stacks[0] = look_for_xend(gc, probe, facts);
    stacks[1] = look_for_libxl(gc, probe, facts);
    stacks[2] = look_for_qemu(gc, probe, facts);
    stacks[3] = look_for_containers(gc, probe);
}

/* ---- what of xl-ext would work ---- */

static const char *why_no_dom0(const struct host_facts *facts)
{
    if (strcmp(facts->hypervisor, "xen"))
        return facts->container ? "a dom0: this is a container" : "Xen: boot this machine with the Xen hypervisor";
    return strcmp(facts->role, "dom0") ? "dom0: this is a guest" : NULL;
}

/* Debian's folder has major and minor version of Xen in its name. */
static const char *debian_hvmloader(struct gc *gc, const struct host_facts *facts)
{
    const char *version = facts->version ? facts->version : "", *minor = strchr(version, '.');
    size_t len = minor ? (size_t)(minor - version) + 1 + strspn(minor + 1, "0123456789") : 0;

    return gc_printf(gc, "/usr/lib/xen-%.*s/boot/hvmloader", (int)len, version);
}

static const char *why_no_stubdom(struct gc *gc, const struct host_probe *probe, const struct host_facts *facts)
{
    const char *why = why_no_dom0(facts);

    if (why)
        return why;
    if (!host_exists(gc, probe, debian_hvmloader(gc, facts)) && !host_exists(gc, probe, "/usr/lib/xen/boot/hvmloader"))
        return "hvmloader (Debian: xen-utils)";
    return facts->virtualisation || facts->nested_paging || host_exists(gc, probe, "/proc/xen")
               ? NULL
               : "hardware virtualisation";
}

static const char *why_no_agent(const struct host_facts *facts)
{
    if (strcmp(facts->hypervisor, "xen") || strcmp(facts->role, "guest"))
        return "a Xen guest: the agent runs inside of one";
    if (!facts->xenbus)
        return "/dev/xen/xenbus (modprobe xen-gntdev, mount xenfs)";
    return facts->xen_balloon ? NULL : "the kernel's Xen balloon driver";
}

size_t host_parts(struct gc *gc, const struct host_probe *probe, const struct host_facts *facts,
                  struct host_part parts[HOST_PARTS_MAX])
{
    const char *no_dom0 = why_no_dom0(facts);
    const char *qemu = host_program(gc, probe, "qemu-system-x86_64");
    size_t n = 0;

    parts[n++] = (struct host_part){"memory targets", "mem-list mem-info mem-set mem-max mem-watch", no_dom0};
    parts[n++] = (struct host_part){"memory daemon, QMP", "memd", no_dom0};
    parts[n++] = (struct host_part){"stub domains", "stubdom-check stubdom-create", why_no_stubdom(gc, probe, facts)};
    parts[n++] = (struct host_part){"vCPU affinity", "vcpu-list vcpu-info vcpu-pin", no_dom0};
    parts[n++] = (struct host_part){"migration", "cpu-policy migrate-check migrate", no_dom0};
    parts[n++] = (struct host_part){"comparing policy files", "cpu-diff", NULL};
    parts[n++] = (struct host_part){"guest agent", "xl-ext-agent", why_no_agent(facts)};
    parts[n++] = (struct host_part){"lab", "lab/xen-lab", qemu ? NULL : "qemu-system-x86_64"};
    return n;
}
