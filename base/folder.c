/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

int folder_open(const char *path, mode_t mode, int *result, const char **cause)
{
    CLEANUP_FD int fd = -1;
    struct stat st;

    if (!mkdir(path, mode) || errno == EEXIST)
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        *cause = errno == ENOTDIR || errno == ELOOP ? "it is no folder" : strerror(errno);
        return error_of_errno(errno);
    }
    if (st.st_uid != geteuid()) {
        *cause = "the folder belongs to another user";
        return ERROR_FAIL;
    }
    if (st.st_mode & (S_IWGRP | S_IWOTH)) {
        *cause = "others can write to the folder";
        return ERROR_FAIL;
    }
    *result = TAKE_FD(fd);
    return 0;
}
