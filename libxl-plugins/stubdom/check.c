/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules, each a function that looks at one thing; sources are named where a rule mirrors libxl. */
#include "stubdom/check.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "stubdom/stubdom.h"

/* Below this QEMU and its libraries are thrown out of memory and read again all the time, or init does not even start.
 */
#define MEMORY_LEAST_KB (112 * 1024)
#define IDE_DISKS 4
#define DISK_LETTERS 26
#define NICS_MAX 8

struct check {
    struct gc *gc;
    const struct json *c_info, *b_info, *hvm, *config;
    const struct stubdom_facts *facts;
    struct stubdom_findings *findings;
};

static struct stubdom_finding *add(struct check *c, enum stubdom_severity severity, const char *code,
                                   const char *reason, const char *cure)
{
    struct stubdom_findings *f = c->findings;

    f->items = gc_realloc(c->gc, f->items, (f->count + 1) * sizeof(*f->items));
    f->items[f->count] = (struct stubdom_finding){.code = code, .severity = severity, .reason = reason, .cure = cure};
    f->errors += severity == STUBDOM_ERROR;
    return &f->items[f->count++];
}

static const char *text_of(const struct json *node, const char *key)
{
    const char *value;

    return json_member_string(node, key, &value) ? value : NULL;
}

static bool text_is(const struct json *node, const char *key, const char *wanted)
{
    const char *value = text_of(node, key);

    return value && !strcmp(value, wanted);
}

/* libxl writes its own booleans as "True" and "False", and leaves out what is not set. */
static bool is_on(const struct json *node, const char *key)
{
    return text_is(node, key, "True");
}

static bool number_is_set(const struct json *node, const char *key)
{
    int64_t value;
    bool flag;

    return (json_member_integer(node, key, &value) && value) || (json_member_bool(node, key, &flag) && flag) ||
           is_on(node, key);
}

static size_t length_of(const struct json *list)
{
    return list && list->type == JSON_ARRAY ? list->list.count : 0;
}

/* ---- is it a guest with a Linux stub domain at all ---- */

