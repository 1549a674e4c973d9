/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state on its way to dom0 and back: save.c, outbox.c and restore.c with a dom0 of pipes that takes a piece when it is
 * told to, as the QEMU does that serves the consoles.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/dm-state.h"
#include "stubdom/init/outbox.h"
#include "stubdom/init/raw_console.h"
#include "stubdom/init/report.h"
#include "stubdom/init/restore.h"
#include "stubdom/init/save.h"

void report(const char *format, ...)
{
}

void report_step(const char *format, ...)
{
}

/* ---- dom0: its file, and what it does when it looks after its consoles ---- */

static int ring[2]; /* console 1 */
static uint8_t file[1 << 20];
static size_t file_len;
static uint64_t taken;
static bool dom0_answers, taken_can_be_told;
static size_t piece_max; /* of what was in the ring at once */

static void dom0_looks(void)
{
    ssize_t r = read(ring[0], file + file_len, sizeof(file) - file_len);

    if (r <= 0)
        return;
    if ((size_t)r > piece_max)
        piece_max = (size_t)r;
    file_len += (size_t)r;
    taken++;
}

static bool count_taken(void *arg, uint64_t *count)
{
    if (dom0_answers)
        dom0_looks();
    *count = taken;
    return taken_can_be_told;
}

static struct outbox outbox;

static int start(void **state)
{
    if (pipe2(ring, O_NONBLOCK | O_CLOEXEC))
        return -1;
    file_len = piece_max = 0;
    dom0_answers = taken_can_be_told = true;
    outbox = (struct outbox){.fd = ring[1], .taken = count_taken};
    return 0;
}

static int stop(void **state)
{
    free(outbox.data);
    close(ring[0]);
    close(ring[1]);
    return 0;
}

/* ---- the outbox ---- */

static void fill(uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i * 31 % 251);
}

static void all_bytes_arrive_a_piece_at_a_time(void **state)
{
    uint8_t data[10000];

    fill(data, sizeof(data));
    assert_true(outbox_add(&outbox, data, sizeof(data)));
    assert_int_equal(outbox_pump(&outbox, 1), OUTBOX_EMPTY);
    dom0_looks();
    assert_int_equal(file_len, sizeof(data));
    assert_memory_equal(file, data, sizeof(data));
    assert_int_equal(piece_max, OUTBOX_PIECE_BYTES);
    assert_int_equal(outbox.pieces, (sizeof(data) + OUTBOX_PIECE_BYTES - 1) / OUTBOX_PIECE_BYTES);
}

static void nothing_more_is_written_until_dom0_has_taken_a_piece(void **state)
{
    uint8_t data[1000];

    fill(data, sizeof(data));
    dom0_answers = false;
    assert_true(outbox_add(&outbox, data, sizeof(data)));
    for (int i = 1; i < 100; i++)
        assert_int_equal(outbox_pump(&outbox, i), OUTBOX_BUSY);
    dom0_looks();
    assert_int_equal(file_len, OUTBOX_PIECE_BYTES);
    assert_int_equal(outbox_pump(&outbox, 100), OUTBOX_BUSY);
    assert_int_equal(outbox_pump(&outbox, 101), OUTBOX_BUSY);
    dom0_looks();
    assert_int_equal(file_len, 2 * OUTBOX_PIECE_BYTES);
    assert_memory_equal(file, data, file_len);
}

static void the_last_piece_counts_when_it_was_taken(void **state)
{
    dom0_answers = false;
    assert_true(outbox_add(&outbox, "abc", 3));
    assert_int_equal(outbox_pump(&outbox, 1), OUTBOX_BUSY);
    dom0_looks();
    assert_int_equal(outbox_pump(&outbox, 2), OUTBOX_EMPTY);
}

