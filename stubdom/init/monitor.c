/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/monitor.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "stubdom/init/net.h"
#include "stubdom/init/report.h"

static struct {
    int fd;
    bool greeted, answered, running;
    bool skipping; /* the rest of a line that was too long */
    size_t used;
    char line[MONITOR_LINE_BYTES_MAX];
} monitor = {.fd = -1};

int monitor_start(const struct qmp_socket *socket)
{
    monitor.fd = qmp_socket_connect(socket);
    return monitor.fd;
}

static void ask(const char *command)
{
    if (write(monitor.fd, command, strlen(command)) < 0)
        report("cannot write to QEMU's QMP socket: %s", strerror(errno));
}

static void line_came(const char *line, size_t len)
{
    uint32_t devid;

    if (!monitor.greeted) {
        monitor.greeted = true;
        report_step("QEMU answers on QMP");
        ask("{\"execute\":\"qmp_capabilities\"}\n");
    } else if (!monitor.answered && monitor_is_answer(line, len)) {
        monitor.answered = true;
        ask("{\"execute\":\"query-status\"}\n");
    } else if (!monitor.running && monitor_says_running(line, len)) {
        monitor.running = true;
    } else if (monitor_is_nic_deleted(line, len, &devid)) {
        net_disconnect(devid);
    }
}

bool monitor_is_greeted(void)
{
    return monitor.fd >= 0 && monitor.greeted;
}

bool monitor_is_answered(void)
{
    return monitor.answered;
}

bool monitor_is_running(void)
{
    return monitor.running;
}

int monitor_dispatch(void)
{
    for (;;) {
        char *end;
        ssize_t r = read(monitor.fd, monitor.line + monitor.used, sizeof(monitor.line) - monitor.used);

        if (r < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (r <= 0) {
            close(monitor.fd);
            monitor.fd = -1;
            return -1;
        }
        monitor.used += (size_t)r;
        while ((end = memchr(monitor.line, '\n', monitor.used))) {
            size_t len = (size_t)(end - monitor.line);

            if (!monitor.skipping)
                line_came(monitor.line, len);
            monitor.skipping = false;
            monitor.used -= len + 1;
            memmove(monitor.line, end + 1, monitor.used);
        }
        if (monitor.used == sizeof(monitor.line)) {
            monitor.skipping = true;
            monitor.used = 0;
        }
    }
}
