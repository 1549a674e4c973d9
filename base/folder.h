/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_FOLDER_H
#define XLX_BASE_FOLDER_H

#include <sys/types.h>

/*
 * Opens a folder for private work, and makes it (with that mode, less the umask) when it is not there; its parent must
 * exist. It must be a folder itself, no symbolic link, that belongs to the caller's user and that nobody else can write
 * to: in any other somebody could put something else into the place of what is made there. All further work goes
 * through the descriptor, so that nothing can be exchanged meanwhile.
 *
 * Returns 0, or an ERROR_* with the cause, a static sentence or strerror's, in *cause (not NULL). Not logged.
 */
int folder_open(const char *path, mode_t mode, int *fd, const char **cause);

#endif
