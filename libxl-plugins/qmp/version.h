/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_QMP_VERSION_H
#define XLX_QMP_VERSION_H

/* The QEMU whose behaviour is mirrored; clients choose what they do by it. The package says who answers in truth. */
#define QMP_QEMU_MAJOR 7
#define QMP_QEMU_MINOR 2
#define QMP_QEMU_MICRO 22
#define QMP_PACKAGE "xl-ext " XLX_VERSION

#endif
