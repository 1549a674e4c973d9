/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/dm-state.h"

#include <stdlib.h>
#include <string.h>

#include "base/dm-state-format.h"
#include "base/little-endian.h"
#include "base/zero-runs.h"

uint32_t dm_state_crc(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;

    crc = ~crc;
    while (len--) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? 0xedb88320 ^ crc >> 1 : crc >> 1;
    }
    return ~crc;
}

bool dm_state_is_qemus(const void *data, size_t len)
{
    return len >= strlen(DM_STATE_QEMU_MAGIC) && !memcmp(data, DM_STATE_QEMU_MAGIC, strlen(DM_STATE_QEMU_MAGIC));
}

uint8_t *dm_state_frame(const void *state, size_t len, uint32_t number, size_t *frame_len)
{
    size_t packed = 0, with_head;
    uint8_t *frame;

    if (state ? !len || len > DM_STATE_BYTES_MAX : len)
        return NULL;
    frame = calloc(1, DM_STATE_HEAD_BYTES + zero_runs_bound(len) + DM_STATE_TAIL_BYTES + DM_STATE_PADDING_BYTES);
    if (!frame)
        return NULL;
    if (state)
        packed = zero_runs_pack(state, len, frame + DM_STATE_HEAD_BYTES);
    memcpy(frame, DM_STATE_HEAD_MAGIC, DM_STATE_MAGIC_BYTES);
    put_le32(frame + DM_STATE_VERSION_AT, DM_STATE_VERSION);
    put_le32(frame + DM_STATE_KIND_AT, state ? DM_STATE_WHOLE : DM_STATE_MARK);
    put_le32(frame + DM_STATE_NUMBER_AT, number);
    put_le32(frame + DM_STATE_PACKED_AT, (uint32_t)packed);
    put_le32(frame + DM_STATE_LEN_AT, (uint32_t)len);
    put_le32(frame + DM_STATE_CRC_AT, dm_state_crc(0, state, len));
    put_le32(frame + DM_STATE_HEAD_CRC_AT, dm_state_crc(0, frame, DM_STATE_HEAD_CRC_AT));
    with_head = DM_STATE_HEAD_BYTES + packed;
    memcpy(frame + with_head, DM_STATE_TAIL_MAGIC, DM_STATE_MAGIC_BYTES);
    put_le32(frame + with_head + DM_STATE_MAGIC_BYTES, number);
    put_le32(frame + with_head + DM_STATE_MAGIC_BYTES + 4, dm_state_crc(0, frame, with_head));
    *frame_len = with_head + DM_STATE_TAIL_BYTES + DM_STATE_PADDING_BYTES;
    return frame;
}
