/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_STUBDOM_H
#define XLX_STUBDOM_LAUNCH_STUBDOM_H

/* The plugin for device models in Linux stub domains: its commands, and what they share. */

#include "base/gc.h"
#include "core/ctx.h"
#include "xlx-plugin.h"

extern const struct xlx_command cmd_stubdom_build, cmd_stubdom_check, cmd_stubdom_create, cmd_stubdom_list,
    cmd_stubdom_log, cmd_stubdom_monitor, cmd_save;

/* xlx_plugin's check_xl: what cannot work with a stub domain is refused before xl is asked. */
int xl_veto(struct xlx_ctx *ctx, int argc, char **argv);

/* Names of the two files in libxl's folder for boot files. */
#define STUBDOM_KERNEL_NAME "qemu-stubdom-linux-kernel"
#define STUBDOM_RAMDISK_NAME "qemu-stubdom-linux-rootfs"

/* /var/log/xen/qemu-dm-GUEST.log: the stub domain's console. A guest that has moved here keeps the name that it had on its
 * way, qemu-dm-GUEST--incoming.log: the one that was written last. Result in the pool. */
char *stubdom_log_path(struct gc *gc, const char *guest_name);

/*
 * The stub domain that runs the guest's device model, from xenstore's image/device-model-domid. ERROR_NOTFOUND
 * (silent): its device model does not run in a stub domain.
 */
int stubdom_of_guest(struct xlx_ctx *ctx, uint32_t domid, uint32_t *stub_domid);

/* Does the guest's device model run in a Linux stub domain? (An old one runs MiniOS.) */
bool stubdom_is_linux(struct xlx_ctx *ctx, uint32_t domid);

/*
 * How QEMU in the stub domain is doing, in one word or two: "running", "starting", or how QEMU ended, as the stub
 * domain's init has left word of it in xenstore ("exited 1", "signal 9", "failed devices"). Result in the pool.
 */
char *stubdom_qemu_state(struct xlx_ctx *ctx, struct gc *gc, uint32_t stub_domid, uint32_t domid);

/*
 * Let xl parse a configuration file and settings, "KEY=VALUE", as "xl create --dryrun" does. *json is the domain
 * configuration in libxl's JSON form, *warnings what xl said beside it (maybe nothing), both in the pool. Blocks until
 * xl has ended, at most XL_DRY_RUN_MS of core/xl.h. ERROR_INVAL when xl refuses the file (its own message is logged),
 * ERROR_FAIL, ERROR_TIMEDOUT; logged.
 */
int stubdom_read_cfg(struct xlx_ctx *ctx, struct gc *gc, int argc, char *const *argv, char **json,
                     const char **warnings);

/* The line of what xl has said that tells why it refuses: the first that is neither a summary nor a warning, if there
 * is one. In the pool or static. */
const char *stubdom_complaint(struct gc *gc, const char *text);

#endif
