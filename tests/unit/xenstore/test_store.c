/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/xenstore.h"
#include "xenstore/store.h"

static struct xs_handle *xs;

static int open_store(void **state)
{
    fault_arm(0, 0);
    fault_only(NULL);
    fake_store_reset();
    xs = xs_open(0);
    return 0;
}

static int close_store(void **state)
{
    unsigned open = fake_store_transactions();

    xs_close(xs);
    fake_store_reset();
    return open ? -1 : 0;
}

/* ---- reading ---- */

static void a_value_is_read_whole_up_to_the_length_asked_for(void **state)
{
    GC_SCOPE(gc);
    char *value;

    fake_store_set("/a", "12345678");
    assert_int_equal(store_read(gc, xs, XBT_NULL, "/a", 8, &value), 0);
    assert_string_equal(value, "12345678");
    assert_int_equal(store_read(gc, xs, XBT_NULL, "/a", 7, &value), ERROR_BUFFERFULL);
    assert_int_equal(store_read(gc, xs, XBT_NULL, "/b", 8, &value), ERROR_NOTFOUND);
}

static void a_value_that_holds_a_nul_byte_is_refused(void **state)
{
    GC_SCOPE(gc);
    char *value;
    uint64_t number;

    fake_store_set_bytes("/a",
                         "12\0"
                         "34",
                         5);
    assert_int_equal(store_read(gc, xs, XBT_NULL, "/a", STORE_VALUE_MAX, &value), ERROR_INVAL);
    assert_int_equal(store_read_u64(gc, xs, XBT_NULL, "/a", UINT64_MAX, &number), ERROR_INVAL);
}

static void no_permission_keeps_its_errno(void **state)
{
    GC_SCOPE(gc);
    char *value, **names;
    unsigned count;

    fault_arm(1, EACCES);
    assert_int_equal(store_read(gc, xs, XBT_NULL, "/a", 8, &value), ERROR_FAIL);
    assert_int_equal(errno, EACCES);
    fault_arm(1, EACCES);
    assert_int_equal(store_list(gc, xs, XBT_NULL, "/a", &names, &count), ERROR_FAIL);
    assert_int_equal(errno, EACCES);
    fault_arm(1, EACCES);
    assert_int_equal(store_write(xs, XBT_NULL, "/a", "1"), ERROR_FAIL);
    assert_int_equal(errno, EACCES);
    fault_arm(1, EACCES);
    assert_int_equal(store_remove(xs, XBT_NULL, "/a"), ERROR_FAIL);
    assert_int_equal(errno, EACCES);
}

static void numbers_are_digits_within_their_range(void **state)
{
    static const char *const bad[] = {"",
                                      " 1",
                                      "1 ",
                                      "1\n",
                                      "-1",
                                      "+1",
                                      "0x10",
                                      "1.0",
                                      "1e3",
                                      "\xff",
                                      "abc",
                                      "1001",
                                      "18446744073709551616",
                                      "99999999999999999999999999999999999999999999999999999999"};
    GC_SCOPE(gc);
    uint64_t value;

    fake_store_set("/n", "1000");
    assert_int_equal(store_read_u64(gc, xs, XBT_NULL, "/n", 1000, &value), 0);
    assert_int_equal(value, 1000);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        fake_store_set("/n", bad[i]);
        assert_int_equal(store_read_u64(gc, xs, XBT_NULL, "/n", 1000, &value), ERROR_INVAL);
    }
}

static void a_huge_value_is_no_number(void **state)
{
    char huge[STORE_VALUE_MAX];
    GC_SCOPE(gc);
    uint64_t value;

    memset(huge, '0', sizeof(huge));
    fake_store_set_bytes("/n", huge, sizeof(huge));
    assert_int_equal(store_read_u64(gc, xs, XBT_NULL, "/n", UINT64_MAX, &value), ERROR_INVAL);
}

static void signed_numbers_take_one_minus(void **state)
{
    static const char *const bad[] = {"", "-", "--1", "- 1", "1-", "-9223372036854775808", "9223372036854775808"};
    int64_t value;

    assert_int_equal(store_i64_of("-9223372036854775807", &value), 0);
    assert_true(value == -INT64_MAX);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(store_i64_of(bad[i], &value), ERROR_INVAL);
}

