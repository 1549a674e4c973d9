/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/libxl-op.h"

#include "base/cleanup.h"
#include "base/error.h"

static void libxl_called_back(libxl_ctx *libxl, int rc, void *for_callback)
{
    struct libxl_op *op = for_callback;

    ao_complete(&op->ao, rc);
}

static void libxl_op_aborted(struct ao *ao, int rc)
{
    struct libxl_op *op = CONTAINER_OF(ao, struct libxl_op, ao);

    op->interrupted = true;
    /* libxl would give up half-way, with devices of the domain left behind */
    if (op->must_finish)
        return;
    /* a call that cannot be stopped goes on to its end */
    libxl_ao_abort(op->libxl, &op->how);
}

const libxl_asyncop_how *libxl_op_how(struct libxl_op *op)
{
    op->libxl = op->ao.ctx->libxl;
    op->how = (libxl_asyncop_how){.callback = libxl_called_back, .u.for_callback = op};
    ao_start(&op->ao, libxl_op_aborted);
    return &op->how;
}

int libxl_op_wait(struct libxl_op *op, int rc)
{
    if (rc)
        ao_complete_soon(&op->ao, rc);
    return ao_wait(&op->ao);
}

int libxl_op_unpause(struct xlx_ctx *ctx, uint32_t domid)
{
    struct libxl_op op = {.ao = {.ctx = ctx}};
    libxl_ctx *libxl;
    int rc;

    rc = ctx_libxl(ctx, &libxl);
    return rc ? rc : libxl_op_wait(&op, libxl_domain_unpause(libxl, domid, libxl_op_how(&op)));
}

int libxl_op_destroy(struct xlx_ctx *ctx, uint32_t domid, bool *interrupted)
{
    struct libxl_op op = {.ao = {.ctx = ctx}, .must_finish = true};
    libxl_ctx *libxl;
    int rc;

    rc = ctx_libxl(ctx, &libxl);
    if (!rc)
        rc = libxl_op_wait(&op, libxl_domain_destroy(libxl, domid, libxl_op_how(&op)));
    if (interrupted)
        *interrupted = op.interrupted;
    return rc;
}

int libxl_op_core_dump(struct xlx_ctx *ctx, uint32_t domid, const char *path)
{
    struct libxl_op op = {.ao = {.ctx = ctx}};
    libxl_ctx *libxl;
    int rc;

    rc = ctx_libxl(ctx, &libxl);
    return rc ? rc : libxl_op_wait(&op, libxl_domain_core_dump(libxl, domid, path, libxl_op_how(&op)));
}
