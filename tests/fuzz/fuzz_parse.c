/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sizes, times and numbers as they are typed, and digits as guests write them. The first byte chooses.
 * FUZZ_SRCS: base/parse.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ok says what must hold of a value; a refusal has a cause. */
static void expect(int rc, int ok, const char *cause)
{
    if (rc ? rc != ERROR_INVAL || !cause || !*cause : !ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *cause = NULL;
    enum parse_relation relation;
    uint64_t value = 0;
    char *text;
    int rc;

    if (!size)
        return 0;
    text = malloc(size);
    if (!text)
        abort();
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    switch (data[0] % 5) {
    case 0:
        rc = parse_size_kb(text, &value, &cause);
        expect(rc, value <= UINT64_C(16) << 40 || text[strlen(text) - 1] == 'b' || text[strlen(text) - 1] == 'B',
               cause);
        break;
    case 1:
        rc = parse_size_change_kb(text, &value, &relation, &cause);
        expect(rc, (relation == PARSE_ABSOLUTE) == (*text >= '0' && *text <= '9'), cause);
        break;
    case 2:
        rc = parse_duration_ms(text, &value, &cause);
        expect(rc, value <= UINT64_C(100) * 24 * 3600 * 1000 + 3600 * 1000, cause);
        break;
    case 3:
        rc = parse_u64(text, 1000, &value, &cause);
        expect(rc, value <= 1000, cause);
        break;
    default:
        if (parse_digits((const char *)data + 1, size - 1, 1000, &value) && value > 1000)
            abort();
        break;
    }
    free(text);
    return 0;
}
