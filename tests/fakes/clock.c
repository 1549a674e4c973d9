/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fakes/clock.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#define TIMERS_MAX 1024

static struct timer {
    uv_timer_t *uv;
    uv_timer_cb fired;
    uint64_t due_ms, serial;
} timers[TIMERS_MAX];
static unsigned timer_count;
static uint64_t now_ms = 3600000, last_serial;
static void (*on_tick)(uint64_t now_ms);

uint64_t fake_clock_ms(void)
{
    return now_ms;
}

void fake_clock_on_tick(void (*tick)(uint64_t now_ms))
{
    on_tick = tick;
}

unsigned fake_clock_timers(void)
{
    return timer_count;
}

/* The linker gives the names with "__wrap_" to who calls libuv, and "__real_" to libuv. */
uint64_t __wrap_uv_now(const uv_loop_t *loop);
uint64_t __wrap_uv_hrtime(void);
int __wrap_uv_timer_start(uv_timer_t *uv, uv_timer_cb fired, uint64_t timeout, uint64_t repeat);
int __wrap_uv_timer_stop(uv_timer_t *uv);
int __wrap_uv_run(uv_loop_t *loop, uv_run_mode mode);
int __real_uv_run(uv_loop_t *loop, uv_run_mode mode);
void __wrap_uv_stop(uv_loop_t *loop);

static bool stopped;

void __wrap_uv_stop(uv_loop_t *loop)
{
    stopped = true;
}

uint64_t __wrap_uv_now(const uv_loop_t *loop)
{
    return now_ms;
}

uint64_t __wrap_uv_hrtime(void)
{
    return now_ms * 1000000;
}

static void add(uv_timer_t *uv, uv_timer_cb fired, uint64_t due_ms)
{
    if (timer_count == TIMERS_MAX)
        abort();
    timers[timer_count++] = (struct timer){uv, fired, due_ms, ++last_serial};
}

int __wrap_uv_timer_start(uv_timer_t *uv, uv_timer_cb fired, uint64_t timeout, uint64_t repeat)
{
    __wrap_uv_timer_stop(uv);
    uv_timer_set_repeat(uv, repeat);
    add(uv, fired, now_ms + timeout);
    return 0;
}

int __wrap_uv_timer_stop(uv_timer_t *uv)
{
    for (unsigned i = 0; i < timer_count; i++) {
        if (timers[i].uv == uv) {
            timers[i] = timers[--timer_count];
            break;
        }
    }
    return 0;
}

/* One turn: what is ready by itself first; when nothing is, time goes on to the next timer. */
int __wrap_uv_run(uv_loop_t *loop, uv_run_mode mode)
{
    struct timer next;
    unsigned first = 0;
    uint64_t serial = last_serial;

    __real_uv_run(loop, UV_RUN_NOWAIT);
    if (stopped || mode == UV_RUN_NOWAIT) {
        stopped = false;
        return timer_count || uv_loop_alive(loop);
    }
    /* A timer set meanwhile: something has happened, which gets its turn before time goes on. */
    if (!timer_count || serial != last_serial)
        return timer_count || uv_loop_alive(loop);
    for (unsigned i = 1; i < timer_count; i++) {
        if (timers[i].due_ms < timers[first].due_ms ||
            (timers[i].due_ms == timers[first].due_ms && timers[i].serial < timers[first].serial))
            first = i;
    }
    next = timers[first];
    timers[first] = timers[--timer_count];
    if (next.due_ms > now_ms) {
        now_ms = next.due_ms;
        if (on_tick)
            on_tick(now_ms);
    }
    if (uv_timer_get_repeat(next.uv))
        add(next.uv, next.fired, now_ms + uv_timer_get_repeat(next.uv));
    next.fired(next.uv);
    return 1;
}
