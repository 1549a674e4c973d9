/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * qmp-server [--no-balloon] [--no-driver] [--ram MIB] [--version 7.2|10.0] SOCKET: serves one machine whose memory is
 * only numbers, until SIGTERM. Its guest follows a request at 256 MiB a second in steps of 1 MiB, as virtio-balloon's
 * driver does it.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/ev.h"
#include "qmp/machine.h"

#define STEP_BYTES (UINT64_C(1) << 20)
#define STEP_MS 4

struct server {
    struct machine machine;
    uv_loop_t loop;
    struct ev_timer guest;
    struct ev_signal sigterm;
    bool balloon, driver, running;
    uint64_t ram, wanted, actual;
    uint32_t interval;
    struct machine_stats stats;
    const struct monitor_kind *kind;
};

static struct server *server_of(struct machine *m)
{
    return CONTAINER_OF(m, struct server, machine);
}

static void guest_works(struct ev_timer *t)
{
    struct server *s = CONTAINER_OF(t, struct server, guest);
    uint64_t left = s->wanted > s->actual ? s->wanted - s->actual : s->actual - s->wanted;
    uint64_t step = left < STEP_BYTES ? left : STEP_BYTES;

    if (!left || !s->running)
        return;
    s->actual = s->wanted > s->actual ? s->actual + step : s->actual - step;
    machine_balloon_changed(&s->machine, s->actual);
    if (s->actual != s->wanted)
        ev_timer_start(&s->loop, &s->guest, STEP_MS, 0, guest_works);
}

static void wake_guest(struct server *s)
{
    if (s->driver && s->running && !ev_timer_active(&s->guest))
        ev_timer_start(&s->loop, &s->guest, STEP_MS, 0, guest_works);
}

static bool has_balloon(struct machine *m)
{
    return server_of(m)->balloon;
}

static uint64_t ram_bytes(struct machine *m)
{
    return server_of(m)->ram;
}

static int actual_bytes(struct machine *m, uint64_t *bytes)
{
    *bytes = server_of(m)->actual;
    return 0;
}

static int balloon(struct machine *m, uint64_t size_bytes)
{
    struct server *s = server_of(m);

    s->wanted = size_bytes;
    wake_guest(s);
    return 0;
}

static enum machine_status status(struct machine *m)
{
    return server_of(m)->running ? MACHINE_RUNNING : MACHINE_PAUSED;
}

static void run(struct machine *m, bool runs, struct monitor_call *call)
{
    struct server *s = server_of(m);

    if (s->running == runs)
        return;
    s->running = runs;
    machine_ran(m, runs);
    wake_guest(s);
}

static const char *name(struct machine *m)
{
    return "parity";
}

static const char *uuid(struct machine *m)
{
    return "00000000-0000-0000-0000-000000000000";
}

static void stats(struct machine *m, struct machine_stats *stats)
{
    *stats = server_of(m)->stats;
}

static uint32_t stats_interval(struct machine *m)
{
    return server_of(m)->interval;
}

/* The guest answers at once, when it has a driver. */
static void set_stats_interval(struct machine *m, uint32_t seconds)
{
    struct server *s = server_of(m);

    s->interval = seconds;
    if (!seconds || !s->driver)
        return;
    s->stats.last_update = time(NULL);
    s->stats.values[AGENT_STAT_TOTAL_MEMORY] = s->actual;
    s->stats.values[AGENT_STAT_FREE_MEMORY] = s->actual / 2;
}

static const struct machine_ops ops = {
    has_balloon, ram_bytes, actual_bytes, balloon, status, run, name, uuid, stats, stats_interval, set_stats_interval,
};

static void terminated(struct ev_signal *sig, int signum)
{
    uv_stop(&CONTAINER_OF(sig, struct server, sigterm)->loop);
}

static int serve(struct server *s, const char *path)
{
    struct monitor_options options = {
        .kind = s->kind, .target = &s->machine, .path = path, .owner = getuid(), .group = getgid()};

    uv_loop_init(&s->loop);
    if (ev_signal_start(&s->loop, &s->sigterm, SIGTERM, terminated) ||
        monitor_new(&s->loop, &options, &s->machine.monitor)) {
        perror(path);
        return 1;
    }
    uv_run(&s->loop, UV_RUN_DEFAULT);
    monitor_free(s->machine.monitor);
    ev_timer_stop(&s->guest);
    ev_signal_stop(&s->sigterm);
    ev_loop_close(&s->loop);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"no-balloon", no_argument, NULL, 'b'},
                                            {"no-driver", no_argument, NULL, 'd'},
                                            {"ram", required_argument, NULL, 'r'},
                                            {"version", required_argument, NULL, 'v'},
                                            {0}};
    struct server s = {.machine.ops = &ops,
                       .balloon = true,
                       .driver = true,
                       .running = true,
                       .ram = 256 << 20,
                       .kind = &machine_monitor_kind};
    int o;

    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (o == 'b')
            s.balloon = false;
        else if (o == 'd')
            s.driver = false;
        else if (o == 'r')
            s.ram = strtoull(optarg, NULL, 10) << 20;
        else if (o == 'v')
            s.kind = machine_monitor_kind_of(optarg);
        else
            return 2;
    }
    if (!s.kind || optind + 1 != argc)
        return 2;
    s.actual = s.wanted = s.ram;
    memset(s.stats.values, 0xff, sizeof(s.stats.values));
    return serve(&s, argv[optind]);
}
