/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/dm-state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/dm-state-format.h"
#include "base/little-endian.h"
#include "base/zero-runs.h"

/* The first cause stays: what comes behind it cannot be told apart any more. */
static void __attribute__((format(printf, 2, 3))) refuse(struct dm_state_reader *r, const char *format, ...)
{
    va_list args;

    if (*r->cause)
        return;
    va_start(args, format);
    vsnprintf(r->cause, sizeof(r->cause), format, args);
    va_end(args);
}

/* Room for the whole of the frame that is being read, but never for more than has come and as much again: its length is
 * foreign. */
static bool make_room(struct dm_state_reader *r, size_t more)
{
    size_t capacity = r->capacity ? r->capacity : 4096;
    uint8_t *frame;

    while (capacity < r->used + more)
        capacity *= 2;
    if (capacity == r->capacity)
        return true;
    frame = realloc(r->frame, capacity);
    if (!frame) {
        refuse(r, "there is no memory for the state, of which %zu bytes have come", r->used);
        return false;
    }
    r->frame = frame;
    r->capacity = capacity;
    return true;
}

/* What stands where a frame should begin is no frame of this version. */
static void refuse_start(struct dm_state_reader *r, uint64_t at)
{
    if (at == 0 && dm_state_is_qemus(r->frame, r->used))
        refuse(r, "the guest was saved by a QEMU in dom0, and what that wrote is not read here");
    else
        refuse(r, "what stands at byte %llu is no state of a stub domain's QEMU", (unsigned long long)at);
}

/* ---- a head that has come ---- */

static void check_head(struct dm_state_reader *r)
{
    const uint8_t *head = r->frame;
    uint32_t version = get_le32(head + DM_STATE_VERSION_AT), kind = get_le32(head + DM_STATE_KIND_AT),
             number = get_le32(head + DM_STATE_NUMBER_AT), packed = get_le32(head + DM_STATE_PACKED_AT),
             len = get_le32(head + DM_STATE_LEN_AT);
    bool is_state = kind == DM_STATE_WHOLE && len && len <= DM_STATE_BYTES_MAX && packed <= zero_runs_bound(len);

    if (version != DM_STATE_VERSION)
        refuse(r, "the state has format %u, and this image knows format %u only: build the image again", version,
               DM_STATE_VERSION);
    else if (get_le32(head + DM_STATE_HEAD_CRC_AT) != dm_state_crc(0, head, DM_STATE_HEAD_CRC_AT))
        refuse(r, "the head of state %u is spoilt", number);
    else if (!is_state && (kind != DM_STATE_MARK || len || packed))
        refuse(r, "the head of state %u makes no sense", number);
    else if (number != r->number + 1)
        refuse(r, "state %u follows state %u: a part is missing", number, r->number);
    else
        r->wanted = DM_STATE_HEAD_BYTES + packed + DM_STATE_TAIL_BYTES;
}

/* ---- a frame that has come ---- */

static bool tail_is_right(const struct dm_state_reader *r)
{
    size_t with_head = r->wanted - DM_STATE_TAIL_BYTES;
    const uint8_t *tail = r->frame + with_head;

    return !memcmp(tail, DM_STATE_TAIL_MAGIC, DM_STATE_MAGIC_BYTES) &&
           get_le32(tail + DM_STATE_MAGIC_BYTES) == r->number + 1 &&
           get_le32(tail + DM_STATE_MAGIC_BYTES + 4) == dm_state_crc(0, r->frame, with_head);
}

static void take_state(struct dm_state_reader *r)
{
    size_t len = get_le32(r->frame + DM_STATE_LEN_AT);
    uint32_t crc = get_le32(r->frame + DM_STATE_CRC_AT);
    uint8_t *state = malloc(len);

    if (!state) {
        refuse(r, "there is no memory for a state of %zu bytes", len);
        return;
    }
    if (!zero_runs_unpack(r->frame + DM_STATE_HEAD_BYTES, r->wanted - DM_STATE_HEAD_BYTES - DM_STATE_TAIL_BYTES, state,
                          len) ||
        dm_state_crc(0, state, len) != crc) {
        free(state);
        refuse(r, "state %u is spoilt", r->number + 1);
        return;
    }
    free(r->state);
    r->state = state;
    r->state_len = len;
    r->state_crc = crc;
}

static void take_frame(struct dm_state_reader *r)
{
    if (!tail_is_right(r)) {
        refuse(r, "state %u is spoilt", r->number + 1);
        return;
    }
    r->gone_on = get_le32(r->frame + DM_STATE_KIND_AT) == DM_STATE_MARK;
    if (!r->gone_on)
        take_state(r);
    if (*r->cause)
        return;
    r->number++;
    r->used = r->wanted = 0;
}

/* ---- bytes ---- */

static void take_byte_of_head(struct dm_state_reader *r, uint8_t byte)
{
    if (!r->used && !byte)
        return; /* padding, or a hole */
    if (!make_room(r, 1))
        return;
    r->frame[r->used++] = byte;
    if (r->used <= DM_STATE_MAGIC_BYTES && byte != (uint8_t)DM_STATE_HEAD_MAGIC[r->used - 1] && r->used > 4)
        refuse_start(r, r->bytes - r->used);
    else if (r->used == 4 && memcmp(r->frame, DM_STATE_HEAD_MAGIC, 4))
        refuse_start(r, r->bytes - r->used);
    else if (r->used == DM_STATE_HEAD_BYTES)
        check_head(r);
}

void dm_state_reader_feed(struct dm_state_reader *r, const void *data, size_t len)
{
    const uint8_t *p = data;

    while (len && !*r->cause) {
        size_t n = 1;

        if (!r->wanted) {
            r->bytes++;
            take_byte_of_head(r, *p);
        } else {
            n = len < r->wanted - r->used ? len : r->wanted - r->used;
            if (!make_room(r, n))
                return;
            memcpy(r->frame + r->used, p, n);
            r->used += n;
            r->bytes += n;
            if (r->used == r->wanted)
                take_frame(r);
        }
        p += n;
        len -= n;
    }
    r->bytes += len;
}

const char *dm_state_reader_verdict(struct dm_state_reader *r)
{
    if (*r->cause)
        return r->cause;
    if (r->used)
        refuse(r, "state %u is cut short (was dom0's disk full?)", r->number + 1);
    else if (!r->bytes)
        refuse(r, "there is nothing in dom0's file");
    else if (!r->number)
        refuse(r, "there is no state in dom0's file, %llu zeros only", (unsigned long long)r->bytes);
    else if (r->gone_on)
        refuse(r, "the guest has gone on after its last state was saved, and a newer one is missing");
    return *r->cause ? r->cause : NULL;
}

void dm_state_reader_dispose(struct dm_state_reader *r)
{
    free(r->state);
    free(r->frame);
    *r = (struct dm_state_reader){0};
}
