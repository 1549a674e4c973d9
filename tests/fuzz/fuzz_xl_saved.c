/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What xl puts before a guest's state, as restore and migrate-receive read it.
 *
 * FUZZ_SRCS: libxl-plugins/core/xl-saved.c base/gc.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/xl-saved.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("saved", MFD_CLOEXEC);
    struct xl_saved_head head;
    const char *cause = NULL;
    GC_SCOPE(gc);
    int rc;

    if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET))
        abort();
    rc = xl_saved_head_read(gc, fd, &head, &cause);
    if (rc ? !cause : (size_t)lseek(fd, 0, SEEK_CUR) != head.len || memcmp(head.bytes, data, head.len))
        abort();
    /* Nothing behind the configuration belongs to it. */
    if (!rc && head.config && strlen(head.config) > head.len)
        abort();
    close(fd);
    return 0;
}
