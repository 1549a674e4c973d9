/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_HOST_HOST_H
#define XLX_HOST_HOST_H

/*
 * What this machine is, found out from inside and without asking anybody: CPUID, /sys, /proc, /dev and what is
 * installed. It must work on any Linux, Xen or not, root or not; what cannot be told is left NULL.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/gc.h"
#include "core/ctx.h"
#include "xlx-plugin.h"

/* How facts are got at; tests have their own root and CPU. */
struct host_probe {
    const char *root; /* put before every path: "" for this machine */
    const char *path; /* $PATH, folders below root */
    /* CPUID of leaf, subleaf 0, into eax, ebx, ecx, edx */
    void (*cpuid)(uint32_t leaf, uint32_t registers[4]);
    bool (*kvm_works)(const char *device);
};
extern const struct host_probe host_probe_real;

struct host_facts {
    const char *hypervisor; /* what the system runs under: "xen", "kvm", "hyper-v", ... or "none" */
    const char *version;    /* of the hypervisor */
    const char *role;       /* "dom0", "guest", "root partition" or "host" (nothing below it that shows) */
    const char *guest_type; /* under Xen: "pv", "pvh" or "hvm" */
    const char *container;  /* "docker", "podman", "lxc", ... when the system is a container */
    const char *kernel;
    const char *cpu;
    const char *virtualisation; /* "vmx" or "svm": what the CPU offers for guests of its own */
    bool nested_paging;         /* ept or npt */
    bool kvm_device, kvm_works;
    bool xen_balloon, xenbus; /* in a Xen guest: what the guest agent needs */
};

/* What only the hypervisor can tell, when this is its dom0. */
struct host_asked {
    bool answered;
    const char *capabilities; /* "pv pvh hvm hap" */
    uint32_t cpus, nodes;
    uint64_t total_memkb, free_memkb;
    bool autoballoon; /* of xl */
};
/* Fills in all but answered; false after a logged error. Needs Xen's libraries, unlike all else here. */
bool host_xen_answer(struct xlx_ctx *ctx, struct gc *gc, struct host_asked *asked);
/* host_xen_answer, set by the tool when it could be loaded: host-info must also work without it. NULL: nobody can be
 * asked. */
extern bool (*host_ask_xen)(struct xlx_ctx *ctx, struct gc *gc, struct host_asked *asked);

/* Everything that can be told from files and CPUID. */
struct host_facts *host_facts(struct gc *gc, const struct host_probe *probe);

/* "xen", "kvm", "hyper-v", ...; NULL: CPUID tells of no hypervisor. Hyper-V's signature is also put on by Xen and KVM
 * for Windows guests; theirs stands behind it and wins. */
const char *host_signature(const struct host_probe *probe);

enum toolstack_state {
    TOOLSTACK_ABSENT,
    TOOLSTACK_INSTALLED, /* there, but cannot work here or does not run */
    TOOLSTACK_LIMITED,   /* works with less than its usual means (QEMU without KVM) */
    TOOLSTACK_USABLE,
};

struct toolstack {
    const char *name;
    enum toolstack_state state;
    const char *note;    /* what was found, or why it cannot be used */
    const char *program; /* that tells its version when called with --version; NULL: none */
    const char *version; /* NULL: not known */
};

/* In the order that matters: xend, libxl, QEMU/KVM, containers. Xen comes first because QEMU always answers. */
#define TOOLSTACK_COUNT 4
void host_toolstacks(struct gc *gc, const struct host_probe *probe, const struct host_facts *facts,
                     struct toolstack stacks[TOOLSTACK_COUNT]);
const char *toolstack_state_name(enum toolstack_state state);

/* A part of xl-ext, and what keeps it from working here (NULL: nothing). */
struct host_part {
    const char *name, *commands, *missing;
};
#define HOST_PARTS_MAX 12
size_t host_parts(struct gc *gc, const struct host_probe *probe, const struct host_facts *facts,
                  struct host_part parts[HOST_PARTS_MAX]);

/* The path of a program, in the pool, or NULL. */
char *host_program(struct gc *gc, const struct host_probe *probe, const char *name);
bool host_exists(struct gc *gc, const struct host_probe *probe, const char *path);

extern const struct xlx_command cmd_host_info;

#endif
