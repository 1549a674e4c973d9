/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lab-relay: the host's end of the stream to dom0's lab-runner.
 *
 *   lab-relay [--timeout S] [--result FILE] --pid PID --port PATH wait
 *   lab-relay ... [--terminal|--stdin] run PROGRAM [ARG]...
 *
 * wait returns when the runner has said hello (boot done, or a restored machine answers).
 * run runs a program in dom0: its stdout to stdout, its stderr to stderr, its exit status returned.
 *
 * FILE gets one word on how it ended: "done", "timeout" or "lost" (the machine ended); the exit
 * status alone cannot tell, because the program may exit 124 or 125 itself.
 */
#include "frame.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { STATUS_TIMEOUT = 124, STATUS_LOST = 125, STATUS_USAGE = 2 };

static struct {
    const char *port;
    const char *result;
    long pid;
    double timeout_s;
    bool terminal; /* the program runs on a terminal of its own, joined to ours */
    bool input;    /* our stdin is the program's */
} options;

static int from_dom0 = -1, to_dom0 = -1;
static struct termios saved_terminal;
static bool terminal_is_raw;

static void restore_terminal(void)
{
    if (terminal_is_raw)
        tcsetattr(0, TCSADRAIN, &saved_terminal);
    terminal_is_raw = false;
}

