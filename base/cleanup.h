/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_CLEANUP_H
#define XLX_BASE_CLEANUP_H

/*
 * Owners that end with their scope. Each attribute stands next to the type it needs; TAKE_* gives the thing away and
 * leaves the owner empty:
 *
 *     CLEANUP_FD int fd = open(...);
 *     ...
 *     return TAKE_FD(fd);
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define CLEANUP_FD __attribute__((cleanup(cleanup_fd)))

static inline int take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}
#define TAKE_FD(fd) take_fd(&(fd))

/* For what comes from malloc (libxenstore, libxl lists). */
static inline void cleanup_free(void *p)
{
    free(*(void **)p);
}
#define CLEANUP_FREE __attribute__((cleanup(cleanup_free)))

#define TAKE_PTR(p)                                                                                                    \
    ({                                                                                                                 \
        __typeof__(p) taken_ = (p);                                                                                    \
        (p) = NULL;                                                                                                    \
        taken_;                                                                                                        \
    })

static inline void cleanup_file(FILE **f)
{
    if (*f)
        fclose(*f);
}
#define CLEANUP_FILE __attribute__((cleanup(cleanup_file)))

#define CONTAINER_OF(p, type, member)                                                                                  \
    ({                                                                                                                 \
        const __typeof__(((type *)0)->member) *member_ = (p);                                                          \
        (type *)((char *)(uintptr_t)member_ - offsetof(type, member));                                                 \
    })

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
