/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/run-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "base/gc.h"

bool memd_runs(void)
{
    GC_SCOPE(gc);
    CLEANUP_FD int fd = open(gc_printf(gc, "%s/" RUN_MEMD_LOCK, run_folder()), O_RDONLY | O_CLOEXEC);

    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
}
