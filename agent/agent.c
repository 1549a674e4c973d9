/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xl-ext-agent: tells the host how a Linux guest's memory is doing, see protocol.h. It waits in one
 * ppoll() for the host (watches on the interval and on the target), for memory pressure (a PSI
 * trigger), for page faults (see faults.h), for the interval and for the next look (see looks.h):
 * while the host does not ask there is no wake-up but for a new target.
 *
 * No stdio and no allocation: the whole process stays in a few hundred KiB, so it can be locked
 * into memory and still answers when the guest is short of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "agent/faults.h"
#include "agent/looks.h"
#include "agent/protocol.h"
#include "agent/stats.h"
#include "agent/xenbus.h"

/* Stalls of 100 ms within 1 s: the smallest window that needs no more than one wake-up a second. */
#define PSI_TRIGGER "some 100000 1000000"
#define PSI_FILE "/proc/pressure/memory"

#define HUGE_PAGES_FILE "/sys/kernel/mm/transparent_hugepage/enabled"

/* Before pauses from so long on the alarm is set. */
#define ALARM_FROM_MS 1600u

/* How long to stay away from a xenstore that does not work. */
#define REOPEN_MS 10000

enum watch { WATCH_INTERVAL, WATCH_TARGET };
#define FIRED(watch) (1u << (watch))

struct agent {
    struct xenbus xb;
    int psi_fd;          /* -1 = no trigger: off, or the kernel has none */
    unsigned interval_s; /* 0 = off */
    uint64_t due_ms;     /* next report, valid while interval_s */
    struct looks looks;
    struct faults faults;
    uint64_t look_ms;     /* next look, valid while interval_s; UINT64_MAX: the kernel does not say what is available */
    uint64_t pressure_ms; /* time of the last report caused by pressure */
    int last_error;       /* of the last write, so that a lasting failure is logged once */
    struct stats written;
};

static volatile sig_atomic_t stopped;

static void on_stop(int signo)
{
    stopped = 1;
}

static void say(const char *what, const char *why)
{
    char line[200] = "xl-ext-agent: ";
    size_t len = strlen(line);
    const char *parts[] = {what, why ? ": " : "", why ? why : "", "\n"};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t part = strlen(parts[i]);

        if (len + part > sizeof(line))
            break;
        memcpy(line + len, parts[i], part);
        len += part;
    }
    if (write(2, line, len) < 0)
        return; /* nobody to tell */
}

static uint64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* A whole file of the kernel, NUL-terminated; empty when it does not exist or cannot be read. */
static const char *read_file(const char *path)
{
    static char text[16384];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;

    while (fd >= 0 && len < sizeof(text) - 1) {
        ssize_t r = read(fd, text + len, sizeof(text) - 1 - len);

        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            break;
        len += (size_t)r;
    }
    if (fd >= 0)
        close(fd);
    text[len] = 0;
    return text;
}

static void read_stats(struct stats *stats)
{
    *stats = (struct stats){0};
    stats_parse_vmstat(stats, read_file("/proc/vmstat"), (unsigned)sysconf(_SC_PAGESIZE));
    stats_parse_meminfo(stats, read_file("/proc/meminfo"));
    stats_parse_pressure(stats, read_file(PSI_FILE));
}

static struct look look_of(const struct stats *stats)
{
    return (struct look){.total_bytes = stats->value[AGENT_STAT_TOTAL_MEMORY],
                         .available_bytes = stats->value[AGENT_STAT_AVAILABLE_MEMORY],
                         .now_ms = now_ms()};
}

/* The figures have just been collected: when to look again. Returns whether they are worth a report. */
static bool look_at(struct agent *agent, const struct stats *stats)
{
    const uint32_t needed = UINT32_C(1) << AGENT_STAT_TOTAL_MEMORY | UINT32_C(1) << AGENT_STAT_AVAILABLE_MEMORY;
    struct look look = look_of(stats);
    struct look_verdict verdict;

    if (~stats->known & needed) {
        agent->look_ms = UINT64_MAX;
        return false;
    }
    verdict = looks_decide(&agent->looks, &look);
    agent->look_ms = look.now_ms + verdict.again_ms;
    if (verdict.moved)
        faults_useful(&agent->faults);
    if (agent->interval_s && verdict.again_ms >= ALARM_FROM_MS)
        faults_set(&agent->faults);
    return verdict.report;
}

static void write_report(struct agent *agent, const struct stats *stats)
{
    struct look look = look_of(stats);
    char text[AGENT_STATS_MAX];
    size_t len = stats_print(stats, text, sizeof(text));
    int r = xenbus_write(&agent->xb, AGENT_STATS_NODE, text, len);

    if (r && r != agent->last_error)
        say("cannot write " AGENT_STATS_NODE, strerror(r));
    agent->last_error = r;
    if (r == EPROTO)
        xenbus_close(&agent->xb);
    if (!r)
        agent->written = *stats;
    /* What could not be written is tried again at the interval, not at every look. */
    looks_told(&agent->looks, &look);
}

static void collect(struct agent *agent, struct stats *stats)
{
    agent->due_ms = now_ms() + agent->interval_s * UINT64_C(1000);
    read_stats(stats);
}

/* Write a report; unless it is wanted always, only if it says something new. */
static void report(struct agent *agent, bool always)
{
    struct stats stats;
    bool worth;

    collect(agent, &stats);
    worth = look_at(agent, &stats);
    if (always || worth || stats_changed(&agent->written, &stats))
        write_report(agent, &stats);
}

/* One file is enough to see whether a report is due. */
static void look(struct agent *agent)
{
    struct stats stats = {0};

    stats_parse_meminfo(&stats, read_file("/proc/meminfo"));
    if (!look_at(agent, &stats))
        return;
    collect(agent, &stats);
    write_report(agent, &stats);
}

