/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_DM_STATE_H
#define XLX_BASE_DM_STATE_H

/*
 * The state of a QEMU in a stub domain on its way to a file in dom0 and back: what the stub domain's init writes and
 * reads, and what "xl-ext save" verifies.
 *
 * The file only grows while the guest lives. It is a row of frames, with zeros before, between and behind them:
 *
 *     head     magic "xl-ext-dm-state\n", version, kind, number, bytes packed, bytes, CRC-32 of the state,
 *              CRC-32 of the head up to here
 *     packed   the state, packed (base/zero-runs.h); nothing in a mark
 *     tail     magic "xl-ext-dm-ended\n", number, CRC-32 of head and packed
 *     zeros    DM_STATE_PADDING_BYTES, so that nothing of the frame is under way any more when the last of them is sent
 *
 * Numbers take four bytes, least significant first. Frames are numbered 1, 2, 3, ... A frame of kind DM_STATE_MARK says
 * that the guest has gone on: the states before it are no longer the guest's. The state to load is the last frame, when
 * it is whole and no mark. Everything else is refused.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DM_STATE_VERSION 1
#define DM_STATE_BYTES_MAX (16u << 20) /* of a state; QEMU 7.2's have 205 to 337 KB */
#define DM_STATE_PADDING_BYTES 4096
#define DM_STATE_HEAD_BYTES 44
#define DM_STATE_TAIL_BYTES 24

enum dm_state_kind { DM_STATE_WHOLE = 1, DM_STATE_MARK = 2 };

/* CRC-32 as in Ethernet and zip. Start with 0; give the result of the bytes before to go on. */
uint32_t dm_state_crc(uint32_t crc, const void *data, size_t len);

/* Does it begin as QEMU's state does ("QEVM")? */
bool dm_state_is_qemus(const void *data, size_t len);

/*
 * A frame with its padding, from malloc, the caller's to free: of a state of len bytes, 1 to DM_STATE_BYTES_MAX, or a
 * mark (state NULL, len 0). NULL: out of memory, or len is out of range.
 */
uint8_t *dm_state_frame(const void *state, size_t len, uint32_t number, size_t *frame_len);

/* ---- reading ---- */

struct dm_state_reader {
    /* result, kept up to date with what was fed */
    uint8_t *state; /* the last whole state, unpacked; NULL: there is none */
    size_t state_len;
    uint32_t state_crc;
    uint32_t number; /* of the last whole frame, 0: none */
    uint64_t bytes;  /* fed so far */

    /* private */
    uint8_t *frame; /* what has come of the frame that is being read */
    size_t used, capacity, wanted;
    bool gone_on; /* the last whole frame is a mark */
    char cause[160];
};

/* Starts as zeros. Feed all bytes in any pieces; then ask for the verdict. Bytes may come from anywhere. */
void dm_state_reader_feed(struct dm_state_reader *reader, const void *data, size_t len);

/* NULL: reader->state is the guest's. Otherwise why there is none, one line without a full stop. */
const char *dm_state_reader_verdict(struct dm_state_reader *reader);

void dm_state_reader_dispose(struct dm_state_reader *reader);

#endif
