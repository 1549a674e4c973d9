/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stubdom/init/report.h"

static int mount_one(const char *type, const char *where, unsigned long flags)
{
    if (mkdir(where, 0755) && errno != EEXIST) {
        report("cannot make the folder %s: %s", where, strerror(errno));
        return -1;
    }
    if (mount(type, where, type, flags, NULL) && errno != EBUSY) {
        report("cannot mount %s on %s: %s", type, where, strerror(errno));
        return -1;
    }
    return 0;
}

int mounts_early(void)
{
    const unsigned long flags = MS_NOSUID | MS_NOEXEC;
    int console;

    if (mount_one("devtmpfs", "/dev", flags))
        return -1;
    console = open("/dev/console", O_RDWR | O_NOCTTY);
    if (console >= 0) {
        for (int fd = 0; fd <= 2; fd++)
            dup2(console, fd);
        if (console > 2)
            close(console);
    }
    if (mount_one("proc", "/proc", flags | MS_NODEV) || mount_one("sysfs", "/sys", flags | MS_NODEV))
        return -1;
    return 0;
}

int mounts_image(void)
{
    const struct loop_config config_init = {
        .info = {.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR},
    };
    struct loop_config config = config_init;
    int control, number, image = -1, loop = -1, ret = -1;
    char path[32];

    control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    number = control >= 0 ? ioctl(control, LOOP_CTL_GET_FREE) : -1;
    if (number < 0) {
        report("cannot get a loop device: %s", strerror(errno));
        goto out;
    }
    snprintf(path, sizeof(path), "/dev/loop%d", number);
    image = open(MOUNTS_IMAGE, O_RDONLY | O_CLOEXEC);
    loop = open(path, O_RDONLY | O_CLOEXEC);
    if (image < 0 || loop < 0) {
        report("cannot open %s: %s", image < 0 ? MOUNTS_IMAGE : path, strerror(errno));
        goto out;
    }
    config.fd = (unsigned)image;
    if (ioctl(loop, LOOP_CONFIGURE, &config)) {
        report("cannot attach %s to %s: %s", MOUNTS_IMAGE, path, strerror(errno));
        goto out;
    }
    if (mkdir(MOUNTS_ROOT, 0755) && errno != EEXIST) {
        report("cannot make the folder %s: %s", MOUNTS_ROOT, strerror(errno));
        goto out;
    }
    if (mount(path, MOUNTS_ROOT, "squashfs", MS_RDONLY | MS_NOSUID | MS_NODEV, NULL)) {
        report("cannot mount the image with QEMU: %s", strerror(errno));
        goto out;
    }
    /* the loop device holds the file; without its name nobody can open it again */
    unlink(MOUNTS_IMAGE);
    ret = 0;
out:
    if (control >= 0)
        close(control);
    if (image >= 0)
        close(image);
    if (loop >= 0)
        close(loop);
    return ret;
}
