/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stub domain's init: which of QEMU's QMP lines says that a network card has gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "stubdom/init/monitor.h"

static bool deleted(const char *line, uint32_t *devid)
{
    return monitor_is_nic_deleted(line, strlen(line), devid);
}

static void the_event_of_a_network_card_is_recognised(void **state)
{
    uint32_t devid = 99;

    assert_true(deleted("{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"DEVICE_DELETED\", "
                        "\"data\": {\"device\": \"nic3\", \"path\": \"/machine/peripheral/nic3\"}}\r",
                        &devid));
    assert_int_equal(devid, 3);
}

static void every_other_line_is_not_taken_for_it(void **state)
{
    static const char *const lines[] = {
        "",
        "DEVICE_DELETED",
        "{\"event\": \"DEVICE_DELETED\"}",
        "{\"event\": \"DEVICE_DELETED\", \"data\": {\"path\": \"/machine/nic0\"}}",
        "{\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"ide0\"}}",
        "{\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"nic\"}}",
        "{\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"nic-1\"}}",
        "{\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"nic99999999999\"}}",
        "{\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": 3}}",
        "{\"event\": \"STOP\", \"data\": {\"device\": \"nic0\", \"x\": \"DEVICE_DELETED\"}}",
        "{\"return\": {\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"nic0\"}}}",
        "[\"DEVICE_DELETED\"",
    };
    uint32_t devid;

    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_false(deleted(lines[i], &devid));
}

static bool answers(const char *line)
{
    return monitor_is_answer(line, strlen(line));
}

static void an_answer_is_told_from_an_event(void **state)
{
    assert_true(answers("{\"return\": {}}\r"));
    assert_true(answers("{\"return\": {\"status\": \"running\"}}"));
    assert_false(answers("{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"return\"}}"));
    assert_false(answers("{\"event\": \"RESUME\", \"data\": {\"return\": {}}}"));
    assert_false(answers("[\"return\"]"));
    assert_false(answers("{\"return\": {}"));
    assert_false(answers(""));
}

static bool running(const char *line)
{
    return monitor_says_running(line, strlen(line));
}

/* A machine that is being restored runs later than its QEMU. */
static void that_the_machine_runs_is_told_in_two_ways(void **state)
{
    assert_true(running("{\"return\": {\"status\": \"running\", \"singlestep\": false, \"running\": true}}\r"));
    assert_true(running("{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"RESUME\"}\r"));
    assert_false(running("{\"return\": {\"status\": \"inmigrate\", \"singlestep\": false, \"running\": false}}\r"));
    assert_false(running("{\"return\": {}}"));
    assert_false(running("{\"event\": \"STOP\"}"));
    assert_false(running("{\"event\": \"RTC_CHANGE\", \"return\": {\"status\": \"running\"}}"));
    assert_false(running("{\"return\": \"running\"}"));
    assert_false(running("RESUME"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_event_of_a_network_card_is_recognised),
        cmocka_unit_test(every_other_line_is_not_taken_for_it),
        cmocka_unit_test(an_answer_is_told_from_an_event),
        cmocka_unit_test(that_the_machine_runs_is_told_in_two_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
