/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/zero-runs.h"

#include <string.h>

#include "base/little-endian.h"

#define PIECE_HEAD_BYTES 8
/* A shorter run of zeros inside a piece costs less than the head of another piece. */
#define RUN_MIN 16

size_t zero_runs_bound(size_t len)
{
    /* each piece but the last one saves at least as much as its head takes */
    return len + PIECE_HEAD_BYTES;
}

static size_t zeros_at(const uint8_t *data, size_t len)
{
    size_t n = 0;

    while (n < len && !data[n])
        n++;
    return n;
}

/* How many bytes a piece takes as they are, and how many zeros follow them. */
static size_t measure_piece(const uint8_t *data, size_t len, size_t *zeros)
{
    size_t n = 0;

    for (;;) {
        *zeros = zeros_at(data + n, len - n);
        if (*zeros >= RUN_MIN || n + *zeros == len)
            return n;
        n += *zeros + 1;
    }
}

size_t zero_runs_pack(const uint8_t *data, size_t len, uint8_t *out)
{
    size_t used = 0;

    while (len) {
        size_t zeros, n = measure_piece(data, len, &zeros);

        put_le32(out + used, (uint32_t)n);
        put_le32(out + used + 4, (uint32_t)zeros);
        memcpy(out + used + PIECE_HEAD_BYTES, data, n);
        used += PIECE_HEAD_BYTES + n;
        data += n + zeros;
        len -= n + zeros;
    }
    return used;
}

bool zero_runs_unpack(const uint8_t *packed, size_t packed_len, uint8_t *out, size_t len)
{
    while (packed_len) {
        size_t n, zeros;

        if (packed_len < PIECE_HEAD_BYTES)
            return false;
        n = get_le32(packed);
        zeros = get_le32(packed + 4);
        packed += PIECE_HEAD_BYTES;
        packed_len -= PIECE_HEAD_BYTES;
        if (n > packed_len || n > len || zeros > len - n)
            return false;
        memcpy(out, packed, n);
        memset(out + n, 0, zeros);
        out += n + zeros;
        len -= n + zeros;
        packed += n;
        packed_len -= n;
    }
    return !len;
}
