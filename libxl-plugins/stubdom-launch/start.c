/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/start.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "stubdom-launch/libxl-log.h"
#include "stubdom-launch/create.h"
#include "stubdom-launch/log.h"
#include "stubdom-launch/leftovers.h"
#include "stubdom-launch/memory-lock.h"
#include "core/libxl-op.h"
#include "stubdom-launch/stubdom.h"

#define LOG_LINES_SHOWN 12

static void create_progressed(struct stubdom_create *op, const char *text)
{
    struct stubdom_start *start = op->arg;

    if (start->progress)
        start->progress(start->arg, text);
}

/* ---- after a failure ---- */

/* At most guest and stub domain. */
static void remove_leftovers(struct xlx_ctx *ctx, const struct leftovers_before *before,
                             const libxl_domain_config *config)
{
    const char *name = config->c_info.name;

    for (int i = 0; i < 2; i++) {
        uint32_t domid = leftovers_find(ctx, before, name, libxl_uuid_bytearray_const(&config->c_info.uuid));

        if (!domid)
            return;
        if (libxl_op_destroy(ctx, domid, NULL))
            LOGD(ctx, ERROR, domid,
                 "what is left of the start of '%s' cannot be destroyed: destroy it with 'xl destroy %u'", name, domid);
    }
}

static void show_failure(struct stubdom_start *start, const char *name, const char *what, const char *why,
                         bool show_log)
{
    char **lines, **picked;
    size_t count, n;
    GC_SCOPE(gc);
    char *path = stubdom_log_path(gc, name);

    LOG(start->ctx, ERROR, "'%s' %s: %s", name, what, why ? why : "libxl does not say why");
    if (!show_log || stubdom_log_tail(gc, path, 0, &lines, &count, NULL) || !count)
        return;
    picked = stubdom_log_pick(gc, lines, count, LOG_LINES_SHOWN, &n);
    LOG(start->ctx, ERROR, "the end of the stub domain's log, %s:", path);
    for (size_t i = 0; i < n; i++)
        LOG(start->ctx, ERROR, "| %s", picked[i]);
}

/* ---- the steps ---- */

/*
 * Signals that come while libxl builds, which blocks, or between two steps, wait for the loop instead of ending this
 * process: nobody else would clean up. One that comes when cleaning up has begun has nothing left to stop.
 */
struct interrupts {
    struct ev_interrupt interrupt;
    struct ao *ao; /* what it stops, NULL: what comes next */
    bool caught;
};

static void interrupted(struct ev_interrupt *i, int signum)
{
    struct interrupts *interrupts = CONTAINER_OF(i, struct interrupts, interrupt);

    interrupts->caught = true;
    if (interrupts->ao)
        ao_abort(interrupts->ao);
}

static int interrupts_hold(struct xlx_ctx *ctx, struct interrupts *interrupts)
{
    int rc;

    rc = ev_interrupt_start(&ctx->loop, &interrupts->interrupt, interrupted);
    if (rc)
        LOG(ctx, ERROR, "cannot catch signals: %s", error_text(rc));
    return rc;
}

static int create(struct stubdom_start *start, libxl_domain_config *config, struct interrupts *interrupts)
{
    struct stubdom_create op = {
        .ao = {.ctx = start->ctx},
        .config = config,
        .name = config->c_info.name,
        .progress = create_progressed,
        .arg = start,
    };
    int rc;

    libxl_log_begin(start->ctx);
    interrupts->ao = &op.ao;
    rc = stubdom_create_start(&op);
    if (!rc)
        rc = ao_wait(&op.ao);
    interrupts->ao = NULL;
    libxl_log_end();
    if (!rc && interrupts->caught)
        rc = ERROR_ABORTED;
    if (rc && rc != ERROR_ABORTED)
        show_failure(start, op.name, "did not start", op.died ? op.died : libxl_log_first(), op.stub_domid);
    start->domid = op.domid;
    start->stub_domid = op.stub_domid;
    return rc;
}

static int unpause(struct stubdom_start *start, const char *name)
{
    int rc;

    if (start->progress)
        start->progress(start->arg, "starting the guest");
    libxl_log_begin(start->ctx);
    rc = libxl_op_unpause(start->ctx, start->domid);
    libxl_log_end();
    if (rc && rc != ERROR_ABORTED)
        show_failure(start, name, "was created, but could not be unpaused", libxl_log_first(), true);
    return rc;
}

static int make(struct stubdom_start *start, libxl_domain_config *config)
{
    struct interrupts interrupts = {.ao = NULL};
    struct leftovers_before before;
    struct memory_lock lock;
    GC_SCOPE(gc);
    int rc;

    /* held until the memory is taken, so that no two starts count on the same */
    rc = memory_lock_take(start->ctx, config, &lock);
    if (rc)
        return rc;
    /* not sooner: while it waited for the lock another start may have made a guest of this name */
    rc = leftovers_note(start->ctx, gc, &before);
    if (!rc)
        rc = interrupts_hold(start->ctx, &interrupts);
    if (rc)
        goto out;
    rc = create(start, config, &interrupts);
    memory_lock_release(start->ctx, &lock);
    if (!rc && !start->paused)
        rc = unpause(start, config->c_info.name);
    if (rc)
        remove_leftovers(start->ctx, &before, config);
out:
    ev_interrupt_stop(&interrupts.interrupt);
    memory_lock_release(start->ctx, &lock);
    return rc;
}

int stubdom_start(struct stubdom_start *start)
{
    libxl_domain_config config;
    libxl_ctx *libxl;
    int rc;

    libxl_log_begin(start->ctx);
    rc = ctx_libxl(start->ctx, &libxl);
    if (rc)
        return rc;
    libxl_domain_config_init(&config);
    rc = libxl_domain_config_from_json(libxl, &config, start->json);
    libxl_log_end();
    if (rc) {
        LOG(start->ctx, ERROR, "libxl cannot read xl's description of the guest: %s",
            libxl_log_first() ? libxl_log_first() : error_text(rc));
        rc = ERROR_FAIL;
    } else {
        rc = make(start, &config);
    }
    libxl_domain_config_dispose(&config);
    return rc;
}