static void a_dom0_that_hangs_is_noticed_and_gets_everything_when_it_goes_on(void **state)
{
    uint8_t data[2000];

    fill(data, sizeof(data));
    dom0_answers = false;
    assert_true(outbox_add(&outbox, data, 1500));
    assert_int_equal(outbox_pump(&outbox, 1000), OUTBOX_BUSY);
    assert_int_equal(outbox_pump(&outbox, 999 + OUTBOX_STUCK_MS), OUTBOX_BUSY);
    assert_int_equal(outbox_pump(&outbox, 1000 + OUTBOX_STUCK_MS), OUTBOX_STUCK);
    assert_true(outbox_add(&outbox, data + 1500, 500));
    assert_int_equal(outbox_pump(&outbox, 2000 + OUTBOX_STUCK_MS), OUTBOX_STUCK);
    dom0_answers = true;
    assert_int_equal(outbox_pump(&outbox, 3000 + OUTBOX_STUCK_MS), OUTBOX_EMPTY);
    assert_int_equal(file_len, sizeof(data));
    assert_memory_equal(file, data, sizeof(data));
}

static void time_without_anything_to_send_does_not_count(void **state)
{
    assert_true(outbox_add(&outbox, "abc", 3));
    assert_int_equal(outbox_pump(&outbox, 1), OUTBOX_EMPTY);
    dom0_answers = false;
    assert_true(outbox_add(&outbox, "def", 3));
    taken_can_be_told = false;
    assert_int_equal(outbox_pump(&outbox, 1000000), OUTBOX_BUSY);
}

static void nothing_is_written_when_it_cannot_be_told_what_was_taken(void **state)
{
    taken_can_be_told = false;
    assert_true(outbox_add(&outbox, "abc", 3));
    assert_int_equal(outbox_pump(&outbox, 1), OUTBOX_BUSY);
    assert_int_equal(outbox_pump(&outbox, 1 + OUTBOX_STUCK_MS), OUTBOX_STUCK);
    dom0_looks();
    assert_int_equal(file_len, 0);
}

/* ---- a save ---- */

/* What QEMU does with its descriptor set: it truncates the file, and writes where the offset is. */
static int qemus = -1;

static void qemu_saves(const char *text)
{
    assert_int_equal(ftruncate(qemus, 0), 0);
    assert_int_equal(write(qemus, text, strlen(text)), strlen(text));
}

/* save.c is made for one domain's life: all tests share it. */
static int prepare(void **state)
{
    start(state);
    if (save_why_not() == NULL)
        return -1;
    qemus = save_prepare(&outbox);
    return qemus < 0 || save_why_not() ? -1 : 0;
}

static enum save_progress saved(void)
{
    for (int i = 0; i < 1000; i++) {
        enum save_progress progress = save_progress();

        if (progress != SAVE_SENDING)
            return progress;
        save_pump();
    }
    return SAVE_SENDING;
}

static struct dm_state_reader reader;

static const char *verdict(void)
{
    dom0_looks();
    dm_state_reader_dispose(&reader);
    dm_state_reader_feed(&reader, file, file_len);
    return dm_state_reader_verdict(&reader);
}

static void save_text(const char *text)
{
    assert_null(save_begin());
    qemu_saves(text);
    assert_null(save_written());
    assert_int_equal(saved(), SAVE_SENT);
}

/* Frames are numbered over the domain's life, so this one test walks through it. */
static void what_qemu_saves_is_in_dom0s_file_when_it_is_said_to_be(void **state)
{
    char expected[64];

    assert_string_equal(save_last(), "");
    save_text("QEVM the first");
    assert_null(verdict());
    assert_memory_equal(reader.state, "QEVM the first", reader.state_len);
    snprintf(expected, sizeof(expected), "1 14 %08x", dm_state_crc(0, "QEVM the first", 14));
    assert_string_equal(save_last(), expected);

    /* the guest goes on: dom0's file says so, and says it once */
    save_guest_goes_on();
    while (save_pump() >= 0)
        ;
    assert_non_null(strstr(verdict(), "has gone on"));
    file_len += 0;
    save_guest_goes_on();
    assert_int_equal(save_pump(), -1);

    /* a shorter state after a longer one: nothing of that is left in the file in memory */
    save_text("QEVM 2");
    assert_null(verdict());
    assert_int_equal(reader.state_len, 6);
    assert_int_equal(reader.number, 3);
}

