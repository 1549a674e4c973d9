/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_SAVED_CONFIG_H
#define XLX_STUBDOM_LAUNCH_SAVED_CONFIG_H

/* What a running guest would be started anew from. */

#include "core/ctx.h"

/* The configuration that libxl keeps beside a domain, in libxl's JSON form, in the pool. Logs. */
int saved_config_json(struct xlx_ctx *ctx, struct gc *gc, uint32_t domid, char **json);

/*
 * The configuration that libxl keeps of a guest, with the devices that were plugged in since its start, and under the
 * name and with the memory target that the guest has now (neither "xl rename" nor a target changes what is kept).
 * config must be initialised and stays the caller's to dispose of; *json is the same as text, in the pool. To be called
 * before the guest is destroyed. Logs.
 */
int saved_config_read(struct xlx_ctx *ctx, struct gc *gc, uint32_t domid, libxl_domain_config *config, char **json);

#endif
