/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fill [-g] [-s SECONDS] MIB: in a lab guest, touches MIB of memory once, page by page, as fast as the guest has it,
 * says how many milliseconds of the guest's clock that took, and ends, which gives the memory back.
 *
 * While less than KEEP_AVAILABLE_KB are available it waits and touches nothing, so that a guest without swap survives
 * until memory comes. -g (greedy): it never waits; what is not there the kernel must find by swapping. -s: before it
 * ends it touches all of it again every second, for so many seconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { KEEP_AVAILABLE_KB = 14 << 10, MIB_BYTES = 1 << 20, PAGE_BYTES = 4096, WAIT_MS = 10, MIB_MAX = 1 << 20 };

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void sleep_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

/* MemAvailable is among the first lines. */
static long available_kb(int meminfo)
{
    char text[256];
    ssize_t n = pread(meminfo, text, sizeof(text) - 1, 0);
    const char *line;

    text[n > 0 ? n : 0] = 0;
    line = strstr(text, "MemAvailable:");
    return line ? strtol(line + strlen("MemAvailable:"), NULL, 10) : 0;
}

/* Each page gets a number of its own, so that no two are alike. */
static void touch(char *memory, size_t bytes, unsigned round)
{
    for (size_t i = 0; i < bytes; i += PAGE_BYTES) {
        uint64_t own = i * 2654435761u + round;

        memcpy(memory + i, &own, sizeof(own));
    }
}

static bool number(const char *text, unsigned long max, unsigned long *value)
{
    char *end;

    *value = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && *value <= max;
}

int main(int argc, char **argv)
{
    unsigned long mib, hold_s = 0;
    bool greedy = false, good = true;
    int c, meminfo = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    uint64_t begin_ms, end_ms;
    char *memory;

    while ((c = getopt(argc, argv, "gs:")) != -1) {
        if (c == 'g')
            greedy = true;
        else
            good = good && c == 's' && number(optarg, 86400, &hold_s);
    }
    if (!good || argc != optind + 1 || !number(argv[optind], MIB_MAX, &mib) || !mib || meminfo < 0) {
        fprintf(stderr, "usage: fill [-g] [-s SECONDS] MIB\n");
        return 2;
    }
    memory = mmap(NULL, mib * MIB_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        fprintf(stderr, "fill: cannot map %lu MiB: %s\n", mib, strerror(errno));
        return 1;
    }
    begin_ms = now_ms();
    for (size_t have = 0; have < mib; have++) {
        while (!greedy && available_kb(meminfo) < KEEP_AVAILABLE_KB)
            sleep_ms(WAIT_MS);
        touch(memory + have * MIB_BYTES, MIB_BYTES, 0);
    }
    end_ms = now_ms();
    for (unsigned long s = 1; s <= hold_s; s++) {
        sleep_ms(1000);
        touch(memory, mib * MIB_BYTES, (unsigned)s);
    }
    printf("%llu\n", (unsigned long long)(end_ms - begin_ms));
    return 0;
}
