/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int wait_for(int fd, short events)
{
    struct pollfd pfd = {.fd = fd, .events = events};

    return poll(&pfd, 1, -1) < 0 && errno != EINTR ? -1 : 0;
}

int write_all(int fd, const void *data, size_t length)
{
    const char *p = data;

    while (length > 0) {
        ssize_t n = write(fd, p, length);

        if (n >= 0) {
            p += n;
            length -= (size_t)n;
        } else if (errno == EAGAIN) {
            if (wait_for(fd, POLLOUT) < 0)
                return -1;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}

int frame_write(int fd, enum frame_type type, const void *data, size_t length)
{
    struct frame frame = {.type = (uint8_t)type, .length = (uint32_t)length};
    char whole[FRAME_ATOMIC_BYTES];

    if (sizeof(frame) + length <= sizeof(whole)) {
        memcpy(whole, &frame, sizeof(frame));
        memcpy(whole + sizeof(frame), data, length);
        return write_all(fd, whole, sizeof(frame) + length);
    }
    if (write_all(fd, &frame, sizeof(frame)) < 0)
        return -1;
    return write_all(fd, data, length);
}

static int read_all(int fd, void *data, size_t length)
{
    char *p = data;

    while (length > 0) {
        ssize_t n = read(fd, p, length);

        if (n > 0) {
            p += n;
            length -= (size_t)n;
        } else if (n == 0) {
            errno = EPIPE;
            return -1;
        } else if (errno == EAGAIN) {
            if (wait_for(fd, POLLIN) < 0)
                return -1;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}

int frame_read(int fd, struct frame *frame, char **data, size_t *size)
{
    if (read_all(fd, frame, sizeof(*frame)) < 0)
        return -1;
    if (frame->length > FRAME_MAX_BYTES) {
        errno = EPROTO;
        return -1;
    }
    if (*size < (size_t)frame->length + 1) {
        char *bigger = realloc(*data, (size_t)frame->length + 1);

        if (!bigger)
            return -1;
        *data = bigger;
        *size = (size_t)frame->length + 1;
    }
    (*data)[frame->length] = 0;
    return read_all(fd, *data, frame->length);
}
