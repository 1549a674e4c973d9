/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_TESTS_BENCH_TOOLS_TOOL_H
#define XLX_TESTS_BENCH_TOOLS_TOOL_H

/* What the small programs share that benchmarks run in dom0. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Microseconds of the given clock. */
static inline unsigned long long clock_us(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (unsigned long long)t.tv_sec * 1000000 + (unsigned long long)t.tv_nsec / 1000;
}

static inline unsigned long long now_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

/* With errno's text; does not return. */
static inline void die(const char *what)
{
    perror(what);
    exit(1);
}

#endif
