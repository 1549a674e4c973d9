/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames with the state of a stub domain's QEMU: what is written is read back, and everything else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/dm-state-format.h"
#include "base/dm-state.h"
#include "base/little-endian.h"
#include "base/zero-runs.h"

/* A file in dom0, as frames are appended to it. */
static uint8_t file[1 << 20];
static size_t file_len;
static struct dm_state_reader reader;

static int start(void **state)
{
    file_len = 0;
    return 0;
}

static int stop(void **state)
{
    dm_state_reader_dispose(&reader);
    return 0;
}

/* Returns where the frame begins. */
static size_t append(const void *data, size_t len, uint32_t number)
{
    size_t frame_len, at = file_len;
    uint8_t *frame = dm_state_frame(data, len, number, &frame_len);

    assert_non_null(frame);
    assert_true(file_len + frame_len <= sizeof(file));
    memcpy(file + file_len, frame, frame_len);
    file_len += frame_len;
    free(frame);
    return at;
}

static const char *verdict(size_t len)
{
    dm_state_reader_dispose(&reader);
    dm_state_reader_feed(&reader, file, len);
    return dm_state_reader_verdict(&reader);
}

static void assert_state(const char *text)
{
    assert_null(verdict(file_len));
    assert_int_equal(reader.state_len, strlen(text));
    assert_memory_equal(reader.state, text, strlen(text));
    assert_int_equal(reader.state_crc, dm_state_crc(0, text, strlen(text)));
    assert_int_equal(reader.bytes, file_len);
}

static void assert_refused(size_t len, const char *cause)
{
    const char *said = verdict(len);

    assert_non_null(said);
    if (!strstr(said, cause))
        fail_msg("'%s' does not tell of '%s'", said, cause);
}

static size_t append_text(const char *text, uint32_t number)
{
    return append(text, strlen(text), number);
}

/* ---- packing ---- */

static void assert_packs(const uint8_t *data, size_t len, size_t packed_len_max)
{
    uint8_t *packed = malloc(zero_runs_bound(len)), *out = malloc(len ? len : 1);
    size_t n = zero_runs_pack(data, len, packed);

    assert_in_range(n, 0, packed_len_max);
    assert_true(n <= zero_runs_bound(len));
    assert_true(zero_runs_unpack(packed, n, out, len));
    assert_memory_equal(out, data, len);
    /* of another length it is not */
    assert_false(zero_runs_unpack(packed, n, out, len - 1));
    free(packed);
    free(out);
}

static void what_is_packed_is_unpacked_and_never_larger_than_announced(void **state)
{
    uint8_t data[5000];

    for (unsigned mixture = 1; mixture < 60; mixture++) {
        /* runs of zeros of up to that many bytes between single others */
        for (size_t i = 0; i < sizeof(data); i++)
            data[i] = i % mixture == i / 100 % mixture ? (uint8_t)(i * 7 + 1) : 0;
        assert_packs(data, sizeof(data), zero_runs_bound(sizeof(data)));
    }
    memset(data, 0, sizeof(data));
    assert_packs(data, sizeof(data), 8);
    memset(data, 0xff, sizeof(data));
    assert_packs(data, sizeof(data), sizeof(data) + 8);
    data[0] = data[sizeof(data) - 1] = 0;
    assert_packs(data, sizeof(data), sizeof(data) + 8);
    assert_packs(data, 1, 8);
}

static void nonsense_is_not_unpacked(void **state)
{
    uint8_t out[64], packed[20] = {4, 0, 0, 0, 60, 0, 0, 0, 'a', 'b', 'c', 'd'};

    assert_true(zero_runs_unpack(packed, 12, out, 64));
    assert_false(zero_runs_unpack(packed, 11, out, 64));
    assert_false(zero_runs_unpack(packed, 13, out, 64));
    assert_false(zero_runs_unpack(packed, 12, out, 63));
    put_le32(packed + 4, 0xffffffff);
    assert_false(zero_runs_unpack(packed, 12, out, 64));
    put_le32(packed, 0xffffffff);
    assert_false(zero_runs_unpack(packed, 12, out, 64));
}

/* ---- what is read ---- */

static void a_state_is_read_back(void **state)
{
    append_text("QEVM state", 1);
    assert_state("QEVM state");
    assert_int_equal(reader.number, 1);
}

static void it_may_come_in_any_pieces(void **state)
{
    append_text("QEVM first", 1);
    append(NULL, 0, 2);
    append_text("QEVM second", 3);
    for (size_t piece = 1; piece < 200; piece++) {
        dm_state_reader_dispose(&reader);
        for (size_t at = 0; at < file_len; at += piece)
            dm_state_reader_feed(&reader, file + at, piece < file_len - at ? piece : file_len - at);
        assert_null(dm_state_reader_verdict(&reader));
        assert_memory_equal(reader.state, "QEVM second", 11);
    }
}

static void the_last_of_several_counts(void **state)
{
    append_text("QEVM first", 1);
    append_text("QEVM second, longer", 2);
    append_text("QEVM 3", 3);
    assert_state("QEVM 3");
}

static void a_large_state_is_read_back(void **state)
{
    static uint8_t large[300000];

    for (size_t i = 0; i < sizeof(large); i += 97)
        large[i] = (uint8_t)i;
    append(large, sizeof(large), 1);
    assert_null(verdict(file_len));
    assert_int_equal(reader.state_len, sizeof(large));
    assert_memory_equal(reader.state, large, sizeof(large));
}

static void zeros_before_a_frame_do_not_matter(void **state)
{
    memset(file, 0, 5000);
    file_len = 5000;
    append_text("QEVM state", 1);
    assert_state("QEVM state");
}

