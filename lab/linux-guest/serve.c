/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve.h"
#include "exec.h"
#include "xenbus.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* What runs, and how far its output has been taken. */
static struct {
    pid_t pid; /* 0: nothing runs */
    char id[EXEC_ID_MAX];
    int streams[2]; /* stdout, stderr; -1 when closed */
    unsigned written, taken;
    bool ended;
    int status;
} job = {.streams = {-1, -1}};

static char *read_node(const char *path)
{
    size_t length;

    return xenbus_read(path, &length);
}

static void write_node(const char *path, const void *data, size_t length)
{
    if (!xenbus_write(path, data, length))
        fprintf(stderr, "lab-init: cannot write %s: %s\n", path, strerror(errno));
}

/* The request's pieces joined, *length bytes; the caller frees it. NULL when it is not whole. */
static char *read_request(unsigned pieces, size_t *length)
{
    char *request = malloc(EXEC_REQUEST_MAX + 1);

    *length = 0;
    for (unsigned i = 0; request && i < pieces; i++) {
        char path[64], *piece;
        size_t n;

        snprintf(path, sizeof(path), EXEC_REQUEST "/%u", i);
        piece = xenbus_read(path, &n);
        if (!piece || *length + n > EXEC_REQUEST_MAX) {
            free(piece);
            free(request);
            return NULL;
        }
        memcpy(request + *length, piece, n);
        *length += n;
        free(piece);
    }
    if (request)
        request[*length] = 0;
    return request;
}

static void run_child(char *request, size_t length, int out, int err)
{
    char *argv[1024];
    size_t n = 0;
    sigset_t none;

    for (char *p = request; p < request + length && n < 1023; p += strlen(p) + 1)
        argv[n++] = p;
    argv[n] = NULL;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setsid();
    close(0);
    open("/dev/null", O_RDONLY);
    dup2(out, 1);
    dup2(err, 2);
    close_range(3, ~0u, 0);
    if (n > 0)
        execvp(argv[0], argv);
    fprintf(stderr, "lab-guest: %s: %s\n", n ? argv[0] : "no command", strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

static void start_job(const char *id, unsigned pieces)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    size_t length;
    char *request = read_request(pieces, &length);

    snprintf(job.id, sizeof(job.id), "%s", id);
    job.written = job.taken = 0;
    job.ended = false;
    job.status = 126 << 8;
    if (request && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0)
        job.pid = fork();
    else
        job.pid = -1;
    if (job.pid == 0)
        run_child(request, length, out[1], err[1]);
    free(request);
    close(out[1]);
    close(err[1]);
    job.streams[0] = out[0];
    job.streams[1] = err[0];
    if (job.pid < 0) {
        job.pid = 1; /* ourselves: nothing to wait for */
        job.ended = true;
    }
}

static void handle_request(void)
{
    char id[EXEC_ID_MAX], verb[16], *request = read_node(EXEC_REQUEST), *ready;

    if (!request) { /* also after a restore, when the node is gone */
        write_node(EXEC_READY, "1", 1);
        return;
    }
    ready = read_node(EXEC_READY);
    if (!ready)
        write_node(EXEC_READY, "1", 1);
    free(ready);
    if (sscanf(request, "%63s %15s", id, verb) == 2) {
        bool same = !strcmp(id, job.id);

        if (!strcmp(verb, "kill") && same && job.pid > 1 && !job.ended)
            kill(-job.pid, SIGKILL);
        else if (strcmp(verb, "kill") && !same && job.pid == 0)
            start_job(id, (unsigned)strtoul(verb, NULL, 10));
    }
    free(request);
}

static void handle_ack(void)
{
    char id[EXEC_ID_MAX], *ack = read_node(EXEC_ACK);
    unsigned taken;

    if (ack && sscanf(ack, "%63s %u", id, &taken) == 2 && !strcmp(id, job.id) && taken <= job.written)
        job.taken = taken;
    free(ack);
}

static bool window_open(void)
{
    return job.written - job.taken < EXEC_SLOTS;
}

/* Returns false when there is nothing more to pass on now. */
static bool pass_on(int stream)
{
    char piece[EXEC_ID_MAX + 32 + EXEC_PIECE_MAX], path[64];
    int header = snprintf(piece, sizeof(piece), "%s %u %d\n", job.id, job.written, stream + 1);
    ssize_t n = read(job.streams[stream], piece + header, EXEC_PIECE_MAX);

    if (n <= 0) {
        if (n == 0 || errno != EINTR) {
            close(job.streams[stream]);
            job.streams[stream] = -1;
        }
        return false;
    }
    snprintf(path, sizeof(path), EXEC_OUT "/%u", job.written % EXEC_SLOTS);
    write_node(path, piece, (size_t)header + (size_t)n);
    job.written++;
    return true;
}

static bool has_bytes(int stream)
{
    int waiting = 0;

    return job.streams[stream] >= 0 && ioctl(job.streams[stream], FIONREAD, &waiting) == 0 && waiting > 0;
}

/* The program has ended: what it wrote goes out first (orphans of it may keep the pipes open). */
static void finish_job(void)
{
    char status[128];

    for (int stream = 0; stream < 2; stream++) {
        while (has_bytes(stream)) {
            if (!window_open())
                return;
            if (!pass_on(stream))
                break;
        }
    }
    for (int stream = 0; stream < 2; stream++) {
        if (job.streams[stream] >= 0)
            close(job.streams[stream]);
        job.streams[stream] = -1;
    }
    job.pid = 0;
    snprintf(status, sizeof(status), "%s %d %u", job.id,
             WIFSIGNALED(job.status) ? 128 + WTERMSIG(job.status) : WEXITSTATUS(job.status), job.written);
    write_node(EXEC_STATUS, status, strlen(status));
}

static void handle_children(int sigfd)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;

    while (read(sigfd, &info, sizeof(info)) > 0)
        ;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == job.pid) {
            job.ended = true;
            job.status = status;
        }
    }
}

static void handle_watches(void)
{
    char *event;

    while ((event = xenbus_next_event())) {
        if (!strcmp(event, "ack"))
            handle_ack();
        else
            handle_request();
        free(event);
    }
}

void serve_exec(void)
{
    sigset_t child;
    int sigfd, bus = xenbus_open();

    if (bus < 0) {
        perror("lab-init: cannot reach xenstore");
        return;
    }
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    sigfd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (sigfd < 0 || !xenbus_watch(EXEC_ACK, "ack") || !xenbus_watch(EXEC_REQUEST, "request")) {
        perror("lab-init: cannot watch xenstore");
        return;
    }
    for (;;) {
        handle_watches(); /* also those that came while a reply was awaited, which poll does not see */

        short events = window_open() && job.pid ? POLLIN : 0;
        struct pollfd fds[4] = {
            {.fd = bus, .events = POLLIN},
            {.fd = sigfd, .events = POLLIN},
            {.fd = events ? job.streams[0] : -1, .events = events},
            {.fd = events ? job.streams[1] : -1, .events = events},
        };

        if (poll(fds, 4, -1) < 0 && errno != EINTR)
            return;
        for (int stream = 0; stream < 2; stream++) {
            if (fds[2 + stream].revents && window_open())
                pass_on(stream);
        }
        if (fds[1].revents)
            handle_children(sigfd);
        if (job.pid && job.ended)
            finish_job();
    }
}