static void what_is_no_state_is_not_sent(void **state)
{
    size_t before = file_len;

    assert_null(save_begin());
    assert_int_equal(ftruncate(qemus, 0), 0);
    assert_string_equal(save_written(), "QEMU has saved nothing");
    assert_null(save_begin());
    qemu_saves("nonsense");
    assert_string_equal(save_written(), "what QEMU has saved is no state");
    assert_null(save_begin());
    assert_int_equal(ftruncate(qemus, DM_STATE_BYTES_MAX + 1L), 0);
    assert_string_equal(save_written(), "QEMU's state is larger than any that is known");
    assert_int_equal(save_progress(), SAVE_FAILED);
    assert_int_equal(save_pump(), -1);
    assert_int_equal(file_len, before);
}

static void two_saves_at_once_are_not_begun(void **state)
{
    assert_null(save_begin());
    assert_string_equal(save_begin(), "the state is being saved already");
    save_abandon();
    assert_null(save_begin());
    save_abandon();
    assert_string_equal(save_written(), "nobody has asked for it");
}

static void a_save_that_is_given_up_leaves_a_whole_frame(void **state)
{
    dom0_answers = false;
    assert_null(save_begin());
    qemu_saves("QEVM given up");
    assert_null(save_written());
    assert_int_equal(save_progress(), SAVE_SENDING);
    save_abandon();
    save_guest_goes_on();
    dom0_answers = true;
    while (save_pump() >= 0)
        ;
    /* two frames, whose numbers follow on those of the earlier tests */
    dom0_looks();
    assert_true(file_len > 2 * (DM_STATE_HEAD_BYTES + DM_STATE_TAIL_BYTES + DM_STATE_PADDING_BYTES));
    assert_memory_equal(file, "xl-ext-dm-state\n", 16);
}

static void a_large_state_survives(void **state)
{
    static char text[400000];

    memset(text, 'x', sizeof(text) - 1);
    memcpy(text, "QEVM", 4);
    save_text(text);
    dom0_looks();
    assert_true(file_len > sizeof(text));
}

static void once_disabled_nothing_is_saved(void **state)
{
    save_disable("the first cause");
    save_disable("the second cause");
    assert_string_equal(save_why_not(), "the first cause");
    assert_string_equal(save_begin(), "the first cause");
}

/* ---- a restore: dom0 gives console 2 as much as fits, each time that it looks ---- */

#define RING_BYTES 1024

static int input[2];
static const uint8_t *source;
static size_t source_len, source_at;
static unsigned looks, lazy; /* dom0 looks after console 2 in every lazy-th turn only */

static bool take_and_refill(void *arg, uint64_t *count)
{
    bool told = count_taken(arg, count);
    size_t n = source_len - source_at < RING_BYTES ? source_len - source_at : RING_BYTES;

    if (dom0_answers && n && ++looks % lazy == 0) {
        ssize_t r = write(input[1], source + source_at, n);

        source_at += r > 0 ? (size_t)r : 0;
    }
    return told;
}

static const char *restore(const uint8_t *data, size_t len)
{
    const char *cause;

    assert_int_equal(pipe2(input, O_NONBLOCK | O_CLOEXEC), 0);
    source = data;
    source_len = len;
    source_at = looks = 0;
    outbox.taken = take_and_refill;
    dm_state_reader_dispose(&reader);
    cause = restore_read(input[0], &outbox, &reader);
    close(input[0]);
    close(input[1]);
    return cause;
}

static uint8_t *frames(size_t *len)
{
    size_t first_len, second_len;
    CLEANUP_FREE uint8_t *first = dm_state_frame("QEVM older", 10, 1, &first_len),
                         *second = dm_state_frame("QEVM newer", 10, 2, &second_len);
    uint8_t *both = malloc(first_len + second_len);

    memcpy(both, first, first_len);
    memcpy(both + first_len, second, second_len);
    *len = first_len + second_len;
    return both;
}

static void the_newest_state_is_taken_however_late_dom0_looks(void **state)
{
    size_t len;
    uint8_t *data = frames(&len);

    for (lazy = 1; lazy < RESTORE_TURNS; lazy++) {
        assert_null(restore(data, len));
        assert_memory_equal(reader.state, "QEVM newer", 10);
        assert_int_equal(reader.bytes, len);
    }
    /* what went by console 1 meanwhile means nothing there */
    dom0_looks();
    for (size_t i = 0; i < file_len; i++)
        assert_int_equal(file[i], 0);
    free(data);
}

