/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/folder.h"
#include "core/run-folder.h"
#include "memd/memd.h"

/* The kernel lets the lock go however memd ends. */
static int lock_folder(struct xlx_ctx *ctx, const char *folder, int *lock)
{
    CLEANUP_FD int folder_fd = -1, fd = -1;
    const char *cause;
    int rc;

    rc = folder_open(folder, 0755, &folder_fd, &cause);
    if (rc) {
        LOG(ctx, ERROR, "cannot use the folder %s: %s", folder, cause);
        return rc;
    }
    fd = openat(folder_fd, RUN_MEMD_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        LOG(ctx, ERROR, "cannot open %s/" RUN_MEMD_LOCK ": %s", folder, strerror(errno));
        return error_of_errno(errno);
    }
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno == EWOULDBLOCK)
            LOG(ctx, ERROR, "another memd serves this host already (it holds %s/" RUN_MEMD_LOCK ")", folder);
        else
            LOG(ctx, ERROR, "cannot lock %s/" RUN_MEMD_LOCK ": %s", folder, strerror(errno));
        return ERROR_FAIL;
    }
    *lock = TAKE_FD(fd);
    return 0;
}

int memd_lock(struct xlx_ctx *ctx, const char *host_folder, const char *run_folder, struct memd_locks *locks)
{
    int rc;

    rc = lock_folder(ctx, host_folder, &locks->host);
    if (!rc && strcmp(host_folder, run_folder))
        rc = lock_folder(ctx, run_folder, &locks->run);
    if (rc)
        memd_unlock(locks);
    return rc;
}

void memd_unlock(struct memd_locks *locks)
{
    const int fds[] = {TAKE_FD(locks->run), TAKE_FD(locks->host)};

    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
}
