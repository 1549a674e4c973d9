/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the image says of itself: stubdom/build-image puts the file "xl-ext-stubdom" first into the initramfs, which
 * starts with an archive that is not packed. A line is "KEY VALUE".
 */
#include "stubdom-launch/image.h"

#include <string.h>

#include "base/cleanup.h"
#include "stubdom-launch/stubdom.h"

/* cpio's "newc" form: magic and 13 fields of 8 hexadecimal digits; name and data each filled up to 4 bytes. */
#define CPIO_HEADER_BYTES 110
#define CPIO_MAGIC "070701"
#define CPIO_FILE_SIZE_AT 54
#define CPIO_NAME_SIZE_AT 94
#define INFO_NAME "xl-ext-stubdom"
#define INFO_BYTES_MAX 16384

static bool hex_field(const char *bytes, size_t *value)
{
    *value = 0;
    for (int i = 0; i < 8; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *at = bytes[i] ? strchr(digits, bytes[i]) : NULL;

        if (!at)
            return false;
        *value = *value << 4 | (size_t)((at - digits) % 16);
    }
    return true;
}

static void take_line(struct gc *gc, struct stubdom_image *image, const char *key, char *value)
{
    const struct {
        const char *key;
        char **where;
    } keys[] = {{"xen", &image->xen}, {"kernel", &image->kernel}, {"qemu", &image->qemu}};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!strcmp(key, keys[i].key))
            *keys[i].where = value;
    }
    if (!strcmp(key, "include")) {
        image->includes = gc_realloc(gc, image->includes, (image->include_count + 1) * sizeof(*image->includes));
        image->includes[image->include_count++] = value;
    }
}

bool stubdom_image_parse(struct gc *gc, const char *bytes, size_t len, struct stubdom_image *image)
{
    size_t file_size, name_size, data_at;
    char *text, *line;

    *image = (struct stubdom_image){0};
    if (len < CPIO_HEADER_BYTES || memcmp(bytes, CPIO_MAGIC, strlen(CPIO_MAGIC)) ||
        !hex_field(bytes + CPIO_FILE_SIZE_AT, &file_size) || !hex_field(bytes + CPIO_NAME_SIZE_AT, &name_size) ||
        name_size != sizeof(INFO_NAME) || file_size > INFO_BYTES_MAX)
        return false;
    data_at = (CPIO_HEADER_BYTES + name_size + 3) / 4 * 4;
    if (data_at + file_size > len || memcmp(bytes + CPIO_HEADER_BYTES, INFO_NAME, sizeof(INFO_NAME)))
        return false;
    text = gc_strndup(gc, bytes + data_at, file_size);
    while ((line = strsep(&text, "\n"))) {
        const char *key = strsep(&line, " ");

        if (line)
            take_line(gc, image, key, line);
    }
    return image->xen;
}

void stubdom_image_paths(struct gc *gc, const struct json *config, const char *boot_folder, const char **kernel,
                         const char **ramdisk)
{
    const struct json *b_info = json_member(config, "b_info");

    if (!json_member_string(b_info, "stubdomain_kernel", kernel))
        *kernel = gc_printf(gc, "%s/" STUBDOM_KERNEL_NAME, boot_folder);
    if (!json_member_string(b_info, "stubdomain_ramdisk", ramdisk))
        *ramdisk = gc_printf(gc, "%s/" STUBDOM_RAMDISK_NAME, boot_folder);
}
