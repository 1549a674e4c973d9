/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xenbus.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <xen/io/xs_wire.h>

enum { EVENTS_MAX = 64 }; /* tokens that wait; the few watches of ours are level, losing one is harmless */

static int bus = -1;
static char *events[EVENTS_MAX];
static size_t event_count;

int xenbus_open(void)
{
    bus = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
    return bus;
}

static bool read_all(void *data, size_t length)
{
    char *p = data;

    while (length > 0) {
        ssize_t n = read(bus, p, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        length -= (size_t)n;
    }
    return true;
}

/* One message, its payload in *@data (one NUL behind it, for the caller to free). */
static bool read_message(struct xsd_sockmsg *message, char **data)
{
    if (!read_all(message, sizeof(*message)))
        return false;
    *data = malloc((size_t)message->len + 1);
    if (!*data)
        return false;
    (*data)[message->len] = 0;
    if (read_all(*data, message->len))
        return true;
    free(*data);
    return false;
}

/* An event's payload is path NUL token NUL. */
static void keep_event(const char *data, size_t length)
{
    size_t path = strlen(data) + 1;

    if (path < length && event_count < EVENTS_MAX)
        events[event_count++] = strdup(data + path);
}

static int error_number(const char *name)
{
    for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++) {
        if (!strcmp(name, xsd_errors[i].errstring))
            return xsd_errors[i].errnum;
    }
    return EIO;
}

/* Sends the parts as one message and waits for its reply (events that come first are kept). */
static char *ask(enum xsd_sockmsg_type type, const struct iovec *parts, int count, size_t *length)
{
    struct xsd_sockmsg message = {.type = type};
    char buffer[XENSTORE_PAYLOAD_MAX], *data;
    size_t n = 0;

    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len > sizeof(buffer) - n) {
            errno = E2BIG;
            return NULL;
        }
        memcpy(buffer + n, parts[i].iov_base, parts[i].iov_len);
        n += parts[i].iov_len;
    }
    message.len = (uint32_t)n;
    /* The kernel takes header and payload in any portions, but whole. */
    if (write(bus, &message, sizeof(message)) != sizeof(message) || (n > 0 && write(bus, buffer, n) != (ssize_t)n))
        return NULL;
    for (;;) {
        if (!read_message(&message, &data))
            return NULL;
        if (message.type == XS_WATCH_EVENT) {
            keep_event(data, message.len);
            free(data);
            continue;
        }
        if (message.type == XS_ERROR) {
            errno = error_number(data);
            free(data);
            return NULL;
        }
        *length = message.len;
        return data;
    }
}

static struct iovec text(const char *s)
{
    return (struct iovec){.iov_base = (void *)(uintptr_t)s, .iov_len = strlen(s) + 1};
}

char *xenbus_read(const char *path, size_t *length)
{
    struct iovec parts[] = {text(path)};

    return ask(XS_READ, parts, 1, length);
}

bool xenbus_write(const char *path, const void *data, size_t length)
{
    struct iovec parts[] = {text(path), {.iov_base = (void *)(uintptr_t)data, .iov_len = length}};
    size_t n;
    char *reply = ask(XS_WRITE, parts, 2, &n);

    free(reply);
    return reply != NULL;
}

bool xenbus_watch(const char *path, const char *token)
{
    struct iovec parts[] = {text(path), text(token)};
    size_t n;
    char *reply = ask(XS_WATCH, parts, 2, &n);

    free(reply);
    return reply != NULL;
}

char *xenbus_next_event(void)
{
    struct pollfd pfd = {.fd = bus, .events = POLLIN};
    struct xsd_sockmsg message;
    char *data, *event;

    while (event_count == 0 && poll(&pfd, 1, 0) == 1) {
        if (!read_message(&message, &data))
            return NULL;
        if (message.type == XS_WATCH_EVENT)
            keep_event(data, message.len);
        free(data);
    }
    if (event_count == 0)
        return NULL;
    event = events[0];
    memmove(events, events + 1, --event_count * sizeof(events[0]));
    return event;
}
