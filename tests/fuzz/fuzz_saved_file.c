/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that xl has saved a guest to, as "xl-ext save" verifies it and "xl-ext restore" looks at it: it may come from
 * anywhere. What is found in it lies in it.
 *
 * FUZZ_SRCS: libxl-plugins/stubdom-launch/saved-file.c libxl-plugins/core/xl-saved.c base/gc.c base/dm-state.c base/dm-state-read.c base/zero-runs.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stubdom-launch/saved-file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(struct gc *gc, int fd, size_t size)
{
    struct dm_state_reader reader = {.state = NULL};
    struct saved_file file;
    const char *cause = saved_file_read(gc, fd, &file);

    if (cause && !*cause)
        abort();
    if (cause)
        return;
    if (file.has_state ? file.state_at > size || file.state_len > size - file.state_at
                       : file.state_at || file.state_len || file.is_qemus)
        abort();
    cause = saved_file_state(gc, fd, &file, &reader);
    if (reader.bytes != file.state_len || (!cause && (!file.has_state || !reader.state_len)))
        abort();
    dm_state_reader_dispose(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("saved", MFD_CLOEXEC);
    GC_SCOPE(gc);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    look(gc, fd, size);
    close(fd);
    return 0;
}