static void check_kind(struct check *c)
{
    struct stubdom_finding *f;

    if (!text_is(c->c_info, "type", "hvm")) {
        add(c, STUBDOM_ERROR, "not-hvm",
            "the guest is not of type hvm: only those have a device model that can run in a stub domain",
            "set type=\"hvm\"");
    }
    if (!is_on(c->b_info, "device_model_stubdomain")) {
        f = add(c, STUBDOM_ERROR, "stubdomain-off",
                "device_model_stubdomain_override is not set: the device model would run in dom0",
                "set device_model_stubdomain_override=1");
        f->drop[0] = "device_model_stubdomain_override";
        f->add = "device_model_stubdomain_override=1";
    }
    if (!text_is(c->b_info, "device_model_version", "qemu_xen")) {
        f = add(
            c, STUBDOM_ERROR, "dm-version",
            "device_model_version is not qemu-xen: with a stub domain libxl then takes qemu-xen-traditional on MiniOS",
            "set device_model_version=\"qemu-xen\"");
        f->drop[0] = "device_model_version";
        f->add = "device_model_version=\"qemu-xen\"";
    }
    if (text_of(c->b_info, "device_model")) {
        f = add(c, STUBDOM_ERROR, "dm-override",
                "device_model_override is set: with a stub domain it does not choose the device model, it replaces the "
                "QEMU in dom0 that "
                "serves the stub domain's consoles",
                "leave device_model_override out");
        f->drop[0] = "device_model_override";
        f->drop[1] = "device_model";
    }
    if (c->facts->ignores_device_model) {
        f = add(c, STUBDOM_WARNING, "dm-ignored",
                "device_model is set: xl ignores it, and the device model in the stub domain is the image's",
                "leave device_model out");
        f->drop[0] = "device_model";
    }
    if (is_on(c->b_info, "dm_restrict")) {
        f = add(c, STUBDOM_ERROR, "dm-restrict",
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
        add(c, STUBDOM_ERROR, "image-kernel-missing",
            gc_printf(c->gc, "the stub domain's kernel %s cannot be read", facts->kernel), cure);
    if (!facts->ramdisk_readable) {
        add(c, STUBDOM_ERROR, "image-rootfs-missing",
            gc_printf(c->gc, "the stub domain's root file system %s cannot be read", facts->ramdisk), cure);
    } else if (!facts->image.xen) {
        add(c, STUBDOM_WARNING, "image-foreign",
            gc_printf(c->gc, "%s was not made by stubdom-build: nothing can be said of what is in it", facts->ramdisk),
            "make one with 'xl-ext stubdom-build', or know what you do");
    } else if (facts->xen && strcmp(facts->image.xen, facts->xen)) {
        add(c, STUBDOM_ERROR, "image-other-xen",
            gc_printf(c->gc, "%s was made for Xen %s, this is Xen %s: QEMU in it speaks another interface",
                      facts->ramdisk, facts->image.xen, facts->xen),
            "make it anew with 'xl-ext stubdom-build'");
    }
    if (facts->proxy)
        add(c, STUBDOM_ERROR, "proxy-missing", gc_printf(c->gc, "libxl cannot reach QEMU's QMP: %s", facts->proxy),
            facts->xen ? gc_printf(c->gc, "install the packages xen-utils-common and xen-utils-%s", facts->xen)
                       : "install the package xen-utils-common");
    if (facts->dom0_qemu)
        add(c, STUBDOM_ERROR, "dom0-qemu-missing",
            gc_printf(c->gc, "nobody would serve the stub domain's consoles: %s", facts->dom0_qemu),
            "install the package qemu-system-xen");
    if (facts->stub_name_taken)
        add(c, STUBDOM_ERROR, "name-taken",
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
    f = add(c, STUBDOM_ERROR, "memory-small",
            gc_printf(
                c->gc,
                "stubdomain_memory is %lld MiB: kernel and QEMU need %d MiB at least, the start would run out of time",
                (long long)memkb / 1024, MEMORY_LEAST_KB / 1024),
            "leave stubdomain_memory out, libxl's default is 128 MiB");
    f->drop[0] = "stubdomain_memory";
}

static void check_command_line(struct check *c)
{
    const char *text = text_of(c->b_info, "stubdomain_cmdline");
    struct stubdom_finding *f;

    if (!text || !strstr(text, "privcmd.unrestricted=0"))
        return;
    f = add(c, STUBDOM_ERROR, "privcmd-restricted",
            "stubdomain_cmdline switches off xen-privcmd.unrestricted: QEMU could not map its own guest's memory",
            "leave that out of stubdomain_cmdline");
    f->drop[0] = "stubdomain_cmdline";
}

/* ---- disks ---- */

/* libxl, libxl__device_disk_dev_number: "hdc", "xvdc", "sdc" and "d2" are the third disk. -1: a form that is not
 * followed here. */
static int disk_number(const char *vdev)
{
    static const char *const prefixes[] = {"xvd", "hd", "sd"};

    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        const char *letter = vdev + strlen(prefixes[i]);

        if (!strncmp(vdev, prefixes[i], strlen(prefixes[i])) && *letter >= 'a' && *letter <= 'z')
            return letter[1] >= 'a' && letter[1] <= 'z' ? DISK_LETTERS : *letter - 'a';
    }
    return -1;
}

static void check_disk(struct check *c, const struct json *disk)
{
    const char *vdev = text_of(disk, "vdev") ? text_of(disk, "vdev") : "?";
    const char *format = text_of(disk, "format") ? text_of(disk, "format") : "raw";
    bool is_scsi = !strncmp(vdev, "sd", 2), is_ahci = text_is(c->hvm, "hdtype", "ahci");
    int number = disk_number(vdev);

    if (number_is_set(disk, "is_cdrom")) {
        add(c, STUBDOM_WARNING, "disk-cdrom",
            gc_printf(
                c->gc,
                "%s is a CD-ROM: the guest sees it only as an emulated drive, and Xen 4.17 cannot change the disc",
                vdev),
            "attach the image as a disk, or run the device model in dom0 while installing");
        return;
    }
    if (strcmp(format, "raw") || text_is(disk, "backend", "qdisk"))
        add(c, STUBDOM_WARNING, "disk-qdisk",
            gc_printf(c->gc,
                      "%s (%s) needs QEMU as its back end, and none serves the guest: the emulated disk works, the "
                      "guest's PV disk "
                      "hangs",
                      vdev, format),
            "use a raw file or a block device (qemu-img convert -O raw)");
    if (!number_is_set(disk, "readwrite") && !is_scsi)
        add(c, STUBDOM_ERROR, "disk-readonly-ide",
            gc_printf(c->gc, "%s is read-only: QEMU has no read-only IDE or AHCI disks, libxl refuses to start", vdev),
            "make it writable, or an sd disk");
    if (number >= DISK_LETTERS || (number >= IDE_DISKS && !is_scsi && !is_ahci))
        add(c, STUBDOM_WARNING, "disk-not-emulated",
            gc_printf(c->gc, "%s comes after the disks that are emulated (%s): the guest sees it with PV drivers only",
                      vdev, is_scsi || is_ahci ? "the first 26, with AHCI the first 6" : "4 with IDE"),
            "name it earlier if the guest must boot from it");
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
        f = add(
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
        add(c, STUBDOM_ERROR, "vga-qxl", "vga is qxl, which needs Spice: there is none in a stub domain",
            "set vga=\"stdvga\" or vga=\"cirrus\"");
}

static void check_serial(struct check *c)
{
    struct stubdom_finding *f;

    if (text_of(c->hvm, "serial") || length_of(json_member(c->hvm, "serial_list")))
        return;
    f = add(c, STUBDOM_WARNING, "serial-missing",
            "the guest has no serial port: 'xl console' shows nothing, and there is no other display",
            "set serial=\"pty\"");
    f->add = "serial=\"pty\"";
}

static bool is_included(const struct stubdom_image *image, const char *path)
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

        if (!path || !strncmp(path, "/dev/xvd", 8) || !c->facts->image.xen || is_included(&c->facts->image, path))
            continue;
        add(c, STUBDOM_ERROR, "kernel-not-inside",
            gc_printf(c->gc, "%s=%s is looked for inside the stub domain, and the image does not have it", keys[i],
                      path),
            gc_printf(c->gc, "make the image with --include %s, or boot from a disk", path));
    }
}

static bool is_emulated(const struct json *nic)
{
    return !text_is(nic, "nictype", "vif");
}

/* The stub domain finds the counterpart of an emulated card by its address. */
static bool has_mac_of_another(const struct json *nics, size_t i)
{
    const char *mac = text_of(nics->list.items[i], "mac");

    for (size_t j = 0; mac && j < i; j++) {
        const char *other = text_of(nics->list.items[j], "mac");

        if (other && !strcasecmp(mac, other))
            return true;
    }
    return false;
}

static void check_nics(struct check *c)
{
    const struct json *nics = json_member(c->config, "nics");
    size_t count = length_of(nics), emulated = 0;

    for (size_t i = 0; i < count; i++)
        emulated += is_emulated(nics->list.items[i]);
    if (emulated > NICS_MAX)
        add(c, STUBDOM_ERROR, "nics-many",
            gc_printf(c->gc, "there are %zu emulated network cards, the stub domain bridges %d", emulated, NICS_MAX),
            "use fewer, or type=vif for those that need no emulation");
    for (size_t i = 0; i < count; i++) {
        if (has_mac_of_another(nics, i))
            add(c, STUBDOM_ERROR, "nics-same-mac",
                gc_printf(c->gc, "two network cards have the MAC address %s: the stub domain could not tell them apart",
                          text_of(nics->list.items[i], "mac")),
                "give each a MAC address of its own, or leave mac= out");
    }
    for (size_t i = 0; i < count; i++) {
        const struct json *nic = nics->list.items[i];
        const char *model = text_of(nic, "model") ? text_of(nic, "model") : "rtl8139", *rom;

        if (!is_emulated(nic) || !strcmp(model, "e1000") || !strcmp(model, "rtl8139"))
            continue;
        rom = gc_printf(c->gc, "/usr/lib/ipxe/qemu/efi-%s.rom", !strncmp(model, "virtio", 6) ? "virtio" : model);
        if (c->facts->image.xen && !is_included(&c->facts->image, rom))
            add(c, STUBDOM_ERROR, "nic-model",
                gc_printf(c->gc, "the image has no option ROM for the network card model %s: QEMU would not start",
                          model),
                gc_printf(c->gc, "use model=e1000 or rtl8139, or make the image with --include %s", rom));
    }
}

/* The preserved guest keeps its stub domain, and that the name that the new one's must have. */
static void check_actions(struct check *c)
{
    static const char *const keys[] = {"on_poweroff", "on_reboot", "on_crash", "on_watchdog"};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (text_is(c->config, keys[i], "restart_rename"))
            add(c, STUBDOM_WARNING, "rename-restart",
                gc_printf(c->gc,
                          "%s is rename-restart: the new guest's stub domain would need the name of the old one's",
                          keys[i]),
                "use restart or preserve");
    }
}

static void check_the_rest(struct check *c)
{
    if (length_of(json_member(c->config, "channels")))
        add(c, STUBDOM_ERROR, "channels",
            "channels end inside the stub domain: QEMU would look for their sockets there", "leave channel= out");
    if (length_of(json_member(c->config, "pcidevs")))
        add(c, STUBDOM_WARNING, "pci",
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
    const struct json *disks = json_member(config, "disks");
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
    check_command_line(&c);
    for (size_t i = 0; i < length_of(disks); i++)
        check_disk(&c, disks->list.items[i]);
    check_graphics(&c);
    check_serial(&c);
    check_direct_boot(&c);
    check_nics(&c);
    check_the_rest(&c);
    check_actions(&c);
}
