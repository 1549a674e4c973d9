/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_XEN_VERSION_H
#define XLX_CORE_XEN_VERSION_H

/*
 * What xl-ext must know of Xen and libxl beyond their public headers, each with where it stands there. All are the same in
 * the versions named below; a build for another says so (scripts/known-xen). For that one: read them there again; one that
 * differs becomes a choice made by the version that runs (/sys/hypervisor/version), since the running Xen counts, not
 * the headers. Sources elsewhere name versions in comments on history only.
 *
 * Read in the sources of: 4.17 4.20
 */

/* tools/libs/light/libxl_internal.h. Room that libxl adds to every limit: LIBXL_MAXMEM_CONSTANT. */
#define XEN_LIMIT_EXTRA_MEMKB 1024
/* What the domain builder adds to an HVM guest: LIBXL_HVM_EXTRA_MEMORY. */
#define XEN_HVM_EXTRA_MEMKB 2048
/* What the node of an HVM guest's target lacks beside its video memory while it has less than its maximum:
 * libxl__get_targetmem_fudge. */
#define XEN_TARGET_FUDGE_MEMKB 1024
/* The least that dom0 is left with: LIBXL_MIN_DOM0_MEM. */
#define XEN_DOM0_MIN_MEMKB (128 * 1024)

/* xen/common/page_alloc.c, setup_low_mem_virq: free memory below which VIRQ_ENOMEM is raised, unless Xen's command line
 * has low_mem_virq_limit. */
#define XEN_LOW_MEM_VIRQ_MEMKB (64 * 1024)

/* tools/xl/xl.h, XL_LOCK_FILE; xl.conf's "lockfile" names another. */
#define XEN_XL_CONF "/etc/xen/xl.conf"
#define XEN_XL_LOCK_FILE "/var/lock/xl"

/* Folders of the device model's sockets, of the logs, and of the states of device models that are saved (libxl_paths,
 * as distributions configure them). */
#define XEN_RUN_FOLDER "/var/run/xen"
#define XEN_LOG_FOLDER "/var/log/xen"
#define XEN_LIB_FOLDER "/var/lib/xen"

#endif
