/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kill-memd TIMES RESERVE MIN MAX DOMID...   (KiB)
 *
 * Starts memd and kills it, again and again. In each of its lives the agents of three domains say all the time that
 * they want more, and the others are silent, so memory has to move to those three. It is killed at a random moment of
 * its start, or when it has just written the first, second, ... sixth target, so in the middle of what it was about to
 * do. After each kill it looks at the host: what targets still allow to be taken must be free beyond the reserve, and
 * no target may lie outside the range. Prints each fault and a summary; exit status 1 when there was a fault.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenstore.h>

#define OWN "/local/domain/0/xl-ext/own-target"
#define DOMAINS_MAX 64
#define REPORT_GAP_MS 250
/* Memory comes in pages, and Xen's own books change by a few of them. */
#define SLACK_KB 2048
#define ACT_TIMEOUT_MS 8000

struct host {
    struct xs_handle *xs;
    xc_interface *xc;
    int64_t reserve_kb, min_kb, max_kb;
    uint32_t domids[DOMAINS_MAX];
    int count;

    unsigned written, in_start, faults;
    int64_t least_slack_kb;
};

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void die(const char *what)
{
    perror(what);
    exit(2);
}

/* ---- the guests' agents ---- */

static void wants_all(struct host *h, uint32_t domid)
{
    int64_t used = h->max_kb - random() % (h->max_kb / 8);
    char path[80], text[160];

    snprintf(path, sizeof(path), "/local/domain/%u/data/memory-stats", domid);
    snprintf(text, sizeof(text), "total-memory %" PRId64 "\navailable-memory %" PRId64 "\n", h->max_kb * 1024,
             (h->max_kb - used) * 1024);
    if (!xs_write(h->xs, XBT_NULL, path, text, (unsigned)strlen(text)))
        die(path);
}

static void report(struct host *h, unsigned life)
{
    bool three = life % 4 == 1;
    int first = three ? (int)(life % (unsigned)h->count) : 0, n = three ? 3 : h->count;

    for (int i = 0; i < n; i++)
        wants_all(h, h->domids[(first + i) % h->count]);
}

/* ---- memd ---- */

static pid_t start_memd(void)
{
    pid_t pid = fork();

    if (pid < 0)
        die("fork");
    if (!pid) {
        execlp("xl-ext", "xl-ext", "memd", NULL);
        _exit(127);
    }
    return pid;
}

static unsigned events(struct host *h)
{
    unsigned n = 0;
    char **event;

    for (; (event = xs_check_watch(h->xs)); free(event))
        n += strlen(event[XS_WATCH_PATH]) > strlen(OWN);
    return n;
}

/* Returns when memd has written so many targets, or when the time is up. */
static void let_it_work(struct host *h, unsigned life, unsigned targets, uint64_t at_most_ms)
{
    struct pollfd fd = {.fd = xs_fileno(h->xs), .events = POLLIN};
    uint64_t end = now_ms() + at_most_ms, due = now_ms();
    unsigned seen = 0;

    while (seen < targets && now_ms() < end) {
        if (now_ms() >= due) {
            report(h, life);
            due = now_ms() + REPORT_GAP_MS;
        }
        if (poll(&fd, 1, REPORT_GAP_MS / 5) < 0)
            die("poll");
        seen += events(h);
    }
    h->written += seen;
}

/* ---- what must hold ---- */

static int64_t target_of(struct host *h, uint32_t domid)
{
    char path[80], *text;
    int64_t kb;

    snprintf(path, sizeof(path), "/local/domain/%u/memory/target", domid);
    text = xs_read(h->xs, XBT_NULL, path, NULL);
    if (!text)
        die(path);
    kb = strtoll(text, NULL, 10);
    free(text);
    return kb;
}

/* Free memory first, then who may still take of it: what guests take in between makes it look better by that much, what
 * they give makes nothing look worse than it is, and nobody writes targets. */
static void judge(struct host *h, unsigned kill_number)
{
    xc_physinfo_t physical = {0};
    int64_t free_kb, promised = 0;

    if (xc_physinfo(h->xc, &physical))
        die("xc_physinfo");
    free_kb = (int64_t)physical.free_pages * 4;
    for (int i = 0; i < h->count; i++) {
        int64_t target = target_of(h, h->domids[i]), held;
        xc_domaininfo_t info;

        if (xc_domain_getinfolist(h->xc, h->domids[i], 1, &info) != 1)
            die("xc_domain_getinfolist");
        held = (int64_t)info.tot_pages * 4;
        promised += target > held ? target - held : 0;
        if (target < h->min_kb || target > h->max_kb) {
            printf("kill %u: domain %u has a target of %" PRId64 " KiB\n", kill_number, h->domids[i], target);
            h->faults++;
        }
    }
    if (free_kb - promised - h->reserve_kb < h->least_slack_kb)
        h->least_slack_kb = free_kb - promised - h->reserve_kb;
    if (free_kb - promised < h->reserve_kb - SLACK_KB) {
        printf("kill %u: %" PRId64 " KiB are free, %" PRId64 " promised\n", kill_number, free_kb, promised);
        h->faults++;
    }
}

static void once(struct host *h, unsigned number)
{
    pid_t pid = start_memd();

    if (number % 4 == 0) {
        h->in_start++;
        let_it_work(h, number, UINT32_MAX, (uint64_t)random() % 500);
    } else {
        let_it_work(h, number, 1 + (unsigned)random() % 6, ACT_TIMEOUT_MS);
    }
    kill(pid, SIGKILL);
    if (waitpid(pid, NULL, 0) != pid)
        die("waitpid");
    h->written += events(h);
    judge(h, number);
}

int main(int argc, char **argv)
{
    struct host h = {.xs = xs_open(0), .xc = xc_interface_open(NULL, NULL, 0), .least_slack_kb = INT64_MAX};
    unsigned times = argc > 5 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    uint64_t begin = now_ms();

    if (!times || argc - 5 > DOMAINS_MAX || !h.xs || !h.xc) {
        fprintf(stderr, "usage: kill-memd TIMES RESERVE MIN MAX DOMID..., in dom0\n");
        return 2;
    }
    h.reserve_kb = strtoll(argv[2], NULL, 10);
    h.min_kb = strtoll(argv[3], NULL, 10);
    h.max_kb = strtoll(argv[4], NULL, 10);
    for (int i = 5; i < argc; i++)
        h.domids[h.count++] = (uint32_t)strtoul(argv[i], NULL, 10);
    srandom(4);
    if (!xs_watch(h.xs, OWN, "own"))
        die(OWN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned n = 1; n <= times; n++) {
        once(&h, n);
        if (n % 20 == 0)
            printf("# killed %u times, %u of them during its start, %u targets written, least slack %" PRId64
                   " KiB, %" PRIu64 " s\n",
                   n, h.in_start, h.written, h.least_slack_kb, (now_ms() - begin) / 1000);
    }
    /* Without work there is nothing that could have gone wrong. */
    if (h.written < times) {
        printf("only %u targets were written\n", h.written);
        h.faults++;
    }
    return h.faults ? 1 : 0;
}
