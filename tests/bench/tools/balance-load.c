/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * balance-load react STATS TEXT OWN DOMID   writes the report TEXT to the node STATS; prints the microseconds until
 * memd has written a target (a node below OWN), and until it has written DOMID's
 *
 * balance-load spam SECONDS STATS TEXT...   writes the reports in turn as fast as it can; prints how many a second
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore.h>

#include "tests/bench/tools/tool.h"

#define REACT_TIMEOUT_MS 20000

/* Shells have no newline in a word: a comma stands for it. */
static char *report_of(const char *text)
{
    char *report = strdup(text);

    for (char *c = report; *c; c++)
        *c = *c == ',' ? '\n' : *c;
    return report;
}

static void put(struct xs_handle *xs, const char *path, const char *report)
{
    if (!xs_write(xs, XBT_NULL, path, report, (unsigned)strlen(report)))
        die(path);
}

static int react(const char *stats, const char *text, const char *own, const char *domid)
{
    struct xs_handle *xs = xs_open(0);
    struct pollfd fd = {.events = POLLIN};
    unsigned long long begin, first = 0;
    char **event, *report, path[256];
    bool written;
    unsigned n;

    snprintf(path, sizeof(path), "%s/%s", own, domid);
    if (!xs || !xs_watch(xs, own, "own"))
        die(own);
    free(xs_read_watch(xs, &n)); /* its registration */
    fd.fd = xs_fileno(xs);
    report = report_of(text);
    begin = now_us();
    put(xs, stats, report);
    free(report);
    for (;;) {
        while ((event = xs_check_watch(xs))) {
            if (!first)
                first = now_us() - begin;
            written = !strcmp(event[XS_WATCH_PATH], path);
            free(event);
            if (written) {
                printf("%llu %llu\n", first, now_us() - begin);
                return 0;
            }
        }
        if (poll(&fd, 1, REACT_TIMEOUT_MS) <= 0) {
            fprintf(stderr, "balance-load: %s was not written\n", path);
            return 1;
        }
    }
}

static int spam(unsigned seconds, const char *stats, int texts, char **text)
{
    struct xs_handle *xs = xs_open(0);
    unsigned long long begin = now_us(), end = begin + seconds * 1000000ull, n = 0;

    for (int i = 0; i < texts; i++)
        text[i] = report_of(text[i]);
    for (; now_us() < end; n++)
        put(xs, stats, text[n % (unsigned)texts]);
    printf("%llu\n", n / seconds);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 6 && !strcmp(argv[1], "react"))
        return react(argv[2], argv[3], argv[4], argv[5]);
    if (argc >= 5 && !strcmp(argv[1], "spam"))
        return spam((unsigned)strtoul(argv[2], NULL, 10), argv[3], argc - 4, argv + 4);
    return 2;
}
