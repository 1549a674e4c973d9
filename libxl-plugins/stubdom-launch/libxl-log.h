/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_LIBXL_LOG_H
#define XLX_STUBDOM_LAUNCH_LIBXL_LOG_H

/*
 * The first cause of a failure in libxl. When a start fails, libxl logs what failed, then what failed because of that,
 * and so on; the last lines mislead. The first line counts.
 */

#include "core/ctx.h"

/*
 * From now on libxl's errors on this context are kept in place of being shown. Must be called before the context's
 * libxl is opened for the first time, later calls only forget what was kept.
 */
void libxl_log_begin(struct xlx_ctx *ctx);

/* The first error since libxl_log_begin, without libxl's file, line and function, or NULL. Valid until the next
 * libxl_log_begin. */
const char *libxl_log_first(void);

/* Show libxl's errors again. */
void libxl_log_end(void);

#endif
