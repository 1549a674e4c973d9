/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/faults.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The first version of Linux's struct perf_event_attr (include/uapi/linux/perf_event.h), which every kernel takes. musl
 * has no headers of the kernel. */
struct event_attr {
    uint32_t type, size;
    uint64_t config, sample_period, sample_type, read_format, flags;
    uint32_t wakeup_events, bp_type;
    uint64_t bp_addr;
};

enum { TYPE_SOFTWARE = 1, SOFTWARE_PAGE_FAULTS = 2, FLAG_DISABLED = 1 };
#define DISABLE _IO('$', 1)
#define REFRESH _IO('$', 2)
#define SET_PERIOD _IOW('$', 4, uint64_t)

/* 128 KiB, as much as the shortest programs touch; 8 MiB. */
#define PERIOD_LEAST 32u
#define PERIOD_MOST 2048u
#define PERIOD_MOST_HUGE 128u

/* The number of a CPU whose event has counted enough is not needed: all are looked at together. */
static volatile sig_atomic_t rang;

static void on_alarm(int signo)
{
    rang = 1;
}

static int open_event(int cpu)
{
    struct event_attr attr = {
        .type = TYPE_SOFTWARE,
        .size = sizeof(attr),
        .config = SOFTWARE_PAGE_FAULTS,
        .sample_period = PERIOD_LEAST,
        .flags = FLAG_DISABLED,
    };
    int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, 0);

    if (fd < 0)
        return -1;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) || fcntl(fd, F_SETOWN, getpid()) || fcntl(fd, F_SETFL, O_ASYNC)) {
        close(fd);
        return -1;
    }
    return fd;
}

void faults_open(struct faults *f, bool huge_pages)
{
    struct sigaction action = {.sa_handler = on_alarm};
    long cpus = sysconf(_SC_NPROCESSORS_CONF);

    *f = (struct faults){.period = PERIOD_LEAST, .period_max = huge_pages ? PERIOD_MOST_HUGE : PERIOD_MOST};
    if (cpus < 1 || cpus > FAULTS_CPUS_MAX || sigaction(SIGIO, &action, NULL))
        return;
    for (int cpu = 0; cpu < cpus; cpu++) {
        f->fds[f->cpus] = open_event(cpu);
        if (f->fds[f->cpus] >= 0)
            f->cpus++;
    }
}

void faults_set(struct faults *f)
{
    uint64_t period = f->period;

    if (f->set || !f->cpus)
        return;
    for (unsigned i = 0; i < f->cpus; i++) {
        /* Of several CPUs those that did not go off are still set: one of them may go off twice, to no harm. */
        ioctl(f->fds[i], SET_PERIOD, &period);
        ioctl(f->fds[i], REFRESH, 1);
    }
    f->set = true;
    f->period = f->period * 2 < f->period_max ? f->period * 2 : f->period_max;
}

void faults_unset(struct faults *f)
{
    for (unsigned i = 0; f->set && i < f->cpus; i++)
        ioctl(f->fds[i], DISABLE, 0);
    f->set = false;
}

void faults_useful(struct faults *f)
{
    f->period = PERIOD_LEAST;
}

bool faults_rang(struct faults *f)
{
    if (!rang)
        return false;
    rang = 0;
    f->set = false;
    return true;
}
