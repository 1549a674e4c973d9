/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file with a saved guest: what is whole is told from what is not, before the guest is let go. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/dm-state.h"
#include "stubdom-launch/save.h"
#include "stubdom-launch/saved-file.h"
#include "stubdom-launch/stubdom.h"
#include "tests/fakes/ctx.h"

#define STATE "QEVM state"

/* The file as it is put together, and where it lies. */
static uint8_t bytes[1 << 20];
static size_t used;
static char path[] = "/tmp/saved-file-XXXXXX";

static void add(const void *data, size_t len)
{
    assert_true(used + len <= sizeof(bytes));
    if (len)
        memcpy(bytes + used, data, len);
    used += len;
}

static void add_u32(uint32_t value)
{
    add(&value, sizeof(value));
}

static void fill_up(size_t len)
{
    static const uint8_t zeros[8];

    add(zeros, (8 - len % 8) % 8);
}

static void add_record(uint32_t type, const void *data, size_t len)
{
    add_u32(type);
    add_u32((uint32_t)len);
    add(data, len);
    fill_up(len);
}

/* What xl writes before the stream: the configuration's length, and the configuration. */
static void add_xl_head(const char *config)
{
    uint32_t len = (uint32_t)strlen(config) + 1;

    add("Xen saved domain, xl format\n \0 \r", 32);
    add_u32(0x01020304);
    add_u32(3);
    add_u32(0);
    add_u32(4 + len);
    add_u32(len);
    add(config, len);
}

/* The guest's memory: two heads, a record of pages, the end. */
static void add_libxc(void)
{
    static const uint8_t marker[8] = {255, 255, 255, 255, 255, 255, 255, 255}, rest[8], domain[16] = {2, 0, 0, 0, 12};
    static const uint8_t pages[5000];

    add_record(1, NULL, 0);
    add(marker, sizeof(marker));
    add("XENF\0\0\0\3", 8);
    add(rest, sizeof(rest));
    add(domain, sizeof(domain));
    add_record(1, pages, sizeof(pages));
    add_record(0, NULL, 0);
}

static void add_emulator(const void *state, size_t len)
{
    uint8_t body[65536] = {2};

    memcpy(body + 8, state, len);
    add_record(3, body, 8 + len);
}

static void add_states(unsigned count)
{
    uint8_t states[40000];
    size_t len = 0;

    for (unsigned i = 1; i <= count; i++) {
        size_t frame_len;
        CLEANUP_FREE uint8_t *frame = dm_state_frame(STATE, strlen(STATE), i, &frame_len);

        memcpy(states + len, frame, frame_len);
        len += frame_len;
    }
    add_emulator(states, len);
}

static void begin_as(const char *config)
{
    used = 0;
    add_xl_head(config);
    add("LibxlFmt\0\0\0\2\0\0\0\0", 16);
    add_libxc();
}

static void begin(void)
{
    begin_as("{\"a\": 1}");
}

static void a_saved_guest(unsigned states)
{
    begin();
    add_states(states);
    add_record(0, NULL, 0);
}

static const char *written(size_t len)
{
    CLEANUP_FD int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);

    assert_int_equal(write(fd, bytes, len), len);
    return path;
}

static int make_path(void **state)
{
    int fd = mkstemp(path);

    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
    return unlink(path);
}

static uint32_t state_crc(void)
{
    return dm_state_crc(0, STATE, strlen(STATE));
}

static void assert_verified(size_t len, uint32_t number, const char *cause)
{
    GC_SCOPE(gc);
    const char *said = stubdom_save_verify(gc, written(len), number, state_crc());

    if (!cause) {
        assert_null(said);
        return;
    }
    assert_non_null(said);
    if (!strstr(said, cause))
        fail_msg("'%s' does not tell of '%s'", said, cause);
}

static void a_whole_file_is_verified(void **state)
{
    a_saved_guest(1);
    assert_verified(used, 1, NULL);
    a_saved_guest(3);
    assert_verified(used, 3, NULL);
}

static void its_configuration_and_state_are_found(void **state)
{
    struct dm_state_reader reader = {.state = NULL};
    struct saved_file file;
    CLEANUP_FD int fd = -1;
    GC_SCOPE(gc);

    a_saved_guest(2);
    fd = open(written(used), O_RDONLY);
    assert_null(saved_file_read(gc, fd, &file));
    assert_true(file.whole && file.has_state && !file.is_qemus);
    assert_string_equal(file.config, "{\"a\": 1}");
    assert_null(saved_file_state(gc, fd, &file, &reader));
    assert_int_equal(reader.number, 2);
    assert_memory_equal(reader.state, STATE, strlen(STATE));
    dm_state_reader_dispose(&reader);
}

static void a_file_that_is_cut_anywhere_is_not(void **state)
{
    a_saved_guest(1);
    for (size_t len = 0; len < used; len++)
        assert_verified(len, 1, "");
    assert_verified(used - 1, 1, "in the middle");
}

static void what_stands_behind_the_end_is_noticed(void **state)
{
    a_saved_guest(1);
    add_u32(0);
    assert_verified(used, 1, "goes on behind its end");
}

/* dom0's disk was full: the state of an earlier save is in the file, and that of this one is not. */
static void an_older_state_is_noticed(void **state)
{
    a_saved_guest(1);
    assert_verified(used, 2, "has state 1");
}

