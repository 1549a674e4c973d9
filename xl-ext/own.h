/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XL_EXT_OWN_H
#define XL_EXT_OWN_H

/* The plugins of xl-ext itself: tables here, code in the libraries (docs/startup.md). */
#include "xlx-plugin.h"

/* Their tables; the end is NULL. Only those of host have their code, too: host-info must work without Xen's libraries. */
extern const struct xlx_plugin *const own_plugins[];

/* The plugin with its code, loaded when need be; NULL when it cannot be: after a message, unless quiet. */
const struct xlx_plugin *own_plugin_code(const struct xlx_plugin *table, bool quiet);

/* Whether this is a dom0 whose hypervisor and xenstored answer; a message says what it is instead. */
bool own_ctx_usable(struct xlx_ctx *ctx);

#endif
