/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lab-guest.h"
#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct session {
    struct xs_handle *xs;
    const char *name;
    int domid;
    char id[EXEC_ID_MAX];
    unsigned taken;  /* pieces of output */
    bool ended;      /* status came */
    unsigned pieces; /* that the program wrote in all, once it ended */
    int status;
};

int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool wait_watch(struct xs_handle *xs, int64_t deadline_ms)
{
    for (;;) {
        struct pollfd pfd = {.fd = xs_fileno(xs), .events = POLLIN};
        int64_t left = deadline_ms - now_ms();
        bool any = false;
        char **event;

        while ((event = xs_check_watch(xs))) {
            free(event);
            any = true;
        }
        if (any)
            return true;
        if (left <= 0)
            return false;
        poll(&pfd, 1, left > 60000 ? 60000 : (int)left);
    }
}

static char *read_domain(struct xs_handle *xs, int domid, const char *node, unsigned *length)
{
    char path[128];

    snprintf(path, sizeof(path), "/local/domain/%d/%s", domid, node);
    return xs_read(xs, XBT_NULL, path, length);
}

int guest_find(struct xs_handle *xs, const char *name)
{
    unsigned count = 0, length;
    char **domids = xs_directory(xs, XBT_NULL, "/local/domain", &count);
    int found = -1;

    for (unsigned i = 0; domids && i < count && found < 0; i++) {
        int domid = atoi(domids[i]);
        char *its_name = read_domain(xs, domid, "name", &length);

        if (domid > 0 && ((its_name && !strcmp(its_name, name)) || !strcmp(domids[i], name)))
            found = domid;
        free(its_name);
    }
    free(domids);
    return found;
}

static bool write_domain(struct session *s, const char *node, const void *data, size_t length)
{
    char path[128];

    snprintf(path, sizeof(path), "/local/domain/%d/%s", s->domid, node);
    return xs_write(s->xs, XBT_NULL, path, data, (unsigned)length);
}

/* Writes "ID WHAT", WHAT being made like printf does. */
static bool __attribute__((format(printf, 3, 4)))
write_text(struct session *s, const char *node, const char *format, ...)
{
    char text[128];
    va_list args;
    int n = snprintf(text, sizeof(text), "%s ", s->id);

    va_start(args, format);
    n += vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
    va_end(args);
    return write_domain(s, node, text, (size_t)n);
}

static bool send_request(struct session *s, const char *const *argv)
{
    static char request[EXEC_REQUEST_MAX];
    size_t length = 0;
    unsigned pieces = 0;

    for (; *argv; argv++) {
        size_t n = strlen(*argv) + 1;

        if (n > sizeof(request) - length) {
            fprintf(stderr, "lab-guest: the command is longer than %u bytes\n", EXEC_REQUEST_MAX);
            return false;
        }
        memcpy(request + length, *argv, n);
        length += n;
    }
    for (size_t at = 0; at < length; at += EXEC_PIECE_MAX) {
        size_t n = length - at < EXEC_PIECE_MAX ? length - at : EXEC_PIECE_MAX;
        char node[64];

        snprintf(node, sizeof(node), EXEC_REQUEST "/%u", pieces++);
        if (!write_domain(s, node, request + at, n))
            return false;
    }
    return write_text(s, EXEC_REQUEST, "%u", pieces);
}

static void put(int stream, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t n = write(stream, data, length);

        if (n < 0 && errno != EINTR)
            return; /* nobody reads it: the program in the guest goes on */
        if (n > 0) {
            data += n;
            length -= (size_t)n;
        }
    }
}

