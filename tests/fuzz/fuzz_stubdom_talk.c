/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QMP as it passes through the stub domain's bridge: what a client says, cut into messages, and lines of a QEMU that may
 * be broken into. Whatever the pieces, every byte is passed on, in order.
 *
 * FUZZ_SRCS: stubdom/init/qmp_talk.c base/gc.c base/json.c base/json-read.c base/error.c
 * FUZZ_LIBS: -lyajl -lxenlight
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stubdom/init/qmp_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_id(const struct qmp_id *id)
{
    if (strlen(id->text) >= sizeof(id->text) || strpbrk(id->text, "\r\n{}\\"))
        abort();
}

static void look(const char *text, size_t len)
{
    static const struct qmp_id seven = {"7"};
    struct qmp_id id = {""};
    /* exactly as long as the text, so that reading past it is noticed */
    char *copy = malloc(len ? len : 1);

    if (!copy)
        abort();
    memcpy(copy, text, len);
    if (qmp_request_of(copy, len, &id) == QMP_REQUEST_SAVE && !memmem(copy, len, "fdset", 5) &&
        !memchr(copy, '\\', len))
        abort();
    check_id(&id);
    qmp_answer_of(copy, len, &seven);
    qmp_answer_of(copy, len, &id);
    free(copy);
}

static void cut(const char *data, size_t size, size_t step)
{
    static struct qmp_splitter splitter;
    size_t passed = 0, at = 0;

    memset(&splitter, 0, sizeof(splitter));
    while (at < size) {
        enum qmp_piece piece;
        size_t len = step < size - at ? step : size - at, taken = qmp_splitter_take(&splitter, data + at, len, &piece);

        if (!taken || taken > len || splitter.used > sizeof(splitter.text) || passed + splitter.used != at + taken ||
            memcmp(data + passed, splitter.text, splitter.used))
            abort();
        at += taken;
        if (piece == QMP_PIECE_INCOMPLETE) {
            if (taken != len)
                abort();
            continue;
        }
        if (piece == QMP_PIECE_MESSAGE)
            look(splitter.text, splitter.used);
        passed += splitter.used;
        splitter.used = 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char line[256];
    struct qmp_id id = {"7"};

    if (size < 2 || size > 65536)
        return 0;
    cut((const char *)data + 1, size - 1, data[0] + 1u);
    look((const char *)data + 1, size - 1);
    if (qmp_error_line(line, 64 + data[0] % 192u, &id,
                       "why the guest is not saved, which may be longer than the line") != strlen(line))
        abort();
    return 0;
}
