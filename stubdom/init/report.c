/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/report.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int report_fd = 2;

/* Of QEMU's output: is a line of it without its end yet, and of how much of REPORT_PREFIX does it consist so far? */
#define NO_PREFIX SIZE_MAX
static bool foreign_line;
static size_t prefix_len;

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
    if (foreign_line)
        write_all("\n", 1);
    foreign_line = false;
    prefix_len = 0;
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

/* ---- QEMU's output ---- */

static uint64_t dropped;

static void report_dropped(void)
{
    uint64_t n = dropped;

    dropped = 0;
    if (n)
        report("%llu bytes of the device model's output were dropped, it wrote too much", (unsigned long long)n);
}

/* One byte of it as it is shown. */
static char shown(char c)
{
    static const char prefix[] = REPORT_PREFIX;

    foreign_line = c != '\n';
    if (c == '\n') {
        prefix_len = 0;
    } else if (((unsigned char)c < ' ' && c != '\t') || (unsigned char)c >= 0x7f) {
        c = '?';
        prefix_len = NO_PREFIX;
    } else if (prefix_len == NO_PREFIX || c != prefix[prefix_len]) {
        prefix_len = NO_PREFIX;
    } else if (prefix[prefix_len++] == ':') {
        c = '?';
        prefix_len = NO_PREFIX;
    }
    return c;
}

void report_foreign(const char *data, size_t len)
{
    static uint64_t room = REPORT_BURST_BYTES, last_ms;
    uint64_t now = now_ms();
    char out[1024];

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
    report_dropped();
    room -= len;
    while (len > 0) {
        size_t n = 0;

        while (n < sizeof(out) && n < len) {
            out[n] = shown(data[n]);
            n++;
        }
        write_all(out, n);
        data += n;
        len -= n;
    }
}

bool report_output(int fd)
{
    char data[4096];
    ssize_t r = read(fd, data, sizeof(data));

    if (r > 0)
        report_foreign(data, (size_t)r);
    return r > 0;
}

void report_last_output(int fd)
{
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (report_output(fd))
        ;
    report_dropped();
}
