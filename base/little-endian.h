/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_LITTLE_ENDIAN_H
#define XLX_BASE_LITTLE_ENDIAN_H

/* Numbers in files and streams, least significant byte first, at any address. */

#include <stdint.h>

static inline void put_le32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

static inline uint32_t get_le32(const uint8_t *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

#endif
