/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_LIBXL_OP_H
#define XLX_CORE_LIBXL_OP_H

/*
 * One asynchronous call of libxl as an operation:
 *
 *     struct libxl_op op = {.ao = {.ctx = ctx}};
 *     rc = libxl_op_wait(&op, libxl_domain_destroy(libxl, domid, libxl_op_how(&op)));
 *
 * An interrupt is passed on to libxl, which ends the call in its own time, unless it must finish.
 */

#include "core/ao.h"

struct libxl_op {
    struct ao ao;
    bool must_finish; /* an interrupt is not passed on */

    /* result */
    bool interrupted;

    /* private */
    libxl_ctx *libxl;
    libxl_asyncop_how how;
};

/* Makes the operation Running; libxl_op_wait must follow. The context's libxl must be open. */
const libxl_asyncop_how *libxl_op_how(struct libxl_op *op);
/* What the call returned, then the operation's own end. Runs the loop. */
int libxl_op_wait(struct libxl_op *op, int rc);

/* Unpause a guest, which needs QEMU's answer. Runs the loop; logs nothing, libxl does. */
int libxl_op_unpause(struct xlx_ctx *ctx, uint32_t domid);
/* Destroy a domain and its stub domain. Runs the loop; not stopped by an interrupt, which *interrupted (may be NULL)
 * tells of. */
int libxl_op_destroy(struct xlx_ctx *ctx, uint32_t domid, bool *interrupted);
/* Write a guest's memory to a file. Runs the loop. */
int libxl_op_core_dump(struct xlx_ctx *ctx, uint32_t domid, const char *path);

#endif