/* Takes the next piece of output; false when it is not there yet. */
static bool take_piece(struct session *s)
{
    char node[64], id[EXEC_ID_MAX], *piece, *bytes;
    unsigned length, sequence;
    int stream;
    bool taken = false;

    snprintf(node, sizeof(node), EXEC_OUT "/%u", s->taken % EXEC_SLOTS);
    piece = read_domain(s->xs, s->domid, node, &length);
    bytes = piece ? memchr(piece, '\n', length) : NULL;
    if (bytes && sscanf(piece, "%63s %u %d", id, &sequence, &stream) == 3 && !strcmp(id, s->id) &&
        sequence == s->taken && (stream == 1 || stream == 2)) {
        bytes++;
        put(stream, bytes, length - (size_t)(bytes - piece));
        s->taken++;
        taken = true;
    }
    free(piece);
    return taken;
}

static void read_status(struct session *s)
{
    char id[EXEC_ID_MAX];
    unsigned length;
    char *text = read_domain(s->xs, s->domid, EXEC_STATUS, &length);

    if (text && sscanf(text, "%63s %d %u", id, &s->status, &s->pieces) == 3 && !strcmp(id, s->id))
        s->ended = true;
    free(text);
}

/* Output and status until the program has ended. Returns false at the deadline. */
static bool follow(struct session *s, int64_t deadline_ms)
{
    for (;;) {
        unsigned before = s->taken, length;
        char *alive;

        if (!wait_watch(s->xs, deadline_ms))
            return false;
        read_status(s);
        while ((!s->ended || s->taken < s->pieces) && take_piece(s))
            ;
        if (s->taken != before)
            write_text(s, EXEC_ACK, "%u", s->taken);
        if (s->ended && s->taken == s->pieces)
            return true;
        alive = read_domain(s->xs, s->domid, "domid", &length);
        if (!alive) {
            fprintf(stderr, "lab-guest: %s is gone\n", s->name);
            s->status = GUEST_FAILED;
            return true;
        }
        free(alive);
    }
}

/* Serialises all use of one guest: the lock ends with the process. */
static bool lock_guest(const char *name)
{
    char path[256];
    int fd;

    mkdir(GUEST_RUN_DIR, 0700);
    snprintf(path, sizeof(path), GUEST_RUN_DIR "/%s.lock", name);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) < 0) {
        fprintf(stderr, "lab-guest: %s: %s\n", path, strerror(errno));
        return false;
    }
    return true;
}

static bool watch_session(struct session *s)
{
    char path[128];

    snprintf(path, sizeof(path), "/local/domain/%d/" EXEC_OUT, s->domid);
    if (!xs_watch(s->xs, path, "out"))
        return false;
    snprintf(path, sizeof(path), "/local/domain/%d/" EXEC_STATUS, s->domid);
    return xs_watch(s->xs, path, "status") && xs_watch(s->xs, "@releaseDomain", "gone");
}

int guest_exec(const char *name, const char *const *argv, int timeout_s)
{
    struct session s = {.name = name, .status = GUEST_FAILED};
    struct timespec t;

    s.xs = xs_open(0);
    if (!s.xs) {
        fprintf(stderr, "lab-guest: cannot reach xenstore: %s\n", strerror(errno));
        return GUEST_FAILED;
    }
    s.domid = guest_find(s.xs, name);
    if (s.domid < 0) {
        fprintf(stderr, "lab-guest: there is no guest %s\n", name);
        return GUEST_FAILED;
    }
    if (!lock_guest(name))
        return GUEST_FAILED;
    clock_gettime(CLOCK_REALTIME, &t);
    snprintf(s.id, sizeof(s.id), "%llx%09lx.%d", (long long)t.tv_sec, t.tv_nsec, getpid());
    if (!watch_session(&s) || !send_request(&s, argv)) {
        fprintf(stderr, "lab-guest: cannot ask %s: %s\n", name, strerror(errno));
        return GUEST_FAILED;
    }
    if (!follow(&s, now_ms() + (int64_t)timeout_s * 1000)) {
        fprintf(stderr, "lab-guest: %s did not finish '%s' within %d s\n", name, argv[0], timeout_s);
        write_text(&s, EXEC_REQUEST, "kill");
        follow(&s, now_ms() + 5000);
        s.status = GUEST_TIMEOUT;
    }
    xs_close(s.xs);
    return s.status;
}
