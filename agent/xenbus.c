/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "agent/xenbus.h"

/* Request types of xs_wire.h. */
enum { XS_READ = 2, XS_WATCH = 4, XS_WRITE = 11, XS_RM = 13, XS_WATCH_EVENT = 15, XS_ERROR = 16 };

#define PAYLOAD_MAX 4096
/* Watches are on single nodes: paths of events are no longer than those of protocol.h. */
#define EVENT_MAX 64
#define TOKEN_FIRST 'a'
/* xenstored answers in well under a second; while the guest is suspended the clock stands. */
#define REPLY_TIMEOUT_MS 60000

struct header {
    uint32_t type, req, tx, len;
};

/* The names of the errors that xenstored sends, as far as a guest can meet them. */
static const struct {
    const char *name;
    int number;
} errors[] = {
    {"ENOENT", ENOENT}, {"EACCES", EACCES}, {"EINVAL", EINVAL}, {"ENOSPC", ENOSPC},
    {"ENOMEM", ENOMEM}, {"EAGAIN", EAGAIN}, {"E2BIG", E2BIG},   {"EBUSY", EBUSY},
    {"EEXIST", EEXIST}, {"EQUOTA", ENOSPC}, {"EROFS", EROFS},   {"EISCONN", EISCONN},
};

int xenbus_open(struct xenbus *xb)
{
    *xb = (struct xenbus){.fd = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC)};
    if (xb->fd < 0 && errno == ENOENT)
        xb->fd = open("/proc/xen/xenbus", O_RDWR | O_CLOEXEC);
    return xb->fd < 0 ? errno : 0;
}

void xenbus_close(struct xenbus *xb)
{
    if (xb->fd >= 0)
        close(xb->fd);
    xb->fd = -1;
}

static int read_all(struct xenbus *xb, void *to, size_t len)
{
    struct pollfd pollfd = {.fd = xb->fd, .events = POLLIN};
    char *at = to;

    while (len) {
        ssize_t r = poll(&pollfd, 1, REPLY_TIMEOUT_MS);

        if (r < 0 && errno == EINTR)
            continue;
        if (r == 0)
            return EPROTO;
        r = r < 0 ? -1 : read(xb->fd, at, len);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0) {
            int errno_value = r < 0 ? errno : 0;

            return errno_value ? errno_value : EPROTO;
        }
        at += r;
        len -= (size_t)r;
    }
    return 0;
}

static int read_header(struct xenbus *xb, struct header *header)
{
    int r = read_all(xb, header, sizeof(*header));

    return !r && header->len > PAYLOAD_MAX ? EPROTO : r;
}

/* What follows a header, cut to size - 1 bytes and NUL-terminated. */
static int read_payload(struct xenbus *xb, const struct header *header, char *buf, size_t size)
{
    size_t taken = header->len < size ? header->len : size - 1;
    int r = read_all(xb, buf, taken);

    buf[r ? 0 : taken] = 0;
    for (size_t left = header->len - taken; !r && left;) {
        char rest[64];
        size_t part = left < sizeof(rest) ? left : sizeof(rest);

        r = read_all(xb, rest, part);
        left -= part;
    }
    return r;
}

/* An event is the path that changed, a NUL and the token of the watch. */
static int read_event(struct xenbus *xb, const struct header *header)
{
    char text[EVENT_MAX];
    unsigned watch;
    size_t path;
    int r;

    memset(text, 0, sizeof(text));
    r = read_payload(xb, header, text, sizeof(text));
    path = strlen(text) + 1;
    watch = path < sizeof(text) ? (unsigned)(text[path] - TOKEN_FIRST) : XENBUS_WATCHES;
    if (!r && watch < XENBUS_WATCHES)
        xb->fired |= 1u << watch;
    return r;
}

static int error_number(const char *name)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strcmp(errors[i].name, name) == 0)
            return errors[i].number;
    }
    return EIO;
}

/* The kernel wants a request in one write, or in pieces with the header first. */
static int write_all(struct xenbus *xb, const void *from, size_t len)
{
    const char *at = from;

    while (len) {
        ssize_t r = write(xb->fd, at, len);

        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0) {
            int errno_value = r < 0 ? errno : 0;

            return errno_value ? errno_value : EPROTO;
        }
        at += r;
        len -= (size_t)r;
    }
    return 0;
}

static int request(struct xenbus *xb, uint32_t type, const char *path, const char *data, size_t len, char *reply,
                   size_t size)
{
    struct header header = {.type = type, .req = ++xb->req};
    size_t path_len = strlen(path) + 1;
    int r;

    header.len = (uint32_t)(path_len + len);
    if (len > PAYLOAD_MAX || header.len > PAYLOAD_MAX)
        return E2BIG;
    r = write_all(xb, &header, sizeof(header));
    if (!r)
        r = write_all(xb, path, path_len);
    if (!r && len)
        r = write_all(xb, data, len);
    while (!r) {
        r = read_header(xb, &header);
        if (r)
            break;
        if (header.type == XS_WATCH_EVENT) {
            r = read_event(xb, &header);
            continue;
        }
        r = read_payload(xb, &header, reply, size);
        if (r)
            break;
        if (header.type == XS_ERROR)
            return error_number(reply);
        if (header.type == type)
            return 0;
        r = EPROTO;
    }
    return r;
}

int xenbus_read(struct xenbus *xb, const char *path, char *buf, size_t size)
{
    return request(xb, XS_READ, path, NULL, 0, buf, size);
}

int xenbus_write(struct xenbus *xb, const char *path, const char *data, size_t len)
{
    char reply[16];

    return request(xb, XS_WRITE, path, data, len, reply, sizeof(reply));
}

int xenbus_rm(struct xenbus *xb, const char *path)
{
    char reply[16];

    return request(xb, XS_RM, path, NULL, 0, reply, sizeof(reply));
}

int xenbus_watch(struct xenbus *xb, const char *path, unsigned watch)
{
    char token[] = {(char)(TOKEN_FIRST + watch), 0}, reply[16];

    return request(xb, XS_WATCH, path, token, sizeof(token), reply, sizeof(reply));
}

int xenbus_take_event(struct xenbus *xb)
{
    struct header header;
    int r;

    r = read_header(xb, &header);
    if (r)
        return r;
    return header.type == XS_WATCH_EVENT ? read_event(xb, &header) : EPROTO;
}
