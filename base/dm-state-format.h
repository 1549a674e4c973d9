/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_DM_STATE_FORMAT_H
#define XLX_BASE_DM_STATE_FORMAT_H

/* Where things stand in a frame; base/dm-state.h tells of it. */

#define DM_STATE_MAGIC_BYTES 16
#define DM_STATE_HEAD_MAGIC "xl-ext-dm-state\n"
#define DM_STATE_TAIL_MAGIC "xl-ext-dm-ended\n"
#define DM_STATE_QEMU_MAGIC "QEVM"

enum {
    DM_STATE_VERSION_AT = DM_STATE_MAGIC_BYTES,
    DM_STATE_KIND_AT = DM_STATE_VERSION_AT + 4,
    DM_STATE_NUMBER_AT = DM_STATE_KIND_AT + 4,
    DM_STATE_PACKED_AT = DM_STATE_NUMBER_AT + 4,
    DM_STATE_LEN_AT = DM_STATE_PACKED_AT + 4,
    DM_STATE_CRC_AT = DM_STATE_LEN_AT + 4,
    DM_STATE_HEAD_CRC_AT = DM_STATE_CRC_AT + 4,
};

#endif
