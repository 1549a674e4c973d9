/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/report.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int report_fd = 2;

void report_to(int fd)
{
    report_fd = fd;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void write_all(const char *data, size_t len)
{
    while (len > 0) {
        ssize_t r = write(report_fd, data, len);

        if (r <= 0)
            return; /* there is nowhere else to complain */
        data += r;
        len -= (size_t)r;
    }
}

__attribute__((format(printf, 2, 0))) static void write_line(const char *start, const char *format, va_list args)
{
    char line[512];
    int len = snprintf(line, sizeof(line), REPORT_PREFIX "%s", start);
    int more = vsnprintf(line + len, sizeof(line) - (size_t)len - 1, format, args);

    if (more < 0)
        return;
    len = (int)strlen(line);
    for (int i = 0; i < len; i++) {
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    }
    line[len++] = '\n';
    write_all(line, (size_t)len);
}

void report(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_line("", format, args);
    va_end(args);
}

void report_step(const char *format, ...)
{
    uint64_t ms = now_ms();
    char start[32];
    va_list args;

    snprintf(start, sizeof(start), "[%4llu.%03llu] ", (unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000));
    va_start(args, format);
    write_line(start, format, args);
    va_end(args);
}

void report_foreign(const char *data, size_t len)
{
    static uint64_t room = REPORT_BURST_BYTES, last_ms, dropped;
    uint64_t now = now_ms();

    if (last_ms) {
        uint64_t more = (now - last_ms) * REPORT_BYTES_PER_S / 1000;

        if (more) {
            room = room + more > REPORT_BURST_BYTES ? REPORT_BURST_BYTES : room + more;
            last_ms = now;
        }
    } else {
        last_ms = now;
    }
    if (len > room) {
        dropped += len;
        return;
    }
    if (dropped) {
        report("%llu bytes of the device model's output were dropped, it wrote too much", (unsigned long long)dropped);
        dropped = 0;
    }
    room -= len;
    write_all(data, len);
}
