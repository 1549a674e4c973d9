/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * eat MIB: in a lab guest, takes MIB of memory in the background and touches all of it again every
 * second; eat 0 gives it back. A further call replaces the one before.
 *
 * It does not take the last free memory: below KEEP_AVAILABLE_KB it waits for more, as a guest
 * whose balloon is about to be deflated. (MemAvailable counts the files of the initramfs, some 5 MB,
 * that cannot be reclaimed.) eat returns when all is taken, or when the taking stalls
 * (then it goes on in the background), and says which.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { KEEP_AVAILABLE_KB = 12 << 10, MIB_BYTES = 1 << 20, STALL_MS = 2000 };

static const char pid_file[] = "/run/eat.pid";

static long available_kb(void)
{
    char line[128];
    long kb = 0;
    FILE *f = fopen("/proc/meminfo", "re");

    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "MemAvailable: %ld", &kb) == 1)
            break;
    }
    if (f)
        fclose(f);
    return kb;
}

static void sleep_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

static void touch(volatile char *memory, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 4096)
        memory[i]++;
}

/* Each page gets contents of its own, so that nothing can share or compress them away. */
static void fill(char *memory, unsigned seed)
{
    for (size_t i = 0; i < MIB_BYTES; i += sizeof(unsigned)) {
        seed = seed * 1664525 + 1013904223;
        memcpy(memory + i, &seed, sizeof(seed));
    }
}

static void chew(size_t mib, int progress)
{
    char *memory =
        mmap(NULL, mib * MIB_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED) {
        fprintf(stderr, "eat: cannot map %zu MiB: %s\n", mib, strerror(errno));
        exit(1);
    }
    for (size_t have = 0; have < mib; have++) {
        while (available_kb() < KEEP_AVAILABLE_KB + 1024) {
            touch(memory, have * MIB_BYTES);
            sleep_ms(100);
        }
        fill(memory + have * MIB_BYTES, (unsigned)have);
        if (write(progress, "", 1) < 0 && errno != EPIPE)
            exit(1);
    }
    close(progress);
    for (;;) {
        touch(memory, mib * MIB_BYTES);
        sleep_ms(1000);
    }
}

static void start(size_t mib, int progress)
{
    FILE *f;
    int fd;

    setsid();
    signal(SIGPIPE, SIG_IGN);
    fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, "1000", 4) < 0)
        perror("oom_score_adj");
    close(fd);
    f = fopen(pid_file, "we");
    if (!f || fprintf(f, "%d\n", getpid()) < 0 || fclose(f) < 0) {
        perror(pid_file);
        exit(1);
    }
    fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(fd, 0);
    dup2(fd, 1);
    dup2(fd, 2);
    chew(mib, progress);
}

/* Ends the eater there is and waits until its memory is free again. */
static void stop(void)
{
    int pid = 0, fd;
    FILE *f = fopen(pid_file, "re");

    if (!f)
        return;
    if (fscanf(f, "%d", &pid) != 1)
        pid = 0;
    fclose(f);
    unlink(pid_file);
    fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (fd >= 0) {
        struct pollfd pfd = {.fd = fd, .events = POLLIN};

        kill(pid, SIGKILL);
        poll(&pfd, 1, 30000);
        close(fd);
    }
}

int main(int argc, char **argv)
{
    char *end = NULL, bytes[64];
    unsigned long mib = argc == 2 ? strtoul(argv[1], &end, 10) : 0;
    size_t have = 0;
    int progress[2];
    ssize_t n;

    if (!end || *end || end == argv[1] || mib > 1 << 20) {
        fprintf(stderr, "usage: eat MIB\n");
        return 2;
    }
    stop();
    if (mib == 0)
        return 0;
    if (pipe2(progress, O_CLOEXEC) < 0 || fflush(NULL) == EOF)
        return 1;
    switch (fork()) {
    case -1:
        perror("fork");
        return 1;
    case 0:
        close(progress[0]);
        start(mib, progress[1]);
        return 1;
    default:
        close(progress[1]);
    }
    for (;;) {
        struct pollfd pfd = {.fd = progress[0], .events = POLLIN};

        if (poll(&pfd, 1, STALL_MS) == 0) {
            printf("%zu of %lu MiB so far, going on as memory comes\n", have, mib);
            return 0;
        }
        n = read(progress[0], bytes, sizeof(bytes));
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    if (have < mib) {
        fprintf(stderr, "eat: ended after %zu of %lu MiB\n", have, mib);
        return 1;
    }
    printf("%lu MiB\n", mib);
    return 0;
}
