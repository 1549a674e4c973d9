/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/raw_console.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "stubdom/init/report.h"
#include "stubdom/init/setting.h"

#define INTERRUPTS_BYTES_MAX 16384 /* a stub domain's have about 3000 */
#define OPEN_TRIES 100
#define OPEN_PAUSE_MS 50

/* Returns false after reporting. */
static bool read_interrupts(char text[INTERRUPTS_BYTES_MAX])
{
    CLEANUP_FD int fd = open("/proc/interrupts", O_RDONLY | O_CLOEXEC);
    size_t used = 0;
    ssize_t r = 0;

    while (fd >= 0 && used < INTERRUPTS_BYTES_MAX - 1 &&
           (r = read(fd, text + used, INTERRUPTS_BYTES_MAX - 1 - used)) > 0)
        used += (size_t)r;
    text[used] = '\0';
    if (fd < 0 || r < 0)
        report("cannot read /proc/interrupts: %s", strerror(errno));
    return fd >= 0 && r >= 0;
}

static bool read_consoles_interrupts(struct interrupts *found)
{
    char text[INTERRUPTS_BYTES_MAX];

    if (!read_interrupts(text))
        return false;
    interrupts_of_consoles(text, found);
    return true;
}

bool raw_console_taken(void *arg, uint64_t *count)
{
    const struct raw_console *console = arg;
    char text[INTERRUPTS_BYTES_MAX];

    return read_interrupts(text) && interrupts_count(text, console->irq, count);
}

/* The kernel takes the CPU from real-time processes for a twentieth of each second, unless told otherwise. */
static int allow_real_time(void)
{
    if (sysconf(_SC_NPROCESSORS_ONLN) != 1) {
        report("this domain has more than one CPU, and a console cannot be opened safely");
        return -1;
    }
    /* a kernel without the limit has no such file */
    if (!setting_write("/proc/sys/kernel/sched_rt_runtime_us", "-1") && errno != ENOENT) {
        report("cannot switch the limit for real-time processes off: %s", strerror(errno));
        return -1;
    }
    return 0;
}

/* Returns the descriptor, or -1 with errno. Nothing in here may sleep once open() has connected the interrupt. */
static int open_and_switch(const char *path)
{
    CLEANUP_FD int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    struct termios mode;

    if (fd < 0 || tcgetattr(fd, &mode))
        return -1;
    cfmakeraw(&mode);
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    return tcsetattr(fd, TCSANOW, &mode) ? -1 : TAKE_FD(fd);
}

static int open_real_time(const char *path)
{
    const struct sched_param real_time = {.sched_priority = 1}, ordinary = {0};
    int fd, saved;

    if (sched_setscheduler(0, SCHED_FIFO, &real_time))
        return -1;
    fd = open_and_switch(path);
    saved = errno;
    if (sched_setscheduler(0, SCHED_OTHER, &ordinary))
        report("init stays a real-time process: %s", strerror(errno));
    errno = saved;
    return fd;
}

/* The node is there from the start; it can be opened when dom0's back end has connected. */
static int open_when_connected(const char *path)
{
    const struct timespec pause = {.tv_nsec = OPEN_PAUSE_MS * 1000000L};
    int fd = -1;

    for (int i = 0; i < OPEN_TRIES; i++) {
        fd = open_real_time(path);
        if (fd >= 0 || (errno != ENODEV && errno != ENXIO && errno != ENOENT))
            break;
        nanosleep(&pause, NULL);
    }
    return fd;
}

int raw_console_open(struct raw_console *console, const char *path)
{
    struct interrupts before = {.count = 0}, after = {.count = 0};
    CLEANUP_FD int fd = -1;

    if (allow_real_time() || !read_consoles_interrupts(&before))
        return -1;
    fd = open_when_connected(path);
    if (fd < 0) {
        report("cannot open %s raw: %s", path, strerror(errno));
        return -1;
    }
    if (!read_consoles_interrupts(&after) || !interrupts_added(&before, &after, &console->irq)) {
        report("cannot tell which interrupt is that of %s: there are %u of consoles, %u before it was opened", path,
               after.count, before.count);
        return -1;
    }
    console->fd = TAKE_FD(fd);
    return 0;
}
