/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file systems of the stub domain. Functions report what fails and return 0 or -1. */
#ifndef XL_EXT_STUBDOM_MOUNTS_H
#define XL_EXT_STUBDOM_MOUNTS_H

#define MOUNTS_IMAGE "/image.squashfs" /* in the initramfs */
#define MOUNTS_ROOT "/q"               /* where the image is mounted: QEMU's root later */

/* proc, sysfs, devtmpfs; the console becomes standard input, output and error. */
int mounts_early(void);

/* The squashfs with QEMU, read-only, on a loop device. Needs the modules loop and squashfs. */
int mounts_image(void);

#endif
