/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules, each a function that looks at one thing; sources are named where a rule mirrors libxl. */
#include "stubdom-launch/check.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "stubdom-launch/rules.h"
#include "stubdom-launch/stubdom.h"

/* Below this QEMU and its libraries are thrown out of memory and read again all the time, or init does not even start.
 */
#define MEMORY_LEAST_KB (112 * 1024)
/* From this QEMU on a stub domain needs help with its consoles; without it, these two of Linux's words: it must not fill its
 * console before init runs, and not wait for back ends that do not come. docs/xen-versions.md. */
#define QEMU_LEAVES_CONSOLES 802
#define QUIET "quiet"
#define NO_WAIT "initcall_blacklist=boot_wait_for_devices"

struct stubdom_finding *rules_add(struct check *c, enum stubdom_severity severity, const char *code, const char *reason,
                                  const char *cure)
{
    struct stubdom_findings *f = c->findings;

    f->items = gc_realloc(c->gc, f->items, (f->count + 1) * sizeof(*f->items));
    f->items[f->count] = (struct stubdom_finding){.code = code, .severity = severity, .reason = reason, .cure = cure};
    f->errors += severity == STUBDOM_ERROR;
    return &f->items[f->count++];
}

/* ---- is it a guest with a Linux stub domain at all ---- */

static void check_kind(struct check *c)
{
    struct stubdom_finding *f;

    if (!text_is(c->c_info, "type", "hvm")) {
        rules_add(c, STUBDOM_ERROR, "not-hvm",
                  "the guest is not of type hvm: only those have a device model that can run in a stub domain",
                  "set type=\"hvm\"");
    }
    if (!is_on(c->b_info, "device_model_stubdomain")) {
        f = rules_add(c, STUBDOM_ERROR, "stubdomain-off",
                      "device_model_stubdomain_override is not set: the device model would run in dom0",
                      "set device_model_stubdomain_override=1");
        f->drop[0] = "device_model_stubdomain_override";
        f->add = "device_model_stubdomain_override=1";
    }
    if (!text_is(c->b_info, "device_model_version", "qemu_xen")) {
        f = rules_add(
            c, STUBDOM_ERROR, "dm-version",
            "device_model_version is not qemu-xen: with a stub domain libxl then takes qemu-xen-traditional on MiniOS",
            "set device_model_version=\"qemu-xen\"");
        f->drop[0] = "device_model_version";
        f->add = "device_model_version=\"qemu-xen\"";
    }
    if (text_of(c->b_info, "device_model")) {
        f = rules_add(
            c, STUBDOM_ERROR, "dm-override",
            "device_model_override is set: with a stub domain it does not choose the device model, it replaces the "
            "QEMU in dom0 that "
            "serves the stub domain's consoles",
            "leave device_model_override out");
        f->drop[0] = "device_model_override";
        f->drop[1] = "device_model";
    }
    if (c->facts->ignores_device_model) {
        f = rules_add(c, STUBDOM_WARNING, "dm-ignored",
                      "device_model is set: xl ignores it, and the device model in the stub domain is the image's",
                      "leave device_model out");
        f->drop[0] = "device_model";
    }
    if (is_on(c->b_info, "dm_restrict")) {
        f = rules_add(
            c, STUBDOM_ERROR, "dm-restrict",
            "dm_restrict is set: in a stub domain QEMU could then not say that it is ready, and the start would "
            "run out of time",
            "leave dm_restrict out, the stub domain restricts QEMU more");
        f->drop[0] = "dm_restrict";
    }
}

/* ---- the host ---- */

static void check_image(struct check *c)
{
    const struct stubdom_facts *facts = c->facts;
    const char *cure = "make it with 'xl-ext stubdom-build'";

    if (!facts->kernel_readable)
        rules_add(c, STUBDOM_ERROR, "image-kernel-missing",
                  gc_printf(c->gc, "the stub domain's kernel %s cannot be read", facts->kernel), cure);
    if (!facts->ramdisk_readable) {
        rules_add(c, STUBDOM_ERROR, "image-rootfs-missing",
                  gc_printf(c->gc, "the stub domain's root file system %s cannot be read", facts->ramdisk), cure);
    } else if (!facts->image.xen) {
        rules_add(
            c, STUBDOM_WARNING, "image-foreign",
            gc_printf(c->gc, "%s was not made by stubdom-build: nothing can be said of what is in it", facts->ramdisk),
            "make one with 'xl-ext stubdom-build', or know what you do");
    } else if (facts->xen && strcmp(facts->image.xen, facts->xen)) {
        rules_add(c, STUBDOM_ERROR, "image-other-xen",
                  gc_printf(c->gc, "%s was made for Xen %s, this is Xen %s: QEMU in it speaks another interface",
                            facts->ramdisk, facts->image.xen, facts->xen),
                  "make it anew with 'xl-ext stubdom-build'");
    }
    if (facts->proxy)
        rules_add(c, STUBDOM_ERROR, "proxy-missing",
                  gc_printf(c->gc, "libxl cannot reach QEMU's QMP: %s", facts->proxy),
                  facts->xen ? gc_printf(c->gc, "install the packages xen-utils-common and xen-utils-%s", facts->xen)
                             : "install the package xen-utils-common");
    if (facts->dom0_qemu)
        rules_add(c, STUBDOM_ERROR, "dom0-qemu-missing",
                  gc_printf(c->gc, "nobody would serve the stub domain's consoles: %s", facts->dom0_qemu),
                  "install the package qemu-system-xen");
    if (facts->stub_name_taken)
        rules_add(c, STUBDOM_ERROR, "name-taken",
                  gc_printf(c->gc, "there is already a domain '%s-dm', and the stub domain must be called that",
                            text_of(c->c_info, "name") ? text_of(c->c_info, "name") : ""),
                  "destroy it if it is a left-over, or give the guest another name");
}

