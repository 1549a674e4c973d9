/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/ev.h"

static uv_loop_t loop;

static int new_loop(void **state)
{
    return uv_loop_init(&loop);
}

static int close_loop(void **state)
{
    ev_loop_close(&loop);
    return 0;
}

static unsigned open_fds(void)
{
    unsigned n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* ---- timers ---- */

struct timed {
    struct ev_timer timer;
    unsigned fired, stop_after;
    bool was_active;
    struct timed *also_stops;
    struct ev_timer *starts;
};

static void fired(struct ev_timer *t)
{
    struct timed *timed = CONTAINER_OF(t, struct timed, timer);

    timed->fired++;
    timed->was_active = ev_timer_active(t);
    if (timed->also_stops)
        ev_timer_stop(&timed->also_stops->timer);
    if (timed->stop_after && timed->fired == timed->stop_after)
        ev_timer_stop(t);
}

static void fired_on_heap(struct ev_timer *t)
{
    free(CONTAINER_OF(t, struct timed, timer));
}

static void a_timer_fires_once_and_is_idle_then(void **state)
{
    struct timed t = {0};

    ev_timer_start(&loop, &t.timer, 1, 0, fired);
    assert_true(ev_timer_active(&t.timer));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(t.fired, 1);
    assert_false(t.was_active);
    assert_false(ev_timer_active(&t.timer));
    ev_timer_stop(&t.timer);
}

static void a_timer_does_not_fire_before_its_time(void **state)
{
    struct timed t = {0};
    uint64_t begun = uv_hrtime();

    ev_timer_start(&loop, &t.timer, 30, 0, fired);
    uv_run(&loop, UV_RUN_DEFAULT);
    /* libuv counts in whole milliseconds. */
    assert_in_range((uv_hrtime() - begun) / 1000000, 29, 60000);
}

static void a_long_computation_does_not_shorten_a_timer(void **state)
{
    struct timed t = {0};
    uint64_t begun;

    /* libuv's cached time is old by now. */
    uv_update_time(&loop);
    begun = uv_hrtime();
    while (uv_hrtime() - begun < 50 * 1000000)
        ;
    begun = uv_hrtime();
    ev_timer_start(&loop, &t.timer, 30, 0, fired);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_in_range((uv_hrtime() - begun) / 1000000, 29, 60000);
}

static void a_repeating_timer_goes_on_until_its_callback_stops_it(void **state)
{
    struct timed t = {.stop_after = 3};

    ev_timer_start(&loop, &t.timer, 1, 1, fired);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(t.fired, 3);
}

static void a_stopped_timer_does_not_fire_even_when_due_in_the_same_turn(void **state)
{
    struct timed b = {0}, a = {.also_stops = &b};

    ev_timer_start(&loop, &a.timer, 1, 0, fired);
    ev_timer_start(&loop, &b.timer, 1, 0, fired);
    usleep(5000);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(a.fired, 1);
    assert_int_equal(b.fired, 0);
    ev_timer_stop(&b.timer);
    ev_timer_stop(&b.timer);
}

static void a_callback_may_free_what_holds_its_timer(void **state)
{
    struct timed *t = calloc(1, sizeof(*t));

    assert_non_null(t);
    ev_timer_start(&loop, &t->timer, 1, 0, fired_on_heap);
    uv_run(&loop, UV_RUN_DEFAULT);
}

static void a_timer_may_be_started_again_at_once(void **state)
{
    struct timed t = {0};

    for (unsigned i = 0; i < 5; i++) {
        ev_timer_start(&loop, &t.timer, 1, 0, fired);
        ev_timer_stop(&t.timer);
    }
    ev_timer_start(&loop, &t.timer, 1, 0, fired);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(t.fired, 1);
}

static void an_unreferenced_timer_does_not_keep_the_loop(void **state)
{
    struct timed t = {0};

    ev_timer_start(&loop, &t.timer, 3600000, 0, fired);
    ev_timer_unref(&t.timer);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(t.fired, 0);
    ev_timer_stop(&t.timer);
}

/* ---- faults of the program ---- */

static int status_of_child(void (*act)(void))
{
    pid_t pid = fork();
    int status;

    if (!pid) {
        int null = open("/dev/null", O_WRONLY);

        dup2(null, 2);
        signal(SIGABRT, SIG_DFL);
        act();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void start_twice(void)
{
    struct timed t = {0};

    ev_timer_start(&loop, &t.timer, 1, 0, fired);
    ev_timer_start(&loop, &t.timer, 1, 0, fired);
}

static void close_too_early(void)
{
    struct timed t = {0};

    ev_timer_start(&loop, &t.timer, 1000000, 0, fired);
    ev_timer_unref(&t.timer);
    ev_loop_close(&loop);
}

static void starting_twice_and_closing_with_an_active_source_abort(void **state)
{
    int status = status_of_child(start_twice);

    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    status = status_of_child(close_too_early);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* ---- file descriptors ---- */

struct polled {
    struct ev_fd ev;
    unsigned calls;
    int fd;
    short revents;
    bool stops, drains;
    struct polled *also_stops;
};

static void ready(struct ev_fd *f, int fd, short revents)
{
    struct polled *p = CONTAINER_OF(f, struct polled, ev);
    char byte;

    p->calls++;
    p->fd = fd;
    p->revents |= revents;
    if (p->drains)
        assert_int_equal(read(fd, &byte, 1), 1);
    if (p->also_stops)
        ev_fd_stop(&p->also_stops->ev);
    if (p->stops)
        ev_fd_stop(f);
}

static void turns(unsigned n)
{
    while (n--)
        uv_run(&loop, UV_RUN_NOWAIT);
}

static void one_descriptor_may_be_polled_twice(void **state)
{
    struct polled a = {0}, b = {0};
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(ev_fd_start(&loop, &a.ev, fds[0], POLLIN, ready), 0);
    assert_int_equal(ev_fd_start(&loop, &b.ev, fds[0], POLLIN, ready), 0);
    turns(2);
    assert_int_equal(a.calls + b.calls, 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    turns(2);
    assert_true(a.calls && b.calls);
    assert_int_equal(a.fd, fds[0]);
    assert_int_equal(b.fd, fds[0]);
    assert_int_equal(a.revents, POLLIN);
    ev_fd_stop(&a.ev);
    b.calls = 0;
    turns(2);
    assert_true(b.calls);
    ev_fd_stop(&b.ev);
    ev_fd_stop(&b.ev);
    close(fds[0]);
    close(fds[1]);
}

static void a_stopped_descriptor_is_not_called_even_when_ready_in_the_same_turn(void **state)
{
    struct polled a = {.stops = true}, b = {.stops = true};
    int fds[2];

    a.also_stops = &b;
    b.also_stops = &a;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    ev_fd_start(&loop, &a.ev, fds[0], POLLIN, ready);
    ev_fd_start(&loop, &b.ev, fds[0], POLLIN, ready);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(a.calls + b.calls, 1);
    close(fds[0]);
    close(fds[1]);
}

static void the_other_end_going_away_is_told_to_who_reads(void **state)
{
    struct polled reader = {.stops = true}, writer = {0};
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
    ev_fd_start(&loop, &writer.ev, fds[0], POLLOUT, ready);
    turns(2);
    assert_int_equal(writer.revents, POLLOUT);
    ev_fd_stop(&writer.ev);
    ev_fd_start(&loop, &reader.ev, fds[0], POLLIN, ready);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(reader.calls, 1);
    assert_true(reader.revents & POLLHUP);
    close(fds[0]);
    close(fds[1]);
}

static void what_is_waited_for_can_be_changed(void **state)
{
    struct polled p = {0};
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ev_fd_start(&loop, &p.ev, fds[0], POLLIN, ready);
    turns(2);
    assert_int_equal(p.calls, 0);
    assert_int_equal(ev_fd_modify(&p.ev, POLLIN | POLLOUT), 0);
    turns(2);
    assert_int_equal(p.revents, POLLOUT);
    ev_fd_stop(&p.ev);
    close(fds[0]);
    close(fds[1]);
}

struct restless {
    struct ev_timer timer;
    struct polled *served;
    unsigned fired;
};

/* For as long as the descriptor is not served, but not for ever. Each takes its time, as a look at all domains does. */
static void fires_at_once_again(struct ev_timer *t)
{
    struct restless *r = CONTAINER_OF(t, struct restless, timer);

    usleep(2000);
    if (++r->fired < 1000 && !r->served->calls)
        ev_timer_start(&loop, t, 0, 0, fires_at_once_again);
}

static void a_timer_that_is_always_due_again_at_once_does_not_keep_the_loop_from_a_descriptor(void **state)
{
    struct polled p = {.stops = true};
    struct restless r = {.served = &p};
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    ev_fd_start(&loop, &p.ev, fds[0], POLLIN, ready);
    ev_timer_start(&loop, &r.timer, 0, 0, fires_at_once_again);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(p.calls, 1);
    assert_in_range(r.fired, 1, 10);
    close(fds[0]);
    close(fds[1]);
}

static void regular_files_and_closed_descriptors_are_refused_and_leave_nothing_open(void **state)
{
    struct polled p = {0};
    FILE *f = tmpfile();
    unsigned before;

    assert_non_null(f);
    before = open_fds();
    assert_int_equal(ev_fd_start(&loop, &p.ev, fileno(f), POLLIN, ready), ERROR_INVAL);
    assert_false(ev_fd_active(&p.ev));
    assert_int_not_equal(ev_fd_start(&loop, &p.ev, 1000, POLLIN, ready), 0);
    assert_false(ev_fd_active(&p.ev));
    turns(2);
    assert_int_equal(open_fds(), before);
    fclose(f);
}

static void a_descriptor_blocks_or_not_as_before(void **state)
{
    struct ev_fd f = {0};
    int fds[2];

    for (int flags = 0; flags <= O_NONBLOCK; flags += O_NONBLOCK) {
        assert_int_equal(pipe2(fds, flags), 0);
        assert_int_equal(ev_fd_start(&loop, &f, fds[0], POLLIN, ready), 0);
        turns(1);
        assert_int_equal(fcntl(fds[0], F_GETFL) & O_NONBLOCK, flags);
        ev_fd_stop(&f);
        close(fds[0]);
        close(fds[1]);
    }
}

static void a_stopped_descriptor_leaves_no_duplicate_open(void **state)
{
    struct polled p = {0};
    unsigned before;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    before = open_fds();
    for (unsigned i = 0; i < 10; i++) {
        ev_fd_start(&loop, &p.ev, fds[0], POLLIN, ready);
        ev_fd_stop(&p.ev);
    }
    assert_int_equal(open_fds(), before);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, new_loop, close_loop)
    const struct CMUnitTest tests[] = {
        T(a_timer_fires_once_and_is_idle_then),
        T(a_timer_does_not_fire_before_its_time),
        T(a_long_computation_does_not_shorten_a_timer),
        T(a_repeating_timer_goes_on_until_its_callback_stops_it),
        T(a_stopped_timer_does_not_fire_even_when_due_in_the_same_turn),
        T(a_callback_may_free_what_holds_its_timer),
        T(a_timer_may_be_started_again_at_once),
        T(an_unreferenced_timer_does_not_keep_the_loop),
        T(starting_twice_and_closing_with_an_active_source_abort),
        T(one_descriptor_may_be_polled_twice),
        T(a_stopped_descriptor_is_not_called_even_when_ready_in_the_same_turn),
        T(the_other_end_going_away_is_told_to_who_reads),
        T(what_is_waited_for_can_be_changed),
        T(a_timer_that_is_always_due_again_at_once_does_not_keep_the_loop_from_a_descriptor),
        T(regular_files_and_closed_descriptors_are_refused_and_leave_nothing_open),
        T(a_descriptor_blocks_or_not_as_before),
        T(a_stopped_descriptor_leaves_no_duplicate_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