static void __attribute__((noreturn)) finish(const char *how, int status)
{
    restore_terminal();
    if (options.result) {
        int fd = open(options.result, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        if (fd < 0 || write_all(fd, how, strlen(how)) < 0)
            perror(options.result);
    }
    exit(status);
}

static void __attribute__((noreturn)) die(const char *what)
{
    fprintf(stderr, "lab-relay: %s: %s\n", what, strerror(errno));
    finish("lost", STATUS_LOST);
}

/* The pipe chardev of QEMU reads PATH.in and writes PATH.out; O_RDWR never waits for the other end. */
static int open_half(const char *end)
{
    char path[4096];
    int fd;

    snprintf(path, sizeof(path), "%s.%s", options.port, end);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        die(path);
    return fd;
}

static void window_text(char *text, size_t size)
{
    struct winsize window = {.ws_row = 24, .ws_col = 80};

    ioctl(0, TIOCGWINSZ, &window);
    snprintf(text, size, "%hu %hu", window.ws_row, window.ws_col);
}

static void send_run(char **argv)
{
    char *request = NULL, window[32] = "";
    size_t size = 0;
    FILE *out = open_memstream(&request, &size);
    struct timespec now;

    if (!out)
        die("memory");
    if (options.terminal)
        window_text(window, sizeof(window));
    clock_gettime(CLOCK_REALTIME, &now);
    fprintf(out, "%lld%09ld%c%s%c", (long long)now.tv_sec, now.tv_nsec, 0, window, 0);
    for (; *argv; argv++)
        fprintf(out, "%s%c", *argv, 0);
    fclose(out);
    if (size > FRAME_MAX_BYTES) {
        errno = E2BIG;
        die("arguments");
    }
    if (frame_write(to_dom0, FRAME_RUN, request, size) < 0)
        die("cannot write to the machine");
    if (!options.input && frame_write(to_dom0, FRAME_INPUT, "", 0) < 0) /* its stdin is empty */
        die("cannot write to the machine");
    free(request);
}

static void raw_terminal(void)
{
    struct termios raw;

    if (tcgetattr(0, &saved_terminal) < 0)
        return;
    raw = saved_terminal;
    cfmakeraw(&raw);
    tcsetattr(0, TCSADRAIN, &raw);
    terminal_is_raw = true;
}

/*
 * Returns false when stdin has ended. One frame that the pipe takes without waiting: were we to wait
 * here, nobody would take the output that dom0 may have to get rid of before it reads on.
 */
static bool pass_input(void)
{
    char buffer[FRAME_ATOMIC_BYTES - sizeof(struct frame)];
    ssize_t n = read(0, buffer, sizeof(buffer));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (frame_write(to_dom0, FRAME_INPUT, buffer, n > 0 ? (size_t)n : 0) < 0)
        die("cannot write to the machine");
    return n > 0;
}

static void output(int fd, const char *data, size_t length)
{
    if (write_all(fd, data, length) < 0 && errno != EPIPE)
        die(fd == 1 ? "stdout" : "stderr");
}

static void handle_frame(bool waiting)
{
    static char *data;
    static size_t size;
    struct frame frame;

    if (frame_read(from_dom0, &frame, &data, &size) < 0)
        die("cannot read from the machine");
    switch (frame.type) {
    case FRAME_HELLO:
        if (waiting)
            finish("done", 0);
        break;
    case FRAME_STDOUT:
        if (!waiting) /* else it is what a program wrote after its time was up */
            output(1, data, frame.length);
        break;
    case FRAME_STDERR:
        if (!waiting)
            output(2, data, frame.length);
        break;
    case FRAME_EXIT:
        if (!waiting)
            finish("done", atoi(data));
        break;
    default:
        errno = EPROTO;
        die("the machine");
    }
}

static int timer_fd(void)
{
    struct itimerspec t = {.it_value = {.tv_sec = (time_t)options.timeout_s}};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

    t.it_value.tv_nsec = (long)((options.timeout_s - (double)t.it_value.tv_sec) * 1e9);
    if (fd < 0 || timerfd_settime(fd, 0, &t, NULL) < 0)
        die("timer");
    return fd;
}

static int signal_fd(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static void handle_signal(int fd)
{
    struct signalfd_siginfo info;
    char window[32];

    if (read(fd, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo != SIGWINCH)
        finish("interrupted", 128 + (int)info.ssi_signo);
    if (options.terminal) {
        window_text(window, sizeof(window));
        frame_write(to_dom0, FRAME_WINDOW, window, strlen(window));
    }
}

static void relay(bool waiting)
{
    enum { MACHINE, PORT, TIMER, SIGNAL, INPUT, TO_DOM0, COUNT };
    struct pollfd fds[COUNT] = {
        [MACHINE] = {.fd = (int)syscall(SYS_pidfd_open, options.pid, 0), .events = POLLIN},
        [PORT] = {.fd = from_dom0, .events = POLLIN},
        [TIMER] = {.fd = options.timeout_s > 0 ? timer_fd() : -1, .events = POLLIN},
        [SIGNAL] = {.fd = signal_fd(), .events = POLLIN},
        [INPUT] = {.fd = options.input ? 0 : -1, .events = POLLIN},
        [TO_DOM0] = {.fd = -1, .events = POLLOUT},
    };
    bool input_ended = !options.input;

    if (fds[MACHINE].fd < 0)
        finish("lost", STATUS_LOST);
    for (;;) {
        if (poll(fds, COUNT, -1) < 0 && errno != EINTR)
            die("poll");
        if (fds[PORT].revents)
            handle_frame(waiting);
        else if (fds[MACHINE].revents)
            finish("lost", STATUS_LOST);
        if (fds[SIGNAL].revents)
            handle_signal(fds[SIGNAL].fd);
        if (fds[TIMER].revents) {
            frame_write(to_dom0, FRAME_KILL, "", 0);
            finish("timeout", STATUS_TIMEOUT);
        }
        if (input_ended)
            continue;
        /* Either waits for input or, input being there, for room to pass it on. */
        if (fds[INPUT].fd >= 0 && fds[INPUT].revents) {
            fds[INPUT].fd = -1;
            fds[TO_DOM0].fd = to_dom0;
        } else if (fds[TO_DOM0].fd >= 0 && fds[TO_DOM0].revents) {
            input_ended = !pass_input();
            fds[TO_DOM0].fd = -1;
            fds[INPUT].fd = input_ended ? -1 : 0;
        }
    }
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"timeout", required_argument, NULL, 't'},
        {"result", required_argument, NULL, 'r'},
        {"pid", required_argument, NULL, 'p'},
        {"port", required_argument, NULL, 'o'},
        {"terminal", no_argument, NULL, 'T'},
        {"stdin", no_argument, NULL, 'i'},
        {NULL, 0, NULL, 0},
    };
    bool waiting;
    int c;

    while ((c = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
        switch (c) {
        case 't':
            options.timeout_s = atof(optarg);
            break;
        case 'r':
            options.result = optarg;
            break;
        case 'p':
            options.pid = atol(optarg);
            break;
        case 'o':
            options.port = optarg;
            break;
        case 'T':
            options.terminal = options.input = true;
            break;
        case 'i':
            options.input = true;
            break;
        default:
            return STATUS_USAGE;
        }
    }
    waiting = optind < argc && !strcmp(argv[optind], "wait");
    if (!options.port || !options.pid || optind >= argc) {
        fprintf(stderr, "usage: lab-relay --pid PID --port PATH wait|run PROGRAM [ARG]...\n");
        return STATUS_USAGE;
    }
    signal(SIGPIPE, SIG_IGN);
    from_dom0 = open_half("out");
    to_dom0 = open_half("in");
    if (waiting) {
        if (frame_write(to_dom0, FRAME_PING, "", 0) < 0)
            die("cannot write to the machine");
    } else {
        if (options.terminal)
            raw_terminal();
        send_run(argv + optind + 1);
    }
    relay(waiting);
}
