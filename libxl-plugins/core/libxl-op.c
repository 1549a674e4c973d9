/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/libxl-op.h"

#include "base/cleanup.h"
#include "base/error.h"

static void libxl_called_back(libxl_ctx *libxl, int rc, void *for_callback)
{
    struct libxl_step *step = for_callback;

    ao_complete(&step->ao, rc);
}

static void step_aborted(struct ao *ao, int rc)
{
    struct libxl_step *step = CONTAINER_OF(ao, struct libxl_step, ao);

    step->interrupted = true;
    /* libxl would give up half-way, with devices of the domain left behind */
    if (step->must_finish)
        return;
    /* a call that cannot be stopped goes on to its end */
    libxl_ao_abort(step->libxl, &step->how);
}

const libxl_asyncop_how *step_how(struct libxl_step *step)
{
    step->libxl = step->ao.ctx->libxl;
    step->how = (libxl_asyncop_how){.callback = libxl_called_back, .u.for_callback = step};
    ao_start(&step->ao, step_aborted);
    return &step->how;
}

int step_wait(struct libxl_step *step, int rc)
{
    if (rc)
        ao_complete_soon(&step->ao, rc);
    return ao_wait(&step->ao);
}

int step_unpause(struct xlx_ctx *ctx, uint32_t domid)
{
    struct libxl_step step = {.ao = {.ctx = ctx}};
    libxl_ctx *libxl;
    int rc;

    rc = ctx_libxl(ctx, &libxl);
    return rc ? rc : step_wait(&step, libxl_domain_unpause(libxl, domid, step_how(&step)));
}

int step_destroy(struct xlx_ctx *ctx, uint32_t domid, bool *interrupted)
{
    struct libxl_step step = {.ao = {.ctx = ctx}, .must_finish = true};
    libxl_ctx *libxl;
    int rc;

    rc = ctx_libxl(ctx, &libxl);
    if (!rc)
        rc = step_wait(&step, libxl_domain_destroy(libxl, domid, step_how(&step)));
    if (interrupted)
        *interrupted = step.interrupted;
    return rc;
}

int step_core_dump(struct xlx_ctx *ctx, uint32_t domid, const char *path)
{
    struct libxl_step step = {.ao = {.ctx = ctx}};
    libxl_ctx *libxl;
    int rc;

    rc = ctx_libxl(ctx, &libxl);
    return rc ? rc : step_wait(&step, libxl_domain_core_dump(libxl, domid, path, step_how(&step)));
}
