/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A line of QMP from QEMU, which may be broken into, as the stub domain's init reads it.
 *
 * FUZZ_SRCS: stubdom/init/monitor_line.c base/gc.c base/json.c base/json-read.c base/error.c
 * FUZZ_LIBS: -lyajl -lxenlight
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stubdom/init/monitor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t devid = 0;
    char *line;

    if (size > MONITOR_LINE_BYTES_MAX)
        return 0;
    /* exactly as long as the line, so that reading past it is noticed */
    line = malloc(size ? size : 1);
    if (!line)
        abort();
    memcpy(line, data, size);
    if (monitor_is_nic_deleted(line, size, &devid) && (devid > 9999 || !memmem(line, size, "nic", 3)))
        abort();
    if (monitor_is_answer(line, size) && !memmem(line, size, "return", 6))
        abort();
    monitor_says_running(line, size);
    free(line);
    return 0;
}