static void check_memory(struct check *c)
{
    int64_t memkb;
    struct stubdom_finding *f;

    if (!json_member_integer(c->b_info, "stubdomain_memkb", &memkb) || memkb < 0 || memkb >= MEMORY_LEAST_KB)
        return;
    f = rules_add(
        c, STUBDOM_ERROR, "memory-small",
        gc_printf(
            c->gc,
            "stubdomain_memory is %lld MiB: kernel and QEMU need %d MiB at least, the start would run out of time",
            (long long)memkb / 1024, MEMORY_LEAST_KB / 1024),
        "leave stubdomain_memory out, libxl's default is 128 MiB");
    f->drop[0] = "stubdomain_memory";
}

/* c_info.passthrough says whether the guest gets an IOMMU; by default it gets one with its first device. */
static bool has_iommu(const struct check *c)
{
    const char *passthrough = text_of(c->c_info, "passthrough");

    if (passthrough && strcmp(passthrough, "default"))
        return strcmp(passthrough, "disabled");
    return length_of(json_member(c->config, "pcidevs")) || length_of(json_member(c->config, "dtdevs"));
}

/* A guest that starts with less than its maximum is built for populate-on-demand, and what libxl refuses together with
 * that is refused before anything is built: libxl__domain_config_setdefault of libxl_create.c. */
static void check_populate_on_demand(struct check *c)
{
    int64_t target_memkb, max_memkb;
    const char *sizes;

    if (!json_member_integer(c->b_info, "target_memkb", &target_memkb) ||
        !json_member_integer(c->b_info, "max_memkb", &max_memkb) || target_memkb >= max_memkb)
        return;
    sizes = gc_printf(c->gc, "memory is %lld MiB and maxmem %lld", (long long)target_memkb / 1024,
                      (long long)max_memkb / 1024);
    if (length_of(json_member(c->b_info, "vnuma_nodes")))
        rules_add(c, STUBDOM_ERROR, "pod-vnuma",
                  gc_printf(c->gc, "%s: libxl refuses vNUMA for a guest that starts with less than maxmem", sizes),
                  "set maxmem to the same as memory, or leave vnuma= out");
    if (has_iommu(c))
        rules_add(c, STUBDOM_ERROR, "pod-passthrough",
                  gc_printf(c->gc,
                            "%s: libxl refuses an IOMMU, which passing devices through needs, for a guest that starts "
                            "with less than maxmem",
                            sizes),
                  "set maxmem to the same as memory, or pass no device through (pci=, dtdev=, passthrough=)");
}

static void check_command_line(struct check *c)
{
    const char *text = text_of(c->b_info, "stubdomain_cmdline");
    struct stubdom_finding *f;

    if (!text || !strstr(text, "privcmd.unrestricted=0"))
        return;
    f = rules_add(c, STUBDOM_ERROR, "privcmd-restricted",
                  "stubdomain_cmdline switches off xen-privcmd.unrestricted: QEMU could not map its own guest's memory",
                  "leave that out of stubdomain_cmdline");
    f->drop[0] = "stubdomain_cmdline";
}

/* "7.2.22 (Debian ...)" is 702. 0: not known. */
static unsigned qemu_version(const char *text)
{
    unsigned major, minor;

    return text && sscanf(text, "%u.%u", &major, &minor) == 2 && minor < 100 ? major * 100 + minor : 0;
}

/* consoles.h. The image's QEMU stands for dom0's: both come from the same package. */
static void check_consoles(struct check *c)
{
    const char *text = text_of(c->b_info, "stubdomain_cmdline");
    bool is_quiet = text && strstr(text, QUIET), waits = !text || !strstr(text, NO_WAIT);
    struct stubdom_finding *f;

    if (qemu_version(c->facts->image.qemu) < QEMU_LEAVES_CONSOLES || c->facts->memd_runs || (is_quiet && !waits))
        return;
    f = rules_add(
        c, STUBDOM_WARNING, "consoles-unserved",
        gc_printf(c->gc,
                  "QEMU %s leaves consoles of the stub domain unconnected, and memd, which would connect them, does "
                  "not run: stubdom-create can start the guest; xl and libvirt wait 30 s in vain",
                  c->facts->image.qemu),
        "start memd, or put \"" QUIET " " NO_WAIT "\" into stubdomain_cmdline");
    f->drop[0] = "stubdomain_cmdline";
    f->add = gc_printf(c->gc, "stubdomain_cmdline=\"%s%s%s%s%s\"", text ? text : "", text && *text ? " " : "",
                       is_quiet ? "" : QUIET, !is_quiet && waits ? " " : "", waits ? NO_WAIT : "");
}

