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
#include "stubdom/init/raw_console.h"
#include "stubdom/init/report.h"
#include "stubdom/init/restore.h"
#include "stubdom/init/save.h"
#include "stubdom/init/store.h"

#define EXTRA_ARGS 13 /* what this domain adds to libxl's arguments */
#define MEMORY_REPORT_S 20
#define KLOG_CONSOLE_LEVEL 8 /* syslog(2): SYSLOG_ACTION_CONSOLE_LEVEL */
#define KLOG_WARNINGS_AND_WORSE 5

static struct store_guest guest;
static struct dm_needs needs;
static struct qmp_socket bridge_socket, monitor_socket;
static struct raw_console save_console = {.fd = -1};
static struct outbox save_outbox = {.fd = -1, .taken = raw_console_taken, .arg = &save_console};

/* Everything ends here. Xen sees an orderly power-off, whatever the cause: the cause is on the
 * console and in xenstore. */
static void __attribute__((noreturn)) power_off(const char *outcome)
{
    if (guest.guest_domid)
        store_write(&guest, STORE_EXIT, outcome);
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

/* Console 1 leads to the file in dom0 from which libxl takes QEMU's state when the guest is saved. */
static void open_save_console(void)
{
    if (raw_console_open(&save_console, CONSOLE_SAVE) == 0)
        save_outbox.fd = save_console.fd;
    else
        save_disable("console 1 cannot be used");
}

/* Where QEMU saves its state: libxl names descriptor set 1. A guest that cannot be saved runs all the same. */
static void connect_outgoing(struct qemu_start *start, const char **argv, size_t *argc)
{
    int fd = save_outbox.fd < 0 ? -1 : save_prepare(&save_outbox);
    char *text;

    if (fd < 0)
        return;
    add_fd(start, fd);
    if (asprintf(&text, "fd=%d,set=1", fd) < 0)
        text = NULL;
    argv[(*argc)++] = "-add-fd";
    argv[(*argc)++] = out_of_memory_or(text);
}

static void __attribute__((noreturn)) refuse_state(const char *cause)
{
    report("the guest is not restored: %s", cause);
    power_off("failed state");
}

/* The saved state of a guest that is restored comes in by a console. Returns a file with it. */
static int receive_state(void)
{
    struct dm_state_reader reader = {.state = NULL};
    struct raw_console console;
    const char *cause;
    int fd;

    if (save_outbox.fd < 0 || raw_console_open(&console, CONSOLE_RESTORE))
        refuse_state("its state cannot be read safely");
    cause = restore_read(console.fd, &save_outbox, &reader);
    if (cause)
        refuse_state(cause);
    report_step("state %u received: %zu bytes in %llu", reader.number, reader.state_len,
                (unsigned long long)reader.bytes);
    fd = restore_file(&reader);
    if (fd < 0)
        refuse_state(strerror(errno));
    dm_state_reader_dispose(&reader);
    return fd;
}

static void connect_incoming(struct qemu_start *start, const char **argv)
{
    char *text;
    int fd;

    if (!needs.incoming_arg)
        return;
    fd = receive_state();
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
    open_save_console();
    connect_incoming(&start, argv);
    connect_outgoing(&start, argv, &argc);
    argv[argc++] = "-L";
    argv[argc++] = "/rom";
    argv[argc++] = "-xen-domid-restrict";
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

/* Tell the toolstack what has changed: whether the guest can be saved, and what was saved last. */
static void advertise(void)
{
    static const char *said;
    static char said_last[64];
    const char *why_not = save_why_not();
    char text[128] = STORE_SAVE_FORMAT;

    if (!monitor_is_greeted() && !why_not)
        return;
    if (why_not)
        snprintf(text, sizeof(text), "no: %s", why_not);
    if (said != (why_not ? why_not : STORE_SAVE_FORMAT)) {
        store_write(&guest, STORE_SAVE, text);
        said = why_not ? why_not : STORE_SAVE_FORMAT;
    }
    if (strcmp(said_last, save_last())) {
        snprintf(said_last, sizeof(said_last), "%s", save_last());
        store_write(&guest, STORE_SAVED, said_last);
    }
}

/* QEMU has restricted itself by the time at which it answers. After that it cannot tell libxl that its machine runs, which
 * for a guest that is restored comes later. */
static void follow_start(pid_t watcher)
{
    static bool restricted, told;

    if (monitor_is_answered() && !restricted) {
        if (qemu_take_hypervisor(watcher))
            power_off("failed restriction");
        restricted = true;
        report_step("QEMU can reach its guest only");
    }
    if (monitor_is_running() && !told) {
        store_write(&guest, STORE_STATE, STORE_RUNNING);
        told = true;
    }
}

enum { POLL_SIGNAL, POLL_OUTPUT, POLL_MONITOR, POLL_TIMER, POLL_BRIDGE, POLL_COUNT = POLL_BRIDGE + BRIDGE_POLL_FDS };

static void lose_monitor(struct pollfd *poll_fd)
{
    poll_fd->fd = -1;
    save_disable("init's own connection to QEMU is lost, and QEMU's descriptor set with it");
}

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
        if (poll(fds, bridge_works ? POLL_COUNT : POLL_BRIDGE, save_pump()) < 0) {
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
            lose_monitor(&fds[POLL_MONITOR]);
        follow_start(watcher);
        if (fds[POLL_TIMER].revents) {
            report_memory();
            close(fds[POLL_TIMER].fd);
            fds[POLL_TIMER].fd = -1;
        }
        if (bridge_works && bridge_dispatch(&fds[POLL_BRIDGE])) {
            bridge_works = false; /* the guest runs on, though dom0 can no longer talk to QEMU */
            save_abandon();
        }
        advertise();
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
    store_connect_console();
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
