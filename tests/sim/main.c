/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

/*
 * xl-ext-sim [-v] FILE...            scenarios
 * xl-ext-sim [-v] --random SEED      one random scenario
 * xl-ext-sim --random FIRST-LAST     many; one line in all when nothing failed
 * xl-ext-sim --trace FILE            one scenario, as figures to plot: seconds, guest, held, target, used, in MiB
 *
 * Speaks TAP. Exit status 1 when an invariant or an expectation failed, 2 for wrong usage or a file that is none.
 */

static void show(const struct scenario *s, bool ok, const struct statistics *t)
{
    double converged = t->last_write_ms > t->last_change_ms ? (double)(t->last_write_ms - t->last_change_ms) / 1000 : 0;

    printf("%s - %s\n", ok ? "ok" : "not ok", s->name);
    printf("#   min host free %.1f MiB, worst sum over budget %.1f MiB, converged in %.1f s, %" PRIu64
           " target writes (%" PRIu64 " of them probes), %" PRIu64 " oscillations, worst unmet demand %.1f %%",
           (double)t->least_free_memkb / 1024, (double)t->worst_over_memkb / 1024, converged, t->writes,
           t->probe_writes, t->oscillations, t->worst_unmet);
    if (t->bookings_asked)
        printf(", %u of %u reservations, worst latency %.1f s", t->bookings_ready, t->bookings_asked,
               (double)t->worst_latency_ms / 1000);
    printf("\n");
}

static int run_file(const char *path, const struct run_options *options)
{
    struct scenario s;
    struct statistics t;
    GC_SCOPE(gc);
    bool ok;

    if (scenario_read(gc, path, &s)) {
        printf("not ok - %s is no scenario\n", path);
        return 2;
    }
    ok = world_run(&s, options, &t);
    if (!options->trace)
        show(&s, ok, &t);
    return !ok;
}

static bool run_seed(uint64_t seed, const struct run_options *options, bool quiet, struct statistics *t)
{
    struct scenario s;
    GC_SCOPE(gc);
    bool ok;

    scenario_random(gc, seed, &s);
    ok = world_run(&s, options, t);
    if (!ok || !quiet)
        show(&s, ok, t);
    return ok;
}

static int run_seeds(const char *range, const struct run_options *options)
{
    unsigned long first, last, failed = 0;
    uint64_t writes = 0, ready = 0, asked = 0;
    struct statistics t;
    char *end;

    first = last = strtoul(range, &end, 10);
    if (end != range && *end == '-')
        last = strtoul(end + 1, &end, 10);
    if (end == range || *end || last < first) {
        fprintf(stderr, "xl-ext-sim: '%s' is no seed and no FIRST-LAST\n", range);
        return 2;
    }
    for (unsigned long seed = first; seed <= last; seed++) {
        failed += !run_seed(seed, options, first != last, &t);
        writes += t.writes;
        ready += t.bookings_ready;
        asked += t.bookings_asked;
    }
    if (first != last)
        printf("%s - random scenarios %lu to %lu keep all invariants\n#   %lu failed, %" PRIu64
               " target writes, %" PRIu64 " of %" PRIu64 " reservations became ready\n",
               failed ? "not ok" : "ok", first, last, failed, writes, ready, asked);
    return failed != 0;
}

int main(int argc, char **argv)
{
    struct run_options options = {.verbose = argc > 1 && !strcmp(argv[1], "-v")};
    int i = 1 + options.verbose, worst = 0;
    bool random = i < argc && !strcmp(argv[i], "--random"), trace = i < argc && !strcmp(argv[i], "--trace");

    if (i == argc || ((random || trace) && argc != i + 2) || (argv[i][0] == '-' && !random && !trace)) {
        fprintf(stderr, "usage: xl-ext-sim [-v] FILE... | --random SEED | --random FIRST-LAST | --trace FILE\n");
        return 2;
    }
    if (random)
        return run_seeds(argv[i + 1], &options);
    if (trace) {
        options.trace = stdout;
        i++;
    }
    for (; i < argc; i++) {
        int r = run_file(argv[i], &options);

        if (r > worst)
            worst = r;
    }
    return worst;
}