static void a_state_that_is_cut_is_noticed(void **state)
{
    size_t len;
    CLEANUP_FREE uint8_t *frame = dm_state_frame(STATE, strlen(STATE), 1, &len);

    begin();
    add_emulator(frame, 60);
    add_record(0, NULL, 0);
    assert_verified(used, 1, "state 1 is cut short");
}

static void a_file_without_a_state_is_noticed(void **state)
{
    begin();
    add_record(0, NULL, 0);
    assert_verified(used, 1, "nothing in dom0's file");
    begin();
    add_emulator("", 0);
    add_record(0, NULL, 0);
    assert_verified(used, 1, "nothing in dom0's file");
}

static void a_state_of_a_qemu_in_dom0_is_told_apart(void **state)
{
    struct saved_file file;
    CLEANUP_FD int fd = -1;
    GC_SCOPE(gc);

    begin();
    add_emulator("QEVM\0\0\0\3", 8);
    add_record(0, NULL, 0);
    assert_verified(used, 1, "saved by a QEMU in dom0");
    fd = open(written(used), O_RDONLY);
    assert_null(saved_file_read(gc, fd, &file));
    assert_true(file.is_qemus);
}

static void other_files_are_named(void **state)
{
    used = 0;
    add("#!/bin/sh\n and more than forty-eight bytes of something else", 60);
    assert_verified(used, 1, "no guest that xl has saved");
    used = 0;
    add_xl_head("{}");
    add("OtherFmt\0\0\0\2\0\0\0\0", 16);
    assert_verified(used, 1, "no stream of libxl's");
}

/* ---- what xl-ext restore says to it before xl is asked ---- */

#define WITH_STUB_DOMAIN "{\"b_info\": {\"device_model_version\": \"qemu_xen\", \"device_model_stubdomain\": \"True\"}}"
#define WITHOUT_STUB_DOMAIN                                                                                            \
    "{\"b_info\": {\"device_model_version\": \"qemu_xen\", \"device_model_stubdomain\": \"False\"}}"

/* The exit status; cause stands in what was said, or nothing was. */
static int restore_says(char **argv, int argc, const char *cause)
{
    struct xlx_ctx *ctx = fake_ctx_new();
    int status = xl_veto(ctx, argc, argv);

    if (cause && !strstr(fake_messages(), cause))
        fail_msg("'%s' does not tell of '%s'", fake_messages(), cause);
    if (!cause)
        assert_string_equal(fake_messages(), "");
    fake_ctx_free(ctx);
    return status;
}

static int restore(const char *cause)
{
    char name[sizeof(path)], *argv[] = {(char[]){"restore"}, (char[]){"-p"}, name, NULL};

    snprintf(name, sizeof(name), "%s", written(used));
    return restore_says(argv, 3, cause);
}

static int restore_with_a_configuration(const char *cause)
{
    char name[sizeof(path)], *argv[] = {(char[]){"restore"}, (char[]){"web.cfg"}, name, NULL};

    snprintf(name, sizeof(name), "%s", written(used));
    return restore_says(argv, 3, cause);
}

static void a_state_that_the_stub_domain_would_refuse_is_refused_at_once(void **state)
{
    begin_as(WITH_STUB_DOMAIN);
    add_states(2);
    bytes[used - DM_STATE_PADDING_BYTES - 30] ^= 1;
    add_record(0, NULL, 0);
    assert_int_equal(restore("state 2 is spoilt"), XLX_EXIT_REFUSED);
    assert_int_equal(restore_with_a_configuration("state 2 is spoilt"), XLX_EXIT_REFUSED);
}

static void a_state_of_a_qemu_in_dom0_is_not_for_a_stub_domain(void **state)
{
    begin_as(WITH_STUB_DOMAIN);
    add_emulator("QEVM\0\0\0\3", 8);
    add_record(0, NULL, 0);
    assert_int_equal(restore("saved by a QEMU in dom0"), XLX_EXIT_REFUSED);
    /* another configuration may have the device model in dom0 */
    assert_int_equal(restore_with_a_configuration(NULL), XLX_EXIT_DONE);
}

static void what_is_whole_or_not_for_a_stub_domain_is_left_to_xl(void **state)
{
    begin_as(WITH_STUB_DOMAIN);
    add_states(1);
    add_record(0, NULL, 0);
    assert_int_equal(restore(NULL), XLX_EXIT_DONE);
    begin_as(WITHOUT_STUB_DOMAIN);
    add_emulator("QEVM\0\0\0\3", 8);
    add_record(0, NULL, 0);
    assert_int_equal(restore(NULL), XLX_EXIT_DONE);
    used = 0;
    assert_int_equal(restore(NULL), XLX_EXIT_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_is_verified),
        cmocka_unit_test(its_configuration_and_state_are_found),
        cmocka_unit_test(a_file_that_is_cut_anywhere_is_not),
        cmocka_unit_test(what_stands_behind_the_end_is_noticed),
        cmocka_unit_test(an_older_state_is_noticed),
        cmocka_unit_test(a_state_that_is_cut_is_noticed),
        cmocka_unit_test(a_file_without_a_state_is_noticed),
        cmocka_unit_test(a_state_of_a_qemu_in_dom0_is_told_apart),
        cmocka_unit_test(other_files_are_named),
        cmocka_unit_test(a_state_that_the_stub_domain_would_refuse_is_refused_at_once),
        cmocka_unit_test(a_state_of_a_qemu_in_dom0_is_not_for_a_stub_domain),
        cmocka_unit_test(what_is_whole_or_not_for_a_stub_domain_is_left_to_xl),
    };

    return cmocka_run_group_tests(tests, make_path, remove_path);
}