/* ---- what the stub domain cannot offer ---- */

static void check_graphics(struct check *c)
{
    static const struct {
        const char *key, *code, *what;
    } displays[] = {{"vnc", "vnc", "VNC"}, {"spice", "spice", "Spice"}, {"sdl", "sdl", "SDL"}};

    for (size_t i = 0; i < ARRAY_LEN(displays); i++) {
        const struct json *display = json_member(c->hvm, displays[i].key);
        bool is_vnc = i == 0, on = is_on(display, "enable");
        struct stubdom_finding *f;

        /* libxl switches VNC on when nothing is said of it */
        if (!on && !(is_vnc && !text_of(display, "enable")))
            continue;
        f = rules_add(
            c, STUBDOM_WARNING, displays[i].code,
            gc_printf(
                c->gc,
                "%s %s: a stub domain shows nothing of the guest, the display would be the stub domain's own console",
                displays[i].what, on ? "is on" : "is on when nothing is said of it"),
            gc_printf(c->gc, "set %s=0", displays[i].key));
        f->drop[0] = displays[i].key;
        f->add = gc_printf(c->gc, "%s=0", displays[i].key);
    }
    if (text_is(json_member(c->hvm, "vga"), "kind", "qxl"))
        rules_add(c, STUBDOM_ERROR, "vga-qxl", "vga is qxl, which needs Spice: there is none in a stub domain",
                  "set vga=\"stdvga\" or vga=\"cirrus\"");
}

static void check_serial(struct check *c)
{
    struct stubdom_finding *f;

    if (text_of(c->hvm, "serial") || length_of(json_member(c->hvm, "serial_list")))
        return;
    f = rules_add(c, STUBDOM_WARNING, "serial-missing",
                  "the guest has no serial port: 'xl console' shows nothing, and there is no other display",
                  "set serial=\"pty\"");
    f->add = "serial=\"pty\"";
}

bool rules_is_included(const struct stubdom_image *image, const char *path)
{
    for (size_t i = 0; i < image->include_count; i++) {
        if (!strcmp(image->includes[i], path))
            return true;
    }
    return false;
}

static void check_direct_boot(struct check *c)
{
    static const char *const keys[] = {"kernel", "ramdisk"};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const char *path = text_of(c->b_info, keys[i]);

        if (!path || !strncmp(path, "/dev/xvd", 8) || !c->facts->image.xen || rules_is_included(&c->facts->image, path))
            continue;
        rules_add(c, STUBDOM_ERROR, "kernel-not-inside",
                  gc_printf(c->gc, "%s=%s is looked for inside the stub domain, and the image does not have it",
                            keys[i], path),
                  gc_printf(c->gc, "make the image with --include %s, or boot from a disk", path));
    }
}

/* The preserved guest keeps its stub domain, and that the name that the new one's must have. */
static void check_actions(struct check *c)
{
    static const char *const keys[] = {"on_poweroff", "on_reboot", "on_crash", "on_watchdog"};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (text_is(c->config, keys[i], "restart_rename"))
            rules_add(
                c, STUBDOM_WARNING, "rename-restart",
                gc_printf(c->gc,
                          "%s is rename-restart: the new guest's stub domain would need the name of the old one's",
                          keys[i]),
                "use restart or preserve");
    }
}

static void check_the_rest(struct check *c)
{
    if (length_of(json_member(c->config, "channels")))
        rules_add(c, STUBDOM_ERROR, "channels",
                  "channels end inside the stub domain: QEMU would look for their sockets there", "leave channel= out");
    if (length_of(json_member(c->config, "pcidevs")))
        rules_add(c, STUBDOM_WARNING, "pci",
                  "PCI devices are passed through: the image has no xen-pcifront, and this was never tried",
                  "run the device model of this guest in dom0");
}

bool stubdom_ignores_device_model(const char *warnings)
{
    return strstr(warnings, "ignoring device_model directive");
}

void stubdom_check(struct gc *gc, const struct json *config, const struct stubdom_facts *facts,
                   struct stubdom_findings *findings)
{
    struct check c = {
        .gc = gc,
        .config = config,
        .c_info = json_member(config, "c_info"),
        .b_info = json_member(config, "b_info"),
        .facts = facts,
        .findings = findings,
    };

    *findings = (struct stubdom_findings){0};
    c.hvm = json_member(c.b_info, "type.hvm");
    check_kind(&c);
    check_image(&c);
    check_memory(&c);
    check_populate_on_demand(&c);
    check_command_line(&c);
    check_consoles(&c);
    rules_of_disks(&c);
    check_graphics(&c);
    check_serial(&c);
    check_direct_boot(&c);
    rules_of_nics(&c);
    check_the_rest(&c);
    check_actions(&c);
}
