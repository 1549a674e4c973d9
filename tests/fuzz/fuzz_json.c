/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON files as mem-plan, migrate-check and others read them. What is read is written and read again: the same.
 * FUZZ_SRCS: base/json.c base/json-read.c base/json-write.c base/text.c base/utf8.c base/gc.c
 * FUZZ_LIBS: -lyajl
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *root, *again;
    const char *cause = NULL, *first, *second;
    GC_SCOPE(gc);
    int rc;

    rc = json_parse(gc, (const char *)data, size, &root, &cause);
    if (rc) {
        if ((rc != ERROR_INVAL && rc != ERROR_BUFFERFULL) || !cause || !*cause)
            abort();
        return 0;
    }
    first = json_text(gc, root, JSON_COMPACT);
    if (json_parse(gc, first, strlen(first), &again, &cause))
        abort();
    second = json_text(gc, again, JSON_COMPACT);
    if (strcmp(first, second) != 0)
        abort();
    return 0;
}