static void names_below_a_node_are_listed(void **state)
{
    GC_SCOPE(gc);
    char **names;
    unsigned count;

    fake_store_set("/d/1/name", "x");
    fake_store_set("/d/12", "y");
    fake_store_set("/dd", "z");
    assert_int_equal(store_list(gc, xs, XBT_NULL, "/d", &names, &count), 0);
    assert_int_equal(count, 2);
    assert_string_equal(names[0], "1");
    assert_string_equal(names[1], "12");
    assert_int_equal(store_list(gc, xs, XBT_NULL, "/dd", &names, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(store_list(gc, xs, XBT_NULL, "/e", &names, &count), ERROR_NOTFOUND);
}

static void removing_what_is_not_there_is_no_error(void **state)
{
    assert_int_equal(store_remove(xs, XBT_NULL, "/nothing"), 0);
}

/* ---- transactions ---- */

struct counting {
    unsigned runs;
    int rc;
    int told; /* to not_committed */
};

/* Adds one to /count. */
static int add_one(struct xs_handle *handle, xs_transaction_t t, void *arg)
{
    struct counting *c = arg;
    GC_SCOPE(gc);
    uint64_t value;
    int rc;

    c->runs++;
    rc = store_read_u64(gc, handle, t, "/count", UINT64_MAX, &value);
    if (rc)
        return rc;
    rc = store_printf(gc, handle, t, "/count", "%llu", (unsigned long long)value + 1);
    errno = EXDEV; /* the body's, to be seen by who gets its error */
    return rc ? rc : c->rc;
}

static void a_conflict_runs_the_body_again(void **state)
{
    struct counting c = {0};

    fake_store_set("/count", "1");
    fake_store_conflicts(7);
    assert_int_equal(store_transaction(xs, add_one, NULL, &c), 0);
    assert_int_equal(c.runs, 8);
    assert_string_equal(fake_store_get("/count"), "2");
}

static void write_five(void *arg)
{
    fake_store_set("/count", "5");
}

static void the_body_sees_what_the_other_writer_wrote(void **state)
{
    struct counting c = {0};

    fake_store_set("/count", "1");
    fake_store_before_commit(write_five, NULL);
    assert_int_equal(store_transaction(xs, add_one, NULL, &c), 0);
    assert_int_equal(c.runs, 2);
    assert_string_equal(fake_store_get("/count"), "6");
}

static void endless_conflicts_end_in_a_timeout(void **state)
{
    struct counting c = {0};

    fake_store_set("/count", "1");
    fake_store_conflicts(UINT32_MAX);
    assert_int_equal(store_transaction(xs, add_one, NULL, &c), ERROR_TIMEDOUT);
    assert_int_equal(c.runs, STORE_TRANSACTION_TRIES);
    assert_string_equal(fake_store_get("/count"), "1");
}

static void an_error_of_the_body_drops_the_transaction_and_keeps_errno(void **state)
{
    struct counting c = {.rc = ERROR_INVAL};

    fake_store_set("/count", "1");
    assert_int_equal(store_transaction(xs, add_one, NULL, &c), ERROR_INVAL);
    assert_int_equal(errno, EXDEV);
    assert_int_equal(c.runs, 1);
    assert_string_equal(fake_store_get("/count"), "1");
}

static void a_commit_that_fails_is_an_error(void **state)
{
    struct counting c = {0};

    fake_store_set("/count", "1");
    fault_only("xs_transaction_end");
    fault_arm(1, EIO);
    assert_int_equal(store_transaction(xs, add_one, NULL, &c), ERROR_FAIL);
    assert_int_equal(errno, EIO);
    assert_string_equal(fake_store_get("/count"), "1");
}

static void note_rc(void *arg, int rc)
{
    ((struct counting *)arg)->told = rc;
}

/* The body has said what is wrong by itself; for the rest the loop has it said. */
static void only_what_the_body_cannot_know_is_told(void **state)
{
    struct counting c = {.rc = ERROR_INVAL};

    fake_store_set("/count", "1");
    assert_int_equal(store_transaction(xs, add_one, note_rc, &c), ERROR_INVAL);
    assert_int_equal(c.told, 0);
    c = (struct counting){0};
    assert_int_equal(store_transaction(xs, add_one, note_rc, &c), 0);
    assert_int_equal(c.told, 0);
    fault_only("xs_transaction_end");
    fault_arm(1, EIO);
    assert_int_equal(store_transaction(xs, add_one, note_rc, &c), ERROR_FAIL);
    assert_int_equal(c.told, ERROR_FAIL);
    fake_store_conflicts(UINT32_MAX);
    assert_int_equal(store_transaction(xs, add_one, note_rc, &c), ERROR_TIMEDOUT);
    assert_int_equal(c.told, ERROR_TIMEDOUT);
}

static void a_start_that_is_busy_is_tried_again(void **state)
{
    struct counting c = {0};

    fake_store_set("/count", "1");
    fault_only("xs_transaction_start");
    fault_arm(1, EAGAIN);
    assert_int_equal(store_transaction(xs, add_one, NULL, &c), 0);
    assert_string_equal(fake_store_get("/count"), "2");
    fault_arm(1, EIO);
    assert_int_equal(store_transaction(xs, add_one, NULL, &c), ERROR_FAIL);
    assert_string_equal(fake_store_get("/count"), "2");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_store, close_store)
    const struct CMUnitTest tests[] = {
        T(a_value_is_read_whole_up_to_the_length_asked_for),
        T(a_value_that_holds_a_nul_byte_is_refused),
        T(no_permission_keeps_its_errno),
        T(numbers_are_digits_within_their_range),
        T(a_huge_value_is_no_number),
        T(signed_numbers_take_one_minus),
        T(names_below_a_node_are_listed),
        T(removing_what_is_not_there_is_no_error),
        T(a_conflict_runs_the_body_again),
        T(the_body_sees_what_the_other_writer_wrote),
        T(endless_conflicts_end_in_a_timeout),
        T(an_error_of_the_body_drops_the_transaction_and_keeps_errno),
        T(a_commit_that_fails_is_an_error),
        T(only_what_the_body_cannot_know_is_told),
        T(a_start_that_is_busy_is_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
