/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The head of a rootfs file, and a configuration file with findings to fix in it.
 *
 * FUZZ_SRCS: libxl-plugins/stubdom-launch/image.c libxl-plugins/stubdom-launch/fix.c base/gc.c base/json.c base/json-read.c
 * FUZZ_LIBS: -lyajl
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stubdom-launch/fix.h"
#include "stubdom-launch/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stubdom_finding items[] = {{.code = "a", .drop = {"ab", "c"}, .add = "x=1"}};
    struct stubdom_findings findings = {.items = items, .count = 1}, none = {0};
    struct stubdom_image image;
    char *bytes = malloc(size + 1), *fixed;
    GC_SCOPE(gc);

    if (!bytes)
        abort();
    memcpy(bytes, data, size);
    bytes[size] = '\0';
    if (stubdom_image_parse(gc, bytes, size, &image) && (!image.xen || strlen(image.xen) >= size))
        abort();
    /* nothing found, nothing changed but the newline at the end */
    fixed = stubdom_fix(gc, bytes, &none);
    if (strncmp(fixed, bytes, strlen(bytes)) || strlen(fixed) > strlen(bytes) + 1)
        abort();
    if (!strstr(stubdom_fix(gc, bytes, &findings), "x=1"))
        abort();
    free(bytes);
    return 0;
}