static void psi_stop(struct agent *agent)
{
    if (agent->psi_fd >= 0)
        close(agent->psi_fd);
    agent->psi_fd = -1;
}

static void psi_start(struct agent *agent)
{
    if (agent->psi_fd >= 0)
        return;
    agent->psi_fd = open(PSI_FILE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (agent->psi_fd >= 0 && write(agent->psi_fd, PSI_TRIGGER, sizeof(PSI_TRIGGER)) < 0)
        psi_stop(agent);
}

/* Decimal seconds within the protocol's range, or 0. */
static unsigned parse_interval(const char *text)
{
    unsigned value = 0;

    for (; *text >= '0' && *text <= '9'; text++) {
        value = value * 10 + (unsigned)(*text - '0');
        if (value > AGENT_INTERVAL_MAX_S)
            return 0;
    }
    return *text ? 0 : value;
}

static void interval_written(struct agent *agent)
{
    char text[16];
    int r;

    agent->xb.fired &= ~FIRED(WATCH_INTERVAL);
    r = xenbus_read(&agent->xb, AGENT_INTERVAL_NODE, text, sizeof(text));
    if (r == EPROTO) {
        xenbus_close(&agent->xb);
        return;
    }
    agent->interval_s = r ? 0 : parse_interval(text);
    if (!agent->interval_s) {
        psi_stop(agent);
        faults_unset(&agent->faults);
        return;
    }
    psi_start(agent);
    report(agent, true);
}

/* Memory is about to come or to go, or tasks have begun to touch some. */
static void look_closely(struct agent *agent)
{
    if (!agent->interval_s || agent->xb.fd < 0)
        return;
    looks_wake(&agent->looks);
    look(agent);
}

static void target_written(struct agent *agent)
{
    agent->xb.fired &= ~FIRED(WATCH_TARGET);
    look_closely(agent);
}

static void pressure_risen(struct agent *agent)
{
    uint64_t now = now_ms();

    if (now - agent->pressure_ms < AGENT_PRESSURE_GAP_MS)
        return;
    agent->pressure_ms = now;
    looks_wake(&agent->looks);
    report(agent, true);
}

/* Connect and watch. A connection that fails later is closed by its user and opened again here. */
static int connect_xenstore(struct agent *agent)
{
    int r = xenbus_open(&agent->xb);

    if (!r)
        r = xenbus_watch(&agent->xb, AGENT_INTERVAL_NODE, WATCH_INTERVAL);
    if (!r)
        r = xenbus_watch(&agent->xb, AGENT_TARGET_NODE, WATCH_TARGET);
    if (r)
        xenbus_close(&agent->xb);
    return r;
}

static int wait_ms(const struct agent *agent)
{
    uint64_t now = now_ms(), next = agent->due_ms < agent->look_ms ? agent->due_ms : agent->look_ms;

    if (agent->xb.fd < 0)
        return REOPEN_MS;
    if (agent->xb.fired) /* while it waited for a reply */
        return 0;
    if (!agent->interval_s)
        return -1;
    return next > now ? (int)(next - now) : 0;
}

static void time_has_come(struct agent *agent)
{
    uint64_t now = now_ms();

    if (agent->due_ms <= now)
        report(agent, false);
    else if (agent->look_ms <= now)
        look(agent);
}

static void wait_once(struct agent *agent, const sigset_t *unblocked)
{
    struct pollfd fds[] = {
        {.fd = agent->xb.fd, .events = POLLIN},
        {.fd = agent->psi_fd, .events = POLLPRI},
    };
    int ms = wait_ms(agent);
    struct timespec timeout = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    int r = ppoll(fds, 2, ms < 0 ? NULL : &timeout, unblocked);

    if (r < 0) { /* a signal */
        if (faults_rang(&agent->faults))
            look_closely(agent);
        return;
    }
    if (agent->xb.fd < 0) {
        connect_xenstore(agent);
        return;
    }
    if (fds[0].revents && xenbus_take_event(&agent->xb)) {
        xenbus_close(&agent->xb);
        return;
    }
    if (fds[1].revents & POLLERR)
        psi_stop(agent);
    else if (fds[1].revents)
        pressure_risen(agent);
    if (agent->xb.fired & FIRED(WATCH_INTERVAL))
        interval_written(agent);
    else if (agent->xb.fired & FIRED(WATCH_TARGET))
        target_written(agent);
    else if (agent->interval_s && agent->xb.fd >= 0)
        time_has_come(agent);
}

static int run(void)
{
    struct agent agent = {.psi_fd = -1};
    struct sigaction action = {.sa_handler = on_stop};
    sigset_t blocked, unblocked;
    int r;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGIO);
    sigprocmask(SIG_BLOCK, &blocked, &unblocked);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);

    r = connect_xenstore(&agent);
    if (r) {
        say("cannot watch " AGENT_INTERVAL_NODE " in xenstore, is this a Xen guest?", strerror(r));
        return 1;
    }
    faults_open(&agent.faults, strstr(read_file(HUGE_PAGES_FILE), "[always]") != NULL);
    mlockall(MCL_CURRENT); /* better without swap, works with it */
    while (!stopped)
        wait_once(&agent, &unblocked);

    if (agent.xb.fd >= 0)
        xenbus_rm(&agent.xb, AGENT_STATS_NODE);
    return 0;
}

static int print(void)
{
    char text[AGENT_STATS_MAX];
    struct stats stats;
    size_t len;

    read_stats(&stats);
    len = stats_print(&stats, text, sizeof(text));
    return write(1, text, len) == (ssize_t)len ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 1)
        return run();
    if (argc == 2 && strcmp(argv[1], "--print") == 0)
        return print();
    say("usage: xl-ext-agent [--print]", NULL);
    return 2;
}
