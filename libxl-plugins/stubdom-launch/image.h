/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_IMAGE_H
#define XLX_STUBDOM_LAUNCH_IMAGE_H

/* The two files that a stub domain boots from: where they are, and what the root file system says of itself. */

#include <stdbool.h>
#include <stddef.h>

#include "base/gc.h"
#include "base/json.h"

/* What a rootfs file says of itself; strings are NULL when it is not one of stubdom-build's. In a pool. */
struct stubdom_image {
    char *xen;    /* "4.17" */
    char *kernel; /* "6.1.0-56-amd64" */
    char *qemu;
    char **includes; /* files that --include has put in */
    size_t include_count;
};

/* Reads the description at the head of a rootfs file's first len bytes. False: none there. */
bool stubdom_image_parse(struct gc *gc, const char *bytes, size_t len, struct stubdom_image *image);

/* The files libxl takes for this configuration: its own or the default ones. Results in the pool. */
void stubdom_image_paths(struct gc *gc, const struct json *config, const char *boot_folder, const char **kernel,
                         const char **ramdisk);

#endif
