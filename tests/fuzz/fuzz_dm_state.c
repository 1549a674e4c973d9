/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file of dom0's as the stub domain's init and "xl-ext save" read it: it comes from a host that may lie. The first byte
 * says in which pieces the rest comes; the verdict must not depend on them. So that a fuzzer gets past the check sums, a
 * second reading has them put right.
 *
 * FUZZ_SRCS: base/dm-state.c base/dm-state-read.c base/zero-runs.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/dm-state-format.h"
#include "base/dm-state.h"
#include "base/little-endian.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_once(const uint8_t *data, size_t size, size_t piece, struct dm_state_reader *reader)
{
    for (size_t at = 0; at < size; at += piece)
        dm_state_reader_feed(reader, data + at, piece < size - at ? piece : size - at);
}

static void check(const uint8_t *data, size_t size, size_t piece)
{
    struct dm_state_reader whole = {0}, pieces = {0};
    const char *cause, *other;

    read_once(data, size, size, &whole);
    read_once(data, size, piece, &pieces);
    cause = dm_state_reader_verdict(&whole);
    other = dm_state_reader_verdict(&pieces);
    if (!cause != !other || (cause && strcmp(cause, other)) || whole.bytes != size || pieces.bytes != size)
        abort();
    if (!cause && (!whole.state_len || whole.state_len > DM_STATE_BYTES_MAX || whole.state_len != pieces.state_len ||
                   memcmp(whole.state, pieces.state, whole.state_len) ||
                   dm_state_crc(0, whole.state, whole.state_len) != whole.state_crc))
        abort();
    dm_state_reader_dispose(&whole);
    dm_state_reader_dispose(&pieces);
}

/* The first frame with the sums that belong to its bytes; that of the unpacked state stays the fuzzer's. */
static void put_right(uint8_t *frame, size_t size)
{
    uint32_t packed;

    if (size < DM_STATE_HEAD_BYTES + DM_STATE_TAIL_BYTES)
        return;
    put_le32(frame + DM_STATE_HEAD_CRC_AT, dm_state_crc(0, frame, DM_STATE_HEAD_CRC_AT));
    packed = get_le32(frame + DM_STATE_PACKED_AT);
    if (packed > size - DM_STATE_HEAD_BYTES - DM_STATE_TAIL_BYTES)
        return;
    frame += DM_STATE_HEAD_BYTES + packed;
    put_le32(frame + DM_STATE_MAGIC_BYTES + 4,
             dm_state_crc(0, frame - DM_STATE_HEAD_BYTES - packed, DM_STATE_HEAD_BYTES + packed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy;

    if (size < 2)
        return 0;
    check(data + 1, size - 1, data[0] + 1u);
    copy = malloc(size - 1);
    if (!copy)
        abort();
    memcpy(copy, data + 1, size - 1);
    put_right(copy, size - 1);
    check(copy, size - 1, data[0] + 1u);
    free(copy);
    return 0;
}
