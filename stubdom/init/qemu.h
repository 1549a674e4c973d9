/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting QEMU with nothing it does not need: its own user, mount, pid, network, ipc, uts and
 * cgroup name spaces, the read-only image as its root with only the device nodes that its arguments
 * name, no capabilities, no new privileges, a system call filter, limits.
 *
 * While it starts it makes hypercalls of its own. When its devices are made it has Linux restrict what
 * it has open to its guest (-xen-domid-restrict); then qemu_take_hypervisor() takes away the nodes by
 * which it could open the hypervisor and xenstore anew.
 */
#ifndef XL_EXT_STUBDOM_QEMU_H
#define XL_EXT_STUBDOM_QEMU_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The program inside the image: a symbolic link to QEMU at the path it was built for. */
#define QEMU_LINK "/qemu"
#define QEMU_UID 64055 /* the number Debian gives libvirt-qemu; only the kernel of this domain knows it */
#define QEMU_WATCHER_UID 64056
#define QEMU_FDS_MAX 16

struct qemu_start {
    const char *const *argv; /* argv[0] is the program's path inside the image */
    uint32_t disks;          /* as in struct dm_needs */
    uint32_t consoles;
    int fds[QEMU_FDS_MAX]; /* what QEMU inherits beyond 0, 1, 2, at the same numbers */
    size_t num_fds;
    int output_fd; /* becomes QEMU's 1 and 2 */
};

/*
 * Start it. Returns the process id of the watcher, the first process of QEMU's pid name space,
 * which ends when QEMU ends, or -1 after reporting. QEMU's wait status (as from waitpid) is then
 * read from *status_fd; when there is none, the start itself failed.
 */
pid_t qemu_start(const struct qemu_start *start, int *status_fd);

/* Take the nodes below /dev/xen out of QEMU's sight; what it has open it keeps. Returns 0, or -1 after reporting. */
int qemu_take_hypervisor(pid_t watcher);

#endif
