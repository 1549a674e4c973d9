/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * qmp-load hold SOCKET...            connects to all, negotiates, says "ready" and reads what comes until it is killed
 * qmp-load latency RUNS SOCKET...    microseconds of a query-balloon round trip (p50 p99), each on the next socket
 * qmp-load xs RUNS PATH              microseconds of an xs_read round trip (p50 p99)
 * qmp-load spam SECONDS PATH         writes the node as fast as it can; prints how many writes a second
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <xenstore.h>

#include "tests/bench/tools/tool.h"

static void send_text(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        die("write");
}

/* Reads until a line that has word in it has ended. */
static void read_until(int fd, const char *word)
{
    static char buffer[65536];
    size_t len = 0;

    for (;;) {
        ssize_t r = read(fd, buffer + len, sizeof(buffer) - 1 - len);

        if (r <= 0)
            die("read");
        len += (size_t)r;
        buffer[len] = 0;
        if (buffer[len - 1] == '\n') {
            if (strstr(buffer, word))
                return;
            len = 0;
        }
    }
}

static int open_monitor(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
        die(path);
    read_until(fd, "QMP");
    send_text(fd, "{\"execute\":\"qmp_capabilities\"}");
    read_until(fd, "return");
    return fd;
}

static int compare(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

    return x < y ? -1 : x > y;
}

static void print_percentiles(unsigned *took, size_t n)
{
    qsort(took, n, sizeof(*took), compare);
    printf("%u %u\n", took[n / 2], took[n * 99 / 100]);
}

static int hold(int n, char **paths)
{
    struct pollfd *fds = calloc((size_t)n, sizeof(*fds));

    for (int i = 0; i < n; i++)
        fds[i] = (struct pollfd){.fd = open_monitor(paths[i]), .events = POLLIN};
    puts("ready");
    fflush(stdout);
    while (poll(fds, (nfds_t)n, -1) > 0) {
        for (int i = 0; i < n; i++) {
            char bytes[4096];

            if (fds[i].revents && read(fds[i].fd, bytes, sizeof(bytes)) <= 0)
                fds[i].fd = -1;
        }
    }
    free(fds);
    return 0;
}

static int latency(size_t runs, int n, char **paths)
{
    unsigned *took = calloc(runs, sizeof(*took));
    int *fds = calloc((size_t)n, sizeof(*fds));

    for (int i = 0; i < n; i++)
        fds[i] = open_monitor(paths[i]);
    for (size_t i = 0; i < runs; i++) {
        int fd = fds[i % (size_t)n];
        unsigned long long begin = now_us();

        send_text(fd, "{\"execute\":\"query-balloon\"}");
        read_until(fd, "return");
        took[i] = (unsigned)(now_us() - begin);
    }
    print_percentiles(took, runs);
    free(fds);
    free(took);
    return 0;
}

static int xs_latency(size_t runs, const char *path)
{
    struct xs_handle *xs = xs_open(0);
    unsigned *took = calloc(runs, sizeof(*took));

    for (size_t i = 0; i < runs; i++) {
        unsigned long long begin = now_us();

        free(xs_read(xs, XBT_NULL, path, NULL));
        took[i] = (unsigned)(now_us() - begin);
    }
    print_percentiles(took, runs);
    free(took);
    xs_close(xs);
    return 0;
}

static int spam(unsigned seconds, const char *path)
{
    struct xs_handle *xs = xs_open(0);
    unsigned long long begin = now_us(), end = begin + seconds * 1000000ull, n = 0;

    for (; now_us() < end; n++) {
        char value[128];
        int len = snprintf(value, sizeof(value), "free-memory %llu\ntotal-memory 99999999\n", n);

        if (!xs_write(xs, XBT_NULL, path, value, (unsigned)len))
            die(path);
    }
    printf("%llu\n", n / seconds);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 3 && !strcmp(argv[1], "hold"))
        return hold(argc - 2, argv + 2);
    if (argc >= 4 && !strcmp(argv[1], "latency"))
        return latency(strtoul(argv[2], NULL, 10), argc - 3, argv + 3);
    if (argc == 4 && !strcmp(argv[1], "xs"))
        return xs_latency(strtoul(argv[2], NULL, 10), argv[3]);
    if (argc == 4 && !strcmp(argv[1], "spam"))
        return spam((unsigned)strtoul(argv[2], NULL, 10), argv[3]);
    return 2;
}
