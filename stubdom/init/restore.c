/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/restore.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define TURN_MS 1
#define QUIET_MS 50 /* at the end, for the kernel's own way from the console to its reader */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Returns how many bytes have come within wait_ms, or -1. */
static ssize_t read_some(int fd, struct dm_state_reader *reader, int wait_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    uint8_t data[4096];
    ssize_t r;

    if (poll(&poll_fd, 1, wait_ms) < 0)
        return errno == EINTR ? 0 : -1;
    if (!poll_fd.revents)
        return 0;
    r = read(fd, data, sizeof(data));
    if (r < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (r == 0)
        return -1; /* a console never ends */
    dm_state_reader_feed(reader, data, (size_t)r);
    return r;
}

/* One piece of zeros, which mean nothing in the file that console 1 leads to, taken by dom0's QEMU. *came: bytes have
 * come meanwhile. */
static const char *take_turn(int fd, struct outbox *console, struct dm_state_reader *reader, bool *came)
{
    static const uint8_t zeros[RESTORE_PIECE_BYTES];
    enum outbox_state state;

    if (!outbox_add(console, zeros, sizeof(zeros)))
        return "there is no memory";
    while ((state = outbox_pump(console, now_ms())) == OUTBOX_BUSY) {
        ssize_t r = read_some(fd, reader, TURN_MS);

        if (r < 0)
            return "console 2 cannot be read";
        *came = *came || r > 0;
    }
    return state == OUTBOX_EMPTY ? NULL
                                 : "the QEMU in dom0 that serves the stub domain's consoles does not answer: no end of "
                                   "the state can be seen";
}

const char *restore_read(int fd, struct outbox *console, struct dm_state_reader *reader)
{
    ssize_t r;

    do {
        for (int turn = 0; turn < RESTORE_TURNS; turn++) {
            bool came = false;
            const char *cause = take_turn(fd, console, reader, &came);

            if (cause)
                return cause;
            if (came)
                turn = -1;
        }
        r = read_some(fd, reader, QUIET_MS);
        if (r < 0)
            return "console 2 cannot be read";
    } while (r);
    return dm_state_reader_verdict(reader);
}

int restore_file(const struct dm_state_reader *reader)
{
    CLEANUP_FD int fd = memfd_create("dm-state-in", MFD_CLOEXEC);
    size_t done = 0;

    while (fd >= 0 && done < reader->state_len) {
        ssize_t r = write(fd, reader->state + done, reader->state_len - done);

        if (r <= 0)
            return -1;
        done += (size_t)r;
    }
    return fd >= 0 && lseek(fd, 0, SEEK_SET) == 0 ? TAKE_FD(fd) : -1;
}