static void a_state_out_of_range_is_not_written(void **state)
{
    static uint8_t large[DM_STATE_BYTES_MAX + 1];
    size_t len;

    assert_null(dm_state_frame(large, sizeof(large), 1, &len));
    assert_null(dm_state_frame(large, 0, 1, &len));
}

/* ---- what is refused ---- */

static void nothing_is_refused(void **state)
{
    assert_refused(0, "nothing in dom0's file");
    memset(file, 0, 100);
    assert_refused(100, "100 zeros only");
}

static void a_state_that_is_cut_anywhere_is_refused(void **state)
{
    append_text("QEVM state", 1);
    for (size_t len = 1; len < file_len - DM_STATE_PADDING_BYTES; len++)
        assert_refused(len, "cut short");
    assert_null(verdict(file_len - DM_STATE_PADDING_BYTES));
}

static void an_older_state_before_one_that_is_cut_is_not_taken(void **state)
{
    size_t at;

    append_text("QEVM first", 1);
    at = append_text("QEVM second", 2);
    assert_refused(at + 1, "state 2 is cut short");
    assert_refused(at + 60, "state 2 is cut short");
}

static void a_state_after_which_the_guest_has_gone_on_is_refused(void **state)
{
    append_text("QEVM first", 1);
    append(NULL, 0, 2);
    assert_refused(file_len, "the guest has gone on");
}

static void a_flipped_bit_anywhere_is_refused(void **state)
{
    append_text("QEVM state", 1);
    for (size_t at = 0; at < file_len; at++) {
        file[at] ^= 1;
        assert_non_null(verdict(file_len));
        file[at] ^= 1;
    }
    assert_state("QEVM state");
}

static void a_part_that_is_missing_is_noticed(void **state)
{
    append_text("QEVM first", 1);
    append_text("QEVM third", 3);
    assert_refused(file_len, "state 3 follows state 1");
    file_len = 0;
    append_text("QEVM second", 2);
    assert_refused(file_len, "state 2 follows state 0");
}

static void foreign_states_are_refused(void **state)
{
    memcpy(file, "QEVM\0\0\0\3", 8);
    assert_refused(8, "saved by a QEMU in dom0");
    memcpy(file, "something else", 14);
    assert_refused(14, "byte 0 is no state");
    append_text("QEVM state", 1);
    file[file_len - 1] = 'x';
    assert_refused(file_len, "cut short");
    memcpy(file + file_len, "yz and more", 11);
    assert_refused(file_len + 11, "is no state of a stub domain");
}

static void another_version_is_named(void **state)
{
    append_text("QEVM state", 1);
    file[DM_STATE_VERSION_AT] = 2;
    put_le32(file + DM_STATE_HEAD_CRC_AT, dm_state_crc(0, file, DM_STATE_HEAD_CRC_AT));
    assert_refused(file_len, "has format 2");
}

/* A fault of the packing, which the other two sums cannot see. */
static void a_state_that_unpacks_to_something_else_is_refused(void **state)
{
    uint8_t *tail;

    append_text("QEVM state", 1);
    file[DM_STATE_CRC_AT] ^= 1;
    put_le32(file + DM_STATE_HEAD_CRC_AT, dm_state_crc(0, file, DM_STATE_HEAD_CRC_AT));
    tail = file + file_len - DM_STATE_PADDING_BYTES - DM_STATE_TAIL_BYTES;
    put_le32(tail + DM_STATE_MAGIC_BYTES + 4, dm_state_crc(0, file, (size_t)(tail - file)));
    assert_refused(file_len, "state 1 is spoilt");
}

static void lengths_that_cannot_be_are_refused(void **state)
{
    append_text("QEVM state", 1);
    put_le32(file + DM_STATE_LEN_AT, DM_STATE_BYTES_MAX + 1);
    put_le32(file + DM_STATE_HEAD_CRC_AT, dm_state_crc(0, file, DM_STATE_HEAD_CRC_AT));
    assert_refused(file_len, "makes no sense");
    put_le32(file + DM_STATE_LEN_AT, 10);
    put_le32(file + DM_STATE_PACKED_AT, 0xffffffff);
    put_le32(file + DM_STATE_HEAD_CRC_AT, dm_state_crc(0, file, DM_STATE_HEAD_CRC_AT));
    assert_refused(file_len, "makes no sense");
}

static void the_checksum_is_the_usual_one(void **state)
{
    assert_int_equal(dm_state_crc(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(dm_state_crc(dm_state_crc(0, "1234", 4), "56789", 5), 0xcbf43926);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_packed_is_unpacked_and_never_larger_than_announced),
        TEST(nonsense_is_not_unpacked),
        TEST(a_state_is_read_back),
        TEST(it_may_come_in_any_pieces),
        TEST(the_last_of_several_counts),
        TEST(a_large_state_is_read_back),
        TEST(zeros_before_a_frame_do_not_matter),
        TEST(a_state_out_of_range_is_not_written),
        TEST(nothing_is_refused),
        TEST(a_state_that_is_cut_anywhere_is_refused),
        TEST(an_older_state_before_one_that_is_cut_is_not_taken),
        TEST(a_state_after_which_the_guest_has_gone_on_is_refused),
        TEST(a_flipped_bit_anywhere_is_refused),
        TEST(a_part_that_is_missing_is_noticed),
        TEST(foreign_states_are_refused),
        TEST(another_version_is_named),
        TEST(a_state_that_unpacks_to_something_else_is_refused),
        TEST(lengths_that_cannot_be_are_refused),
        TEST(the_checksum_is_the_usual_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
