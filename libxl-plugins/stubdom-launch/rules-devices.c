/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules about disks and network cards. */
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "stubdom-launch/rules.h"

/* How many disks are emulated, by bus. */
#define IDE_DISKS 4
#define AHCI_DISKS 6
#define DISK_LETTERS 26
#define NICS_MAX 8

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

/* libxl tells QEMU /dev/xvdN for the Nth disk of every kind, and the stub domain's kernel names them so as well. */
static void check_disk_letters(struct check *c, const struct json *disks)
{
    const char *first[DISK_LETTERS] = {NULL};

    for (size_t i = 0; i < length_of(disks); i++) {
        const char *vdev = text_of(disks->list.items[i], "vdev");
        int number = vdev ? disk_number(vdev) : -1;

        if (number < 0 || number >= DISK_LETTERS)
            continue;
        if (first[number])
            rules_add(c, STUBDOM_ERROR, "disk-same-letter",
                      gc_printf(c->gc,
                                "%s and %s are both /dev/xvd%c in the stub domain: QEMU would take one for the other",
                                first[number], vdev, 'a' + number),
                      "give each disk a letter of its own");
        else
            first[number] = vdev;
    }
}

static void check_disk(struct check *c, const struct json *disk)
{
    const char *vdev = text_of(disk, "vdev") ? text_of(disk, "vdev") : "?";
    const char *format = text_of(disk, "format") ? text_of(disk, "format") : "raw";
    bool is_scsi = !strncmp(vdev, "sd", 2);
    int number = disk_number(vdev);
    int emulated = is_scsi ? DISK_LETTERS : text_is(c->hvm, "hdtype", "ahci") ? AHCI_DISKS : IDE_DISKS;

    if (number_is_set(disk, "is_cdrom")) {
        rules_add(
            c, STUBDOM_WARNING, "disk-cdrom",
            gc_printf(c->gc,
                      "%s is a CD-ROM: the guest sees it only as an emulated drive, and Xen %s cannot change the disc",
                      vdev, c->facts->xen ? c->facts->xen : "here"),
            "attach the image as a disk, or run the device model in dom0 while installing");
        return;
    }
    if (strcmp(format, "raw") || text_is(disk, "backend", "qdisk"))
        rules_add(
            c, STUBDOM_WARNING, "disk-qdisk",
            gc_printf(c->gc,
                      "%s (%s) needs QEMU as its back end, and none serves the guest: the emulated disk works, the "
                      "guest's PV disk "
                      "hangs",
                      vdev, format),
            "use a raw file or a block device (qemu-img convert -O raw)");
    if (!number_is_set(disk, "readwrite") && !is_scsi && number < emulated)
        rules_add(
            c, STUBDOM_ERROR, "disk-readonly-ide",
            gc_printf(c->gc, "%s is read-only: QEMU has no read-only IDE or AHCI disks, libxl refuses to start", vdev),
            "make it writable, or an sd disk");
    if (number >= emulated)
        rules_add(c, STUBDOM_WARNING, "disk-not-emulated",
                  gc_printf(c->gc,
                            "%s comes after the first %d, which are emulated: the guest sees it with PV drivers only",
                            vdev, emulated),
                  "name it earlier if the guest must boot from it");
}

void rules_of_disks(struct check *c)
{
    const struct json *disks = json_member(c->config, "disks");

    for (size_t i = 0; i < length_of(disks); i++)
        check_disk(c, disks->list.items[i]);
    check_disk_letters(c, disks);
}

/* ---- network cards ---- */

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

void rules_of_nics(struct check *c)
{
    const struct json *nics = json_member(c->config, "nics");
    size_t count = length_of(nics), emulated = 0;

    for (size_t i = 0; i < count; i++)
        emulated += is_emulated(nics->list.items[i]);
    if (emulated > NICS_MAX)
        rules_add(
            c, STUBDOM_ERROR, "nics-many",
            gc_printf(c->gc, "there are %zu emulated network cards, the stub domain bridges %d", emulated, NICS_MAX),
            "use fewer, or type=vif for those that need no emulation");
    for (size_t i = 0; i < count; i++) {
        if (has_mac_of_another(nics, i))
            rules_add(c, STUBDOM_ERROR, "nics-same-mac",
                      gc_printf(c->gc,
                                "two network cards have the MAC address %s: the stub domain could not tell them apart",
                                text_of(nics->list.items[i], "mac")),
                      "give each a MAC address of its own, or leave mac= out");
    }
    for (size_t i = 0; i < count; i++) {
        const struct json *nic = nics->list.items[i];
        const char *model = text_of(nic, "model") ? text_of(nic, "model") : "rtl8139", *rom;

        if (!is_emulated(nic) || !strcmp(model, "e1000") || !strcmp(model, "rtl8139"))
            continue;
        rom = gc_printf(c->gc, "/usr/lib/ipxe/qemu/efi-%s.rom", !strncmp(model, "virtio", 6) ? "virtio" : model);
        if (c->facts->image.xen && !rules_is_included(&c->facts->image, rom))
            rules_add(c, STUBDOM_ERROR, "nic-model",
                      gc_printf(c->gc,
                                "the image has no option ROM for the network card model %s: QEMU would not start",
                                model),
                      gc_printf(c->gc, "use model=e1000 or rtl8139, or make the image with --include %s", rom));
    }
}