/* Many times what fits into the console at once. */
static void a_long_state_is_read_to_its_end(void **state)
{
    static char text[100000];
    size_t len;
    uint8_t *data;

    memset(text, 'x', sizeof(text));
    memcpy(text, "QEVM", 4);
    data = dm_state_frame(text, sizeof(text), 1, &len);
    for (lazy = 1; lazy < RESTORE_TURNS; lazy++) {
        assert_null(restore(data, len));
        assert_int_equal(reader.state_len, sizeof(text));
    }
    free(data);
}

static void a_state_that_does_not_end_is_refused(void **state)
{
    size_t len;
    uint8_t *data = frames(&len);

    lazy = 1;
    assert_non_null(strstr(restore(data, len - DM_STATE_PADDING_BYTES - 1), "cut short"));
    assert_non_null(strstr(restore(data, 0), "nothing in dom0's file"));
    free(data);
}

static void the_received_state_is_a_file_from_its_beginning(void **state)
{
    size_t len;
    uint8_t *data = frames(&len);
    char text[32];
    int fd;

    lazy = 1;
    assert_null(restore(data, len));
    fd = restore_file(&reader);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, text, sizeof(text)), 10);
    assert_memory_equal(text, "QEVM newer", 10);
    close(fd);
    free(data);
}

/* ---- /proc/interrupts ---- */

static const char before_text[] = "           CPU0       \n"
                                  " 20:        101   xen-dyn    -event     xenbus\n"
                                  " 21:       2304   xen-dyn    -event     hvc_console\n"
                                  "NMI:          0   Non-maskable interrupts\n";
static const char after_text[] = "           CPU0       \n"
                                 " 20:        101   xen-dyn    -event     xenbus\n"
                                 " 21:       2309   xen-dyn    -event     hvc_console\n"
                                 " 35:         17   xen-dyn    -event     hvc_console\n"
                                 "NMI:          0   Non-maskable interrupts";

static void the_interrupt_of_a_console_is_the_one_that_opening_it_adds(void **state)
{
    struct interrupts before, after;
    uint64_t count;
    unsigned irq;

    interrupts_of_consoles(before_text, &before);
    interrupts_of_consoles(after_text, &after);
    assert_true(interrupts_added(&before, &after, &irq));
    assert_int_equal(irq, 35);
    assert_true(interrupts_count(after_text, 35, &count));
    assert_int_equal(count, 17);
    assert_false(interrupts_count(before_text, 35, &count));
    assert_false(interrupts_added(&after, &after, &irq));
    before.count = 0;
    assert_false(interrupts_added(&before, &after, &irq)); /* which of the two? */
}

static void the_counts_of_several_cpus_are_added(void **state)
{
    uint64_t count;

    assert_true(interrupts_count(" 7:  1  20 300 xen-dyn -event hvc_console\n 8: 5 x\n", 7, &count));
    assert_int_equal(count, 321);
    assert_true(interrupts_count(" 7: 4\n 8: 5\n", 7, &count));
    assert_int_equal(count, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_bytes_arrive_a_piece_at_a_time),
        TEST(nothing_more_is_written_until_dom0_has_taken_a_piece),
        TEST(the_last_piece_counts_when_it_was_taken),
        TEST(a_dom0_that_hangs_is_noticed_and_gets_everything_when_it_goes_on),
        TEST(time_without_anything_to_send_does_not_count),
        TEST(nothing_is_written_when_it_cannot_be_told_what_was_taken),
        cmocka_unit_test_setup_teardown(what_qemu_saves_is_in_dom0s_file_when_it_is_said_to_be, prepare, stop),
        TEST(what_is_no_state_is_not_sent),
        TEST(two_saves_at_once_are_not_begun),
        TEST(a_save_that_is_given_up_leaves_a_whole_frame),
        TEST(a_large_state_survives),
        TEST(once_disabled_nothing_is_saved),
        TEST(the_newest_state_is_taken_however_late_dom0_looks),
        TEST(a_long_state_is_read_to_its_end),
        TEST(a_state_that_does_not_end_is_refused),
        TEST(the_received_state_is_a_file_from_its_beginning),
        TEST(the_interrupt_of_a_console_is_the_one_that_opening_it_adds),
        TEST(the_counts_of_several_cpus_are_added),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    dm_state_reader_dispose(&reader);
    return failed;
}
