/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/xenstore.h"
#include "xenstore/watch.h"

static uv_loop_t loop;
static struct xs_handle *xs;
static struct store_watcher *watcher;
static unsigned times_lost;
/* A watcher alone does not keep the loop alive. */
static struct ev_timer hour;

static void count_lost(void *arg)
{
    times_lost++;
}

static void hour_is_over(struct ev_timer *t)
{
    abort();
}

static int open_store(void **state)
{
    fault_arm(0, 0);
    fault_only(NULL);
    fake_store_reset();
    times_lost = 0;
    uv_loop_init(&loop);
    xs = xs_open(0);
    watcher = store_watcher_new(&loop, xs, count_lost, NULL);
    ev_timer_start(&loop, &hour, 3600000, 0, hour_is_over);
    return watcher ? 0 : -1;
}

static int close_store(void **state)
{
    unsigned left = fake_store_watches();

    store_watcher_free(watcher);
    ev_timer_stop(&hour);
    xs_close(xs);
    ev_loop_close(&loop);
    fake_store_reset();
    return left ? -1 : 0;
}

/* Runs the loop until nothing happens any more. */
static void drain(void)
{
    for (unsigned i = 0; i < 50; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
}

struct seen {
    struct store_watch watch;
    unsigned count;
    char path[64];
    struct seen *stops; /* stopped when this one is called */
};

static void note(struct store_watch *watch, const char *path)
{
    struct seen *s = CONTAINER_OF(watch, struct seen, watch);

    s->count++;
    snprintf(s->path, sizeof(s->path), "%s", path);
    if (s->stops)
        store_watch_stop(&s->stops->watch);
}

static void a_watch_fires_at_registration_and_at_changes_below(void **state)
{
    struct seen s = {0};

    assert_int_equal(store_watch_start(watcher, &s.watch, "/a", note), 0);
    assert_int_equal(s.count, 0);
    drain();
    assert_int_equal(s.count, 1);
    assert_string_equal(s.path, "/a");
    fake_store_set("/a/b/c", "1");
    fake_store_set("/ab", "1");
    drain();
    assert_int_equal(s.count, 2);
    assert_string_equal(s.path, "/a/b/c");
    store_watch_stop(&s.watch);
    store_watch_stop(&s.watch);
    fake_store_set("/a", "2");
    drain();
    assert_int_equal(s.count, 2);
    assert_false(store_watch_active(&s.watch));
}

static void a_callback_may_stop_its_own_watch(void **state)
{
    struct seen s = {.stops = &s};

    store_watch_start(watcher, &s.watch, "/a", note);
    fake_store_set("/a", "1");
    fake_store_set("/a", "2");
    drain();
    assert_int_equal(s.count, 1);
}

static void an_event_under_way_does_not_reach_a_stopped_watch(void **state)
{
    struct seen second = {0}, first = {.stops = &second};

    store_watch_start(watcher, &first.watch, "/a", note);
    store_watch_start(watcher, &second.watch, "/a", note);
    drain();
    assert_int_equal(first.count, 1);
    assert_int_equal(second.count, 0);
    store_watch_stop(&first.watch);
}

static void an_event_of_a_watch_that_is_gone_does_not_reach_one_made_since(void **state)
{
    struct seen s = {0};

    store_watch_start(watcher, &s.watch, "/a", note);
    store_watch_stop(&s.watch);
    store_watch_start(watcher, &s.watch, "/b", note);
    drain();
    assert_int_equal(s.count, 1);
    assert_string_equal(s.path, "/b");
    store_watch_stop(&s.watch);
}

static void of_a_thousand_watches_the_right_one_is_called(void **state)
{
    enum { COUNT = 1000 };
    struct seen *all = calloc(COUNT, sizeof(*all));
    char path[32];

    assert_non_null(all);
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(path, sizeof(path), "/d/%u", i);
        assert_int_equal(store_watch_start(watcher, &all[i].watch, path, note), 0);
    }
    drain();
    for (unsigned i = 0; i < COUNT; i += 3)
        store_watch_stop(&all[i].watch);
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(path, sizeof(path), "/d/%u", i);
        fake_store_set(path, "1");
    }
    drain();
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(all[i].count, i % 3 ? 2 : 1);
    for (unsigned i = 0; i < COUNT; i++)
        store_watch_stop(&all[i].watch);
    free(all);
}

static void a_watch_that_is_refused_stays_idle_and_keeps_errno(void **state)
{
    struct seen s = {0};

    fault_only("xs_watch");
    fault_arm(1, EACCES);
    assert_int_equal(store_watch_start(watcher, &s.watch, "/a", note), ERROR_FAIL);
    assert_int_equal(errno, EACCES);
    assert_false(store_watch_active(&s.watch));
    assert_int_equal(store_watch_start(watcher, &s.watch, "/a", note), 0);
    store_watch_stop(&s.watch);
}

static void a_lost_xenstored_is_told_once(void **state)
{
    struct seen s = {0};

    store_watch_start(watcher, &s.watch, "/a", note);
    fake_store_lose();
    drain();
    drain();
    assert_int_equal(times_lost, 1);
    assert_int_equal(s.count, 0);
    fake_store_reset();
    store_watch_stop(&s.watch);
}

/* With no event waiting libxenstore's descriptor stays silent. */
static void a_lost_xenstored_is_told_though_nothing_is_there_to_read(void **state)
{
    struct seen s = {0};

    store_watch_start(watcher, &s.watch, "/a", note);
    drain();
    assert_int_equal(s.count, 1);
    fake_store_lose();
    drain();
    drain();
    assert_int_equal(times_lost, 1);
    fake_store_reset();
    store_watch_stop(&s.watch);
}

static void write_again(struct store_watch *watch, const char *path)
{
    struct seen *s = CONTAINER_OF(watch, struct seen, watch);

    s->count++;
    fake_store_set("/a", "again");
}

static void a_node_that_never_rests_leaves_the_loop_its_turns(void **state)
{
    struct seen s = {0};

    store_watch_start(watcher, &s.watch, "/a", write_again);
    for (unsigned i = 0; i < 10; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_in_range(s.count, 10, 10000);
    store_watch_stop(&s.watch);
}

static void write_again_slowly(struct store_watch *watch, const char *path)
{
    usleep(60000); /* more than one turn may take */
    write_again(watch, path);
}

static void slow_handlers_leave_the_loop_its_turns(void **state)
{
    struct seen s = {0};

    store_watch_start(watcher, &s.watch, "/a", write_again_slowly);
    for (unsigned i = 0; i < 3; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_in_range(s.count, 1, 3);
    store_watch_stop(&s.watch);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_store, close_store)
    const struct CMUnitTest tests[] = {
        T(a_watch_fires_at_registration_and_at_changes_below),
        T(a_callback_may_stop_its_own_watch),
        T(an_event_under_way_does_not_reach_a_stopped_watch),
        T(an_event_of_a_watch_that_is_gone_does_not_reach_one_made_since),
        T(of_a_thousand_watches_the_right_one_is_called),
        T(a_watch_that_is_refused_stays_idle_and_keeps_errno),
        T(a_lost_xenstored_is_told_once),
        T(a_lost_xenstored_is_told_though_nothing_is_there_to_read),
        T(a_node_that_never_rests_leaves_the_loop_its_turns),
        T(slow_handlers_leave_the_loop_its_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
