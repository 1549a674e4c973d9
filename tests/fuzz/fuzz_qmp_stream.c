/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a client sends to a QMP monitor, up to the values. The first byte says how many bytes come at once. What is
 * written out must be read back as the same, and it must not matter how the bytes were cut.
 * FUZZ_SRCS: libxl-plugins/monitor/lexer.c libxl-plugins/monitor/stream.c libxl-plugins/monitor/parser.c
 * FUZZ_SRCS: base/json.c base/json-write.c base/text.c base/utf8.c base/gc.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/gc.h"
#include "monitor/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Only what is sure to come back as it was: QEMU writes infinity as "inf", which is no JSON, and the double -0 as "-0",
 * which is an integer. */
static void check_round_trip(const struct json *value)
{
    struct text once = {0}, twice = {0};
    struct stream stream = {0};
    struct stream_message m;
    GC_SCOPE(gc);

    json_write(&once, value, JSON_QMP);
    text_add(&once, "\n", 1);
    if (!memmem(once.bytes, once.len, "inf", 3)) {
        stream_feed(&stream, gc, once.bytes, once.len, &m);
        if (!m.value)
            abort();
        json_write(&twice, m.value, JSON_QMP);
        text_add(&twice, "\n", 1);
        if (memmem(once.bytes, once.len, "-0", 2))
            goto out;
        if (once.len != twice.len || memcmp(once.bytes, twice.bytes, once.len))
            abort();
    }

out:
    text_free(&once);
    text_free(&twice);
    stream_dispose(&stream);
}

static size_t read_all(const char *bytes, size_t len, size_t at_once)
{
    struct stream stream = {0};
    size_t messages = 0;

    while (len) {
        struct stream_message m;
        GC_SCOPE(gc);
        size_t used = stream_feed(&stream, gc, bytes, len < at_once ? len : at_once, &m);

        bytes += used;
        len -= used;
        messages += m.value || m.error;
        if (m.value && m.error)
            abort();
        if (m.value)
            check_round_trip(m.value);
    }
    stream_dispose(&stream);
    return messages;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size && read_all((const char *)data + 1, size - 1, data[0] ? data[0] : 1) !=
                    read_all((const char *)data + 1, size - 1, size))
        abort();
    return 0;
}
