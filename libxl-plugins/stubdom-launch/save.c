/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/save.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/libxl-op.h"
#include "core/stubdom-state.h"
#include "core/wake.h"
#include "core/xl.h"
#include "stubdom-launch/saved-file.h"
#include "stubdom-launch/stubdom.h"

/* ---- the file ---- */

static const char *verify_state(struct gc *gc, const struct dm_state_reader *reader, uint32_t number, uint32_t crc)
{
    if (reader->number == number && reader->state_crc == crc)
        return NULL;
    return gc_printf(gc,
                     "it has state %" PRIu32 " (%08" PRIx32 ") of its QEMU, and the stub domain has sent state %" PRIu32
                     " (%08" PRIx32 ") last (was dom0's disk full?)",
                     reader->number, reader->state_crc, number, crc);
}

const char *stubdom_save_verify(struct gc *gc, const char *path, uint32_t number, uint32_t crc)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct dm_state_reader reader = {.state = NULL};
    struct saved_file file;
    const char *cause;

    if (fd < 0)
        return gc_printf(gc, "it cannot be opened: %s", strerror(errno));
    cause = saved_file_read(gc, fd, &file);
    if (!cause && !file.whole)
        cause = "it goes on behind its end";
    if (!cause)
        cause = saved_file_state(gc, fd, &file, &reader);
    if (!cause)
        cause = verify_state(gc, &reader, number, crc);
    if (!cause && fsync(fd) && errno != EINVAL)
        cause = gc_printf(gc, "it is not on its disk: %s", strerror(errno));
    dm_state_reader_dispose(&reader);
    return cause;
}

/* ---- the guest ---- */

static int run_xl(struct stubdom_save *save, struct gc *gc)
{
    bool adds_pause = !save->stays && !save->paused, suspends_yet;
    char *const *argv = adds_pause ? xl_with_option(gc, save->xl_argv, "-p") : save->xl_argv;
    int rc, exit_status;

    rc = xl_run_suspending(save->ctx, save->domid, argv, &exit_status, &suspends_yet);
    if (!rc && !exit_status)
        return XLX_EXIT_DONE;
    guest_wake(save->ctx, save->domid, suspends_yet);
    return rc ? xlx_exit_of(rc) : XLX_EXIT_FAILED;
}

static int let_go(struct stubdom_save *save)
{
    int rc;

    if (save->stays || save->paused)
        return XLX_EXIT_DONE;
    rc = libxl_op_destroy(save->ctx, save->domid, NULL);
    if (rc)
        LOGD(save->ctx, ERROR, save->domid, "it is saved, and what is left of it cannot be destroyed: %s",
             error_text(rc));
    return rc ? XLX_EXIT_FAILED : XLX_EXIT_DONE;
}

static int keep(struct stubdom_save *save, const char *cause)
{
    int rc = save->stays || save->paused ? 0 : libxl_op_unpause(save->ctx, save->domid);

    LOGD(save->ctx, ERROR, save->domid, "%s does not hold the guest: %s; %s", save->path, cause,
         rc             ? "the guest is there, paused, and cannot be unpaused"
         : save->paused ? "the guest is there, paused"
                        : "the guest goes on where it was");
    if (unlink(save->path) && errno != ENOENT)
        LOG(save->ctx, WARN, "cannot remove %s: %s", save->path, strerror(errno));
    return XLX_EXIT_FAILED;
}

/* What the stub domain has sent must be known before the guest is let go. */
static const char *verify(struct stubdom_save *save, struct gc *gc)
{
    uint32_t stub_domid, number, crc;

    if (stubdom_of_guest(save->ctx, save->domid, &stub_domid) ||
        stubdom_state_last(save->ctx, gc, save->domid, stub_domid, &number, &crc))
        return "the stub domain does not say what it has sent";
    return stubdom_save_verify(gc, save->path, number, crc);
}

static int prepare(struct stubdom_save *save, struct gc *gc)
{
    struct stubdom_state_file file;
    uint32_t stub_domid;
    char *why;

    if (stubdom_of_guest(save->ctx, save->domid, &stub_domid))
        return XLX_EXIT_FAILED;
    why = stubdom_state_why_not(save->ctx, gc, save->domid, stub_domid, &file);
    if (why) {
        LOGD(save->ctx, ERROR, save->domid, "it cannot be saved: %s", why);
        return XLX_EXIT_REFUSED;
    }
    return stubdom_state_put_back(save->ctx, save->domid, &file) ? XLX_EXIT_FAILED : XLX_EXIT_DONE;
}

/* What goes into a pipe or a device cannot be read again, and must not be removed. */
static bool can_be_verified(const char *path)
{
    struct stat st;

    return stat(path, &st) ? errno == ENOENT : S_ISREG(st.st_mode);
}

int stubdom_save(struct stubdom_save *save)
{
    const char *cause;
    int exit_status;
    GC_SCOPE(gc);

    exit_status = prepare(save, gc);
    if (exit_status)
        return exit_status;
    if (!can_be_verified(save->path)) {
        LOGD(save->ctx, ERROR, save->domid,
             "%s is no file, so what is in it could not be verified; use xl save for that", save->path);
        return XLX_EXIT_REFUSED;
    }
    exit_status = run_xl(save, gc);
    if (exit_status)
        return exit_status;
    cause = verify(save, gc);
    return cause ? keep(save, cause) : let_go(save);
}
