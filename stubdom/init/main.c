/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The only program of a Linux stub domain besides QEMU: process 1 of a small PV domain that libxl
 * starts to run the device model of one HVM guest. It reads downwards in time; when QEMU ends, so
 * does the domain.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stubdom/init/bridge.h"
#include "stubdom/init/devices.h"
#include "stubdom/init/dm_argv.h"
#include "stubdom/init/modules.h"
#include "stubdom/init/monitor.h"
#include "stubdom/init/mounts.h"
#include "stubdom/init/net.h"
#include "stubdom/init/qemu.h"
#include "stubdom/init/report.h"
#include "stubdom/init/store.h"

#define EXTRA_ARGS 10 /* what this domain adds to libxl's arguments */
#define MEMORY_REPORT_S 20
#define CONSOLE_RESTORE "/dev/hvc2" /* libxl: STUBDOM_CONSOLE_RESTORE */
#define KLOG_CONSOLE_LEVEL 8        /* syslog(2): SYSLOG_ACTION_CONSOLE_LEVEL */
#define KLOG_WARNINGS_AND_WORSE 5

static struct store_guest guest;
static struct dm_needs needs;
static struct qmp_socket bridge_socket, monitor_socket;

/* Everything ends here. Xen sees an orderly power-off, whatever the cause: the cause is on the
 * console and in xenstore. */
static void __attribute__((noreturn)) power_off(const char *outcome)
{
    if (guest.guest_domid)
        store_write_exit(&guest, outcome);
    report_step("powering off");
    sync();
    reboot(RB_POWER_OFF);
    report("cannot power off: %s", strerror(errno));
    for (;;)
        pause();
}

static void load_modules(void)
{
    bool has_nics = false;

    for (size_t i = 0; i < needs.num_nics; i++)
        has_nics = has_nics || needs.nics[i].has_netdev;
    if (has_nics)
        net_quiet();
    if (modules_load("base") || (needs.disks && modules_load("disk")) || (has_nics && modules_load("net")))
        power_off("failed modules");
    modules_discard();
}

static void add_fd(struct qemu_start *start, int fd)
{
    if (fd < 0 || start->num_fds == QEMU_FDS_MAX)
        power_off("failed start");
    start->fds[start->num_fds++] = fd;
}

static char *out_of_memory_or(char *text)
{
    if (!text) {
        report("out of memory for QEMU's arguments");
        power_off("failed memory");
    }
    return text;
}

static void connect_nics(struct qemu_start *start, const char **argv)
{
    for (size_t i = 0; i < needs.num_nics; i++) {
        const struct dm_nic *nic = &needs.nics[i];
        int tap;

        if (!nic->has_netdev)
            continue;
        tap = net_connect(nic);
        add_fd(start, tap);
        argv[nic->netdev_arg] = out_of_memory_or(dm_argv_netdev_with_fd(argv[nic->netdev_arg], tap));
    }
}

