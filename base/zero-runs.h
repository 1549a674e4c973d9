/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_ZERO_RUNS_H
#define XLX_BASE_ZERO_RUNS_H

/*
 * Packing of data that consists of zeros for the most part, as the state of a device model does (more than 99 %).
 * Packed data is a row of pieces: two numbers of four bytes, little endian, N and M; then N bytes as they are. M zeros
 * follow them when unpacked.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most that len bytes become when packed. */
size_t zero_runs_bound(size_t len);

/* Packs len bytes, less than 4 GiB, to out, which has room for zero_runs_bound(len). Returns how many were written. */
size_t zero_runs_pack(const uint8_t *data, size_t len, uint8_t *out);

/* Unpacks exactly len bytes to out. False: packed is no packed form of so many bytes; what is in out then is
 * undefined. */
bool zero_runs_unpack(const uint8_t *packed, size_t packed_len, uint8_t *out, size_t len);

#endif
