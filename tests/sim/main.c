/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/policy.h"
#include "tests/sim/serve.h"
#include "tests/sim/world.h"

/*
 * xl-ext-sim [-v] FILE...            scenarios
 * xl-ext-sim --strict ...            with all invariants, also those that a scenario is excused from
 * xl-ext-sim --policy NAME FILE...   balanced by another than memd; only the figures count then
 * xl-ext-sim --figures FILE...       a line for each, by tabs: name, starved MiB*s with memd, with foresight, ratio,
 *                                    with squeezed's rules, with qmemman's, and half a second for each
 *                                    step of what somebody is owed
 * xl-ext-sim [-v] --random SEED      one random scenario
 * xl-ext-sim --random FIRST-LAST     many; one line in all when nothing failed
 * xl-ext-sim --trace FILE            one scenario, as figures to plot: seconds, guest, held, target, used, in MiB
 * xl-ext-sim --serve FOLDER FILE     runs one, and serves memd's sockets for what the host is then, until SIGTERM (serve.h)
 *
 * Speaks TAP. Exit status 1 when an invariant or an expectation failed, 2 for wrong usage or a file that is none.
 */

/* What honest guests may lack, compared with foresight; and nobody is compared with less. */
#define RATIO_MAX 3
#define RATIO_LEAST_MIB_S 10

static double most(double a, double b)
{
    return a > b ? a : b;
}

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
    printf(", starved %.0f MiB*s", t->starved_mib_s);
    if (t->has_oracle)
        printf(" (with foresight %.0f, ratio %.2f)", t->oracle_mib_s, t->ratio);
    printf("\n");
}

/* The same with foresight, for comparison. */
static void compare(const struct scenario *s, struct statistics *t)
{
    const struct run_options options = {.policy = &policy_oracle};
    struct statistics oracle;
    double reaction = t->reaction_mib_s;

    world_run(s, &options, &oracle);
    t->has_oracle = true;
    t->oracle_mib_s = oracle.starved_mib_s;
    t->ratio = (t->starved_mib_s + reaction) / most(oracle.starved_mib_s + reaction, RATIO_LEAST_MIB_S);
}

static bool swift_enough(const struct scenario *s, const struct statistics *t, const struct run_options *options)
{
    double bound = s->expect.ratio_max > 0 ? s->expect.ratio_max : RATIO_MAX;

    if (!options->policy->judged || t->ratio <= bound || !(options->strict || s->expect.ratio_max > 0))
        return true;
    printf("# %s: honest guests lacked %.2f times as much as with foresight, expected at most %.2f\n", s->name,
           t->ratio, bound);
    return false;
}

/* A line: name, what is starved with memd, with foresight, the ratio, and with the peers. */
static void figures(const struct scenario *s, const struct statistics *t)
{
    static const struct policy *const peers[] = {&policy_squeezed, &policy_qmemman};

    printf("%s\t%.0f\t%.0f\t%.2f", s->name, t->starved_mib_s, t->oracle_mib_s, t->ratio);
    for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++) {
        const struct run_options options = {.policy = peers[i]};
        struct statistics peer;

        world_run(s, &options, &peer);
        printf("\t%.0f", peer.starved_mib_s);
    }
    printf("\t%.0f\n", t->reaction_mib_s);
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
    if (options->figures) {
        compare(&s, &t);
        figures(&s, &t);
        return 0;
    }
    if (options->trace || options->ended)
        return !ok;
    compare(&s, &t);
    ok &= swift_enough(&s, &t, options);
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

static int usage(void)
{
    fprintf(stderr,
            "usage: xl-ext-sim [-v] [--strict] [--policy memd|oracle|squeezed|qmemman] FILE... | --figures FILE... | "
            "--trace FILE | --serve FOLDER FILE | --random SEED | --random FIRST-LAST\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct run_options options = {.policy = &policy_memd};
    const char *random = NULL;
    int i = 1, worst = 0;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strcmp(argv[i], "-v"))
            options.verbose = true;
        else if (!strcmp(argv[i], "--strict"))
            options.strict = true;
        else if (!strcmp(argv[i], "--figures"))
            options.figures = true;
        else if (!strcmp(argv[i], "--trace"))
            options.trace = stdout;
        else if (!strcmp(argv[i], "--policy") && i + 1 < argc)
            options.policy = policy_find(argv[++i]);
        else if (!strcmp(argv[i], "--serve") && i + 1 < argc) {
            options.policy = serve_start(argv[++i]);
            options.ended = serve_until_interrupted;
        } else if (!strcmp(argv[i], "--random") && i + 1 < argc)
            random = argv[++i];
        else
            return usage();
    }
    if (!options.policy || (random ? i < argc : i == argc) || ((options.trace || options.ended) && i + 1 != argc))
        return usage();
    if (random)
        return run_seeds(random, &options);
    for (; i < argc; i++) {
        int r = run_file(argv[i], &options);

        if (r > worst)
            worst = r;
    }
    if (options.ended)
        serve_stop();
    return worst;
}
