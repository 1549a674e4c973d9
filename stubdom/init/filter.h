/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The system calls that a device model has no use for and that widen the kernel's surface. */
#ifndef XL_EXT_STUBDOM_FILTER_H
#define XL_EXT_STUBDOM_FILTER_H

/*
 * From now on this process and what it starts get EPERM for: new processes (threads are allowed),
 * other processes' memory, new sockets, mounts and name spaces, kernel modules, keys, BPF,
 * performance counters, io_uring, user fault handling, clocks, host name, reboot. Needs
 * no_new_privs. The groups are those of QEMU's own -sandbox (obsolete, elevateprivileges, spawn,
 * resourcecontrol), which Debian's build lacks. execve stays allowed, or QEMU itself could not be
 * started: the image has no other program, and nothing writable may be executed.
 *
 * Returns 0, also after reporting that this kernel has no system call filters; -1 after reporting
 * any other failure.
 */
int filter_install(void);

#endif