/* The saved state of a guest that is restored comes in by a console. */
static void connect_incoming(struct qemu_start *start, const char **argv)
{
    char *text;
    int fd;

    if (!needs.incoming_arg)
        return;
    fd = open(CONSOLE_RESTORE, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        report("cannot open " CONSOLE_RESTORE ": %s", strerror(errno));
    add_fd(start, fd);
    if (asprintf(&text, "fd:%d", fd) < 0)
        text = NULL;
    argv[needs.incoming_arg] = out_of_memory_or(text);
}

static void add_monitor(struct qemu_start *start, const char **argv, size_t *argc, const struct qmp_socket *s)
{
    char *chardev, *mon;

    add_fd(start, s->fd);
    if (asprintf(&chardev, "socket,id=%s,fd=%d,server=on,wait=off", s->name, s->fd) < 0)
        chardev = NULL;
    if (asprintf(&mon, "chardev=%s,mode=control", s->name) < 0)
        mon = NULL;
    argv[(*argc)++] = "-chardev";
    argv[(*argc)++] = out_of_memory_or(chardev);
    argv[(*argc)++] = "-mon";
    argv[(*argc)++] = out_of_memory_or(mon);
}

/* The program's own path, for QEMU looks for its files relative to it. */
static char *qemu_path(void)
{
    static char path[256];
    ssize_t len = readlink(MOUNTS_ROOT QEMU_LINK, path, sizeof(path) - 1);

    if (len <= 0) {
        report("the image has no " QEMU_LINK ": %s", strerror(errno));
        power_off("failed image");
    }
    return path;
}

/* Returns the watcher's process id; *output_fd is QEMU's output, *status_fd its wait status in the
 * end. */
static pid_t start_qemu(int *output_fd, int *status_fd)
{
    struct qemu_start start = {.disks = needs.disks, .consoles = needs.consoles};
    const char **argv = calloc(guest.argc + EXTRA_ARGS + 1, sizeof(*argv));
    size_t argc = guest.argc;
    int output[2];
    pid_t pid;

    if (!argv || pipe2(output, O_CLOEXEC)) {
        report("cannot prepare QEMU's start: %s", strerror(errno));
        power_off("failed start");
    }
    memcpy(argv, guest.argv, guest.argc * sizeof(*argv));
    argv[0] = qemu_path();
    connect_nics(&start, argv);
    connect_incoming(&start, argv);
    argv[argc++] = "-L";
    argv[argc++] = "/rom";
    add_monitor(&start, argv, &argc, &bridge_socket);
    add_monitor(&start, argv, &argc, &monitor_socket);
    start.argv = argv;
    start.output_fd = output[1];
    pid = qemu_start(&start, status_fd);
    if (pid < 0)
        power_off("failed start");
    close(output[1]);
    /* QEMU has them now; an end held here would hide that QEMU has gone */
    for (size_t i = 0; i < start.num_fds; i++)
        close(start.fds[i]);
    *output_fd = output[0];
    return pid;
}

static void __attribute__((noreturn)) qemu_ended(int output_fd, int status_fd)
{
    char outcome[32] = "failed start";
    int status;

    report_last_output(output_fd);
    if (read(status_fd, &status, sizeof(status)) != sizeof(status)) {
        report_step("QEMU could not be started");
    } else if (WIFSIGNALED(status)) {
        snprintf(outcome, sizeof(outcome), "signal %d", WTERMSIG(status));
        report_step("QEMU was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        snprintf(outcome, sizeof(outcome), "exited %d", WEXITSTATUS(status));
        report_step("QEMU ended with exit status %d", WEXITSTATUS(status));
    }
    power_off(outcome);
}

/* How much memory this domain has left once QEMU has settled: the one number that says whether it has enough. */
static void report_memory(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    unsigned long total_kb = 0, available_kb = 0;
    char line[128];

    while (file && fgets(line, sizeof(line), file)) {
        sscanf(line, "MemTotal: %lu", &total_kb);
        sscanf(line, "MemAvailable: %lu", &available_kb);
    }
    if (file)
        fclose(file);
    report_step("memory: %lu KB available of %lu KB", available_kb, total_kb);
}

static int start_memory_timer(void)
{
    const struct itimerspec when = {.it_value = {.tv_sec = MEMORY_REPORT_S}};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    if (fd >= 0)
        timerfd_settime(fd, 0, &when, NULL);
    return fd;
}

enum { POLL_SIGNAL, POLL_OUTPUT, POLL_MONITOR, POLL_TIMER, POLL_BRIDGE, POLL_COUNT = POLL_BRIDGE + BRIDGE_POLL_FDS };

static void __attribute__((noreturn)) serve(pid_t watcher, int signals, int output_fd, int status_fd)
{
    struct pollfd fds[POLL_COUNT] = {
        [POLL_SIGNAL] = {.fd = signals, .events = POLLIN},
        [POLL_OUTPUT] = {.fd = output_fd, .events = POLLIN},
        [POLL_MONITOR] = {.fd = monitor_start(&monitor_socket), .events = POLLIN},
        [POLL_TIMER] = {.fd = start_memory_timer(), .events = POLLIN},
    };
    bool bridge_works = bridge_start(guest.domid, guest.guest_domid, &bridge_socket) == 0;

    for (;;) {
        struct signalfd_siginfo info;

        bridge_prepare(&fds[POLL_BRIDGE]);
        if (poll(fds, bridge_works ? POLL_COUNT : POLL_BRIDGE, -1) < 0) {
            if (errno == EINTR)
                continue;
            report("cannot wait for events: %s", strerror(errno));
            power_off("failed wait");
        }
        if (fds[POLL_OUTPUT].revents & POLLIN)
            report_output(output_fd);
        else if (fds[POLL_OUTPUT].revents)
            fds[POLL_OUTPUT].fd = -1; /* all writers have gone, the signal follows */
        if (fds[POLL_MONITOR].revents && monitor_dispatch())
            fds[POLL_MONITOR].fd = -1;
        if (fds[POLL_TIMER].revents) {
            report_memory();
            close(fds[POLL_TIMER].fd);
            fds[POLL_TIMER].fd = -1;
        }
        if (bridge_works && bridge_dispatch(&fds[POLL_BRIDGE]))
            bridge_works = false; /* the guest runs on, though dom0 can no longer talk to QEMU */
        if (fds[POLL_SIGNAL].revents && read(signals, &info, sizeof(info)) == sizeof(info)) {
            pid_t ended;

            while ((ended = waitpid(-1, NULL, WNOHANG)) > 0) {
                if (ended == watcher)
                    qemu_ended(output_fd, status_fd);
            }
        }
    }
}

static int block_child_signals(void)
{
    sigset_t mask;
    int fd;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        report("cannot make a signal descriptor: %s", strerror(errno));
        power_off("failed start");
    }
    return fd;
}

int main(void)
{
    int signals, output_fd, status_fd;
    struct utsname kernel;
    const char *cause;
    pid_t watcher;

    if (getpid() != 1) {
        fprintf(stderr, "this is the init of a stub domain, it runs as process 1 of a domain only\n");
        return 1;
    }
    if (mounts_early())
        power_off("failed mounts");
    klogctl(KLOG_CONSOLE_LEVEL, NULL, KLOG_WARNINGS_AND_WORSE);
    uname(&kernel);
    report_step("init " XLX_VERSION ", Linux %s", kernel.release);

    if (store_read_guest(&guest))
        power_off("failed xenstore");
    cause = dm_argv_scan((const char *const *)guest.argv, guest.argc, &needs);
    if (cause) {
        report("QEMU's arguments cannot be used: %s", cause);
        power_off("failed arguments");
    }
    report_step("device model of domain %u, %zu arguments, %d disks, %zu network cards", guest.guest_domid,
                guest.argc - 1, __builtin_popcount(needs.disks), needs.num_nics);

    load_modules();
    signals = block_child_signals();
    if (mounts_image())
        power_off("failed image");
    report_step("waiting for devices");
    if (devices_wait(&needs))
        power_off("failed devices");
    if (qmp_socket_listen(&bridge_socket, "xl-ext-bridge") || qmp_socket_listen(&monitor_socket, "xl-ext-monitor"))
        power_off("failed sockets");
    report_step("starting QEMU");
    watcher = start_qemu(&output_fd, &status_fd);
    serve(watcher, signals, output_fd, status_fd);
}
