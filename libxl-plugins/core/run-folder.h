/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_RUN_FOLDER_H
#define XLX_CORE_RUN_FOLDER_H

/* Where memd's lock and sockets are. */

#include <stdbool.h>
#include <stdlib.h>

#define RUN_FOLDER "/run/xl-ext"
/* Below it: locked by memd as long as it lives, however it ends. */
#define RUN_MEMD_LOCK "memd.lock"

/* For those who look for memd: $XL_EXT_RUN_FOLDER names another folder. */
static inline const char *run_folder(void)
{
    const char *folder = getenv("XL_EXT_RUN_FOLDER");

    return folder && *folder ? folder : RUN_FOLDER;
}

/* Whether a memd serves this host, by its lock. */
bool memd_runs(void);

#endif
