/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_XENSTORE_PATHS_H
#define XLX_XENSTORE_PATHS_H

/*
 * Every path of xenstore that xl-ext reads or writes, in one place. docs/misc/xenstore-paths.pandoc of Xen describes
 * the nodes that are not ours. Results live in the pool.
 */

#include <stdint.h>

#include "base/gc.h"

/* All domains: a folder for each, named by its domid. */
#define PATH_DOMAINS "/local/domain"
/* /local/domain/<domid>/<rest> */
char *path_in_domain(struct gc *gc, uint32_t domid, const char *rest);
/* Of a path of that form: the domid, and where <rest> begins in it. NULL: it has another form. */
const char *path_below_domain(const char *path, uint32_t *domid);

/* Below a domain's folder. Decimal KiB, written by the toolstack, readable by the guest. */
#define NODE_MEMORY_TARGET "memory/target"
#define NODE_MEMORY_STATIC_MAX "memory/static-max"
#define NODE_MEMORY_VIDEORAM "memory/videoram"
/* Ours: the constant difference between what a settled guest holds and its target, decimal KiB, may be negative.
 * The name is XenServer's. */
#define NODE_MEMORY_OFFSET "memory/memory-offset"
/* Ours: static-max as it was before mem-max first raised it, decimal KiB. What is beyond that a guest that runs can
 * only use if it takes memory by hotplug. */
#define NODE_MEMORY_BOOT_MAX "memory/boot-max"

/* Statistics that agents other than ours write, decimal KiB: XenServer's, and Qubes' (what is used, swap included). */
#define NODE_XENSERVER_FREE "data/meminfo_free"
#define NODE_XENSERVER_TOTAL "data/meminfo_total"
#define NODE_QUBES_USED "memory/meminfo"
/* By what else they write the agents that write XenServer's nodes are told apart. */
#define NODE_PV_BUILD "attr/PVAddons/BuildVersion"
#define NODE_PV_MAJOR "attr/PVAddons/MajorVersion"
#define NODE_PV_MINOR "attr/PVAddons/MinorVersion"
#define NODE_OS_CLASS "attr/os/class"
#define NODE_OS_TYPE "attr/os/type"
#define NODE_OS_UNAME "data/os_uname"
#define NODE_DATA_UPDATED "data/updated"
/* Ours: the interval of statistics that a QMP client asked for, seconds; memd finds it again after a restart. */
#define NODE_QMP_STATS_INTERVAL "memory/qmp-stats-interval"
/* What a guest is asked to do; it takes the word away when it agrees (libxl_dom_suspend.c). */
#define NODE_CONTROL_SHUTDOWN "control/shutdown"

/* XenServer's names for the range a domain is balanced within, decimal KiB, and ours for its weight: to be looked at.
 * What counts is kept by UUID where only dom0 sees it (balance/xen/settings.h). */
#define NODE_MEMORY_DYNAMIC_MIN "memory/dynamic-min"
#define NODE_MEMORY_DYNAMIC_MAX "memory/dynamic-max"
#define NODE_MEMORY_WEIGHT "memory/dynamic-weight"

/* Of a stub domain: the domid that it serves. */
#define NODE_STUBDOM_TARGET "target"

/* The device model of an HVM guest: its process in dom0, or the stub domain that it runs in. */
#define NODE_DEVICE_MODEL_PID "image/device-model-pid"
#define NODE_DEVICE_MODEL_DOMID "image/device-model-domid"
/* /local/domain/<owner>/device-model/<domid>/<rest>: what the domain that runs a device model says of it. */
char *path_device_model(struct gc *gc, uint32_t owner, uint32_t domid, const char *rest);
/* Of a path of that form: both domids, and where <rest> begins in it. NULL: it has another form. */
const char *path_below_device_model(const char *path, uint32_t *owner, uint32_t *domid);

/* A domain's console: the front end's folder, where 0 is Xen's first one, which has no device's path; and the back end's
 * in dom0. backs: the folder of all its back ends. */
char *path_console_front(struct gc *gc, uint32_t domid, unsigned console);
char *path_console_back(struct gc *gc, uint32_t domid, unsigned console);
char *path_console_backs(struct gc *gc, uint32_t domid);

#define NODE_NAME "name"
/* Path /vm/<uuid>, as text. */
#define NODE_VM "vm"

/* libxl's own: a folder for each domid. */
#define PATH_LIBXL "/libxl"
/* /libxl/<domid>/type: pv, pvh or hvm. */
char *path_libxl_type(struct gc *gc, uint32_t domid);
/* /libxl/<domid>/dm-version: there only for domains that have a device model. */
char *path_libxl_dm_version(struct gc *gc, uint32_t domid);
/* /libxl/<domid>/<rest> */
char *path_libxl(struct gc *gc, uint32_t domid, const char *rest);
/* Below that: devices passed through. */
#define NODE_LIBXL_PCI "device/pci"
/* /vm/<uuid>/<rest> */
char *path_vm(struct gc *gc, const char *uuid, const char *rest);

/* What only dom0 sees of ours: /local/domain/0/xl-ext/<rest>. */
char *path_own(struct gc *gc, const char *rest);
/* Whose a domain's memory target is: "KIB UUID" is the last that memd wrote or took for its own, "0 UUID" somebody
 * else's, whatever its value; the UUID tells the domain from an older one of the same domid. */
char *path_target_owner(struct gc *gc, uint32_t domid);
/* The folder of all of these. */
char *path_target_owners(struct gc *gc);
/* Below it while somebody has it left alone: its UUID. */
char *path_held(struct gc *gc, uint32_t domid);
/* The folder of all of these. */
char *path_all_held(struct gc *gc);

/* Special watches of xenstored. */
#define WATCH_INTRODUCE_DOMAIN "@introduceDomain"
#define WATCH_RELEASE_DOMAIN "@releaseDomain"

#endif
