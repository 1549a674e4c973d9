/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lab-runner: process 1 of dom0 once it is up. Waits on the virtio-serial port for work from the
 * host, runs one program at a time, sends its output and exit status back, reaps orphans.
 *
 * It holds no state between two programs: a snapshot is taken while it waits.
 */
#include "frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct program {
    pid_t pid; /* 0: none runs */
    int in, out, err;
    bool reaped;
    int status;
    char *input; /* for it, not taken yet; the port is not read meanwhile */
    size_t input_length;
};

static int port;
static struct program program = {.in = -1, .out = -1, .err = -1};
static bool hello_due; /* the host asked while a program still ran */

static void die(const char *what)
{
    fprintf(stderr, "lab-runner: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void send_frame(enum frame_type type, const void *data, size_t length)
{
    if (frame_write(port, type, data, length) < 0)
        die("cannot write to the host");
}

__attribute__((format(printf, 2, 3))) static void send_text(enum frame_type type, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    send_frame(type, text, strlen(text));
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Sends what can be read from *@fd now; returns false at its end (then it is closed). */
static bool pass_on(int *fd, enum frame_type type)
{
    static char buffer[256 << 10];
    ssize_t n;

    if (*fd < 0)
        return false;
    n = read(*fd, buffer, sizeof(buffer));
    if (n > 0) {
        send_frame(type, buffer, (size_t)n);
        return true;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    close_fd(fd); /* EOF; on a pty EIO */
    return false;
}

/* Gives the program what waits for it, as much as it takes now. */
static void pass_input(void)
{
    ssize_t n = write(program.in, program.input, program.input_length);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) { /* it does not read any more */
        close_fd(&program.in);
        n = (ssize_t)program.input_length;
    }
    program.input += n;
    program.input_length -= (size_t)n;
}

static void set_clock(const char *ns)
{
    long long t = strtoll(ns, NULL, 10);
    struct timespec now = {.tv_sec = t / 1000000000, .tv_nsec = t % 1000000000};

    if (t > 0 && clock_settime(CLOCK_REALTIME, &now) < 0)
        send_text(FRAME_STDERR, "lab-runner: cannot set the clock: %s\n", strerror(errno));
}

static void set_window(int fd, const char *rows_cols)
{
    struct winsize size = {0};

    if (sscanf(rows_cols, "%hu %hu", &size.ws_row, &size.ws_col) == 2)
        ioctl(fd, TIOCSWINSZ, &size);
}

static void start_child(char **argv, int in, int out, int err)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    if (in >= 0) {
        setsid();
        dup2(in, 0);
        dup2(out, 1);
        dup2(err, 2);
    }
    close_range(3, ~0u, 0);
    if (chdir("/root") < 0)
        perror("/root");
    execvp(argv[0], argv);
    fprintf(stderr, "lab-runner: %s: %s\n", argv[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

static void start_on_pipes(char **argv)
{
    int in[2], out[2], err[2];

    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
        die("pipe");
    fcntl(out[1], F_SETPIPE_SZ, 1 << 20);
    program.pid = fork();
    if (program.pid < 0)
        die("fork");
    if (program.pid == 0)
        start_child(argv, in[0], out[1], err[1]);
    close(in[0]);
    close(out[1]);
    close(err[1]);
    program.in = in[1];
    program.out = out[0];
    program.err = err[0];
}

static void start_on_terminal(char **argv, const char *rows_cols)
{
    int fd;

    program.pid = forkpty(&fd, NULL, NULL, NULL);
    if (program.pid < 0)
        die("forkpty");
    if (program.pid == 0) {
        set_window(0, rows_cols);
        start_child(argv, -1, -1, -1);
    }
    program.in = dup(fd);
    program.out = fd;
}

static void start_program(char *data, size_t length)
{
    char *argv[4096], *p = data, *fields[2];
    size_t n = 0;

    for (int i = 0; i < 2; i++) {
        fields[i] = p;
        p += strlen(p) + 1;
    }
    while (p < data + length && n + 1 < sizeof(argv) / sizeof(argv[0])) {
        argv[n++] = p;
        p += strlen(p) + 1;
    }
    argv[n] = NULL;
    set_clock(fields[0]);
    program.reaped = false;
    program.status = 0;
    if (n == 0 || p < data + length) {
        send_text(FRAME_STDERR, "lab-runner: no program, or too many arguments\n");
        send_text(FRAME_EXIT, "126");
    } else if (fields[1][0]) {
        start_on_terminal(argv, fields[1]);
    } else {
        start_on_pipes(argv);
    }
    if (program.in >= 0)
        fcntl(program.in, F_SETFL, O_NONBLOCK);
    if (program.out >= 0)
        fcntl(program.out, F_SETFL, O_NONBLOCK);
    if (program.err >= 0)
        fcntl(program.err, F_SETFL, O_NONBLOCK);
}

/* The program has ended: what it wrote goes out, then its status. What its orphans write later is lost. */
static void finish_program(void)
{
    struct program *p = &program;

    for (int i = 0; i < 64 && p->out >= 0; i++) {
        int waiting = 0;

        if (ioctl(p->out, FIONREAD, &waiting) < 0 || !waiting || !pass_on(&p->out, FRAME_STDOUT))
            break;
    }
    for (int i = 0; i < 64 && p->err >= 0; i++) {
        int waiting = 0;

        if (ioctl(p->err, FIONREAD, &waiting) < 0 || !waiting || !pass_on(&p->err, FRAME_STDERR))
            break;
    }
    close_fd(&p->in);
    close_fd(&p->out);
    close_fd(&p->err);
    p->input_length = 0;
    p->pid = 0;
    send_text(FRAME_EXIT, "%d", WIFSIGNALED(p->status) ? 128 + WTERMSIG(p->status) : WEXITSTATUS(p->status));
    if (hello_due)
        send_frame(FRAME_HELLO, "", 0);
    hello_due = false;
}

static void kill_program(void)
{
    if (program.pid > 0 && !program.reaped) {
        kill(-program.pid, SIGKILL);
        kill(program.pid, SIGKILL); /* it may not have become a group's leader yet */
    }
}

static void reap(void)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == program.pid) {
            program.reaped = true;
            program.status = status;
        }
    }
}

static void read_request(void)
{
    static char *data;
    static size_t size;
    struct frame frame;

    if (frame_read(port, &frame, &data, &size) < 0)
        die("cannot read from the host");
    switch (frame.type) {
    case FRAME_RUN:
        if (program.pid == 0)
            start_program(data, frame.length);
        break;
    case FRAME_INPUT:
        if (frame.length == 0)
            close_fd(&program.in);
        else if (program.in >= 0) {
            program.input = data;
            program.input_length = frame.length;
            pass_input();
        }
        break;
    case FRAME_WINDOW:
        if (program.in >= 0)
            set_window(program.in, data);
        break;
    case FRAME_KILL:
        kill_program();
        break;
    case FRAME_PING:
        kill_program();
        hello_due = program.pid > 0;
        if (!hello_due)
            send_frame(FRAME_HELLO, "", 0);
        break;
    default:
        errno = EPROTO;
        die("unknown frame from the host");
    }
}

int main(int argc, char **argv)
{
    sigset_t child;
    int sigfd;

    if (argc != 2) {
        fprintf(stderr, "usage: lab-runner PORT\n");
        return 2;
    }
    port = open(argv[1], O_RDWR | O_CLOEXEC);
    if (port < 0)
        die(argv[1]);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    sigfd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (sigfd < 0)
        die("signalfd");

    for (;;) {
        bool input_waits = program.in >= 0 && program.input_length > 0;
        struct pollfd fds[5] = {
            {.fd = input_waits ? -1 : port, .events = POLLIN},
            {.fd = sigfd, .events = POLLIN},
            {.fd = program.out, .events = POLLIN},
            {.fd = program.err, .events = POLLIN},
            {.fd = input_waits ? program.in : -1, .events = POLLOUT},
        };
        struct signalfd_siginfo info;

        if (poll(fds, 5, -1) < 0 && errno != EINTR)
            die("poll");
        if (fds[2].revents)
            pass_on(&program.out, FRAME_STDOUT);
        if (fds[3].revents)
            pass_on(&program.err, FRAME_STDERR);
        if (fds[1].revents) {
            while (read(sigfd, &info, sizeof(info)) > 0)
                ;
            reap();
        }
        if (fds[4].revents)
            pass_input();
        if (fds[0].revents)
            read_request();
        if (program.pid > 0 && program.reaped)
            finish_program();
    }
}
