/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the balancer does of its own accord on the hosts of service.h, and what it is told about domains. */
#include <errno.h>

#include "tests/unit/balance/service.h"

/* ---- tests ---- */

static void domains_without_a_range_are_left_alone(void **state)
{
    reports(1, 500);
    reports(2, 50);
    run_for(1000);
    assert_int_equal(target_mib(1), 512);
    assert_int_equal(target_mib(2), 512);
    assert_null(fake_store_get("/local/domain/0/xl-ext/own-target/1"));
}

static bool first_has_more(void)
{
    return target_mib(1) >= 590 && target_mib(2) < 512;
}

static void memory_moves_to_who_reports_need(void **state)
{
    assert_int_equal(ask(give_ranges), 0);
    assert_string_equal(fake_store_get("/local/domain/1/memory/dynamic-min"), "262144");
    run_for(300);
    reports(1, 500);
    reports(2, 50);
    assert_true(soon(first_has_more));
    assert_true(target_mib(1) + target_mib(2) <= 1024);
}

static bool first_fits(void)
{
    return target_mib(1) <= 400;
}

static void a_lower_static_max_counts_at_once(void **state)
{
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    reports(1, 100);
    run_for(300);
    put(1, "memory/static-max", "409600");
    assert_true(soon(first_fits));
}

static int one_below_the_floor(struct memd_client *c, struct gc *gc)
{
    return memd_call(c, CONTROL_RANGE, range(gc, 1, 10, 1024), NULL) == ERROR_FAIL &&
                   memd_call(c, CONTROL_RANGE, range(gc, 1, 900, 800), NULL) == ERROR_FAIL &&
                   memd_call(c, CONTROL_RANGE, range(gc, 77, 300, 800), NULL) == ERROR_FAIL
               ? 0
               : 1;
}

/* Where Qubes lets a guest write into its memory/ folder; its reports are looked at now and then. */
static void a_guest_that_writes_without_end_is_heard_of_now_and_then(void **state)
{
    unsigned events;

    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    events = fake_store_events();
    for (unsigned i = 0; i < 200; i++) {
        char text[16];

        snprintf(text, sizeof(text), "%u", 100000 + i);
        put(1, "memory/meminfo", text);
        run_for(2);
    }
    assert_in_range(fake_store_events() - events, 1, 40);
}

static bool first_reports(void)
{
    struct host_report report;

    return !service->host->ops->report(service->host, 1, &report);
}

static bool first_is_silent(void)
{
    return !first_reports();
}

static void a_report_that_is_taken_away_counts_no_more(void **state)
{
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    reports(1, 500);
    assert_true(soon(first_reports));
    put(1, "data/memory-stats", NULL);
    assert_true(soon(first_is_silent));
}

static void ranges_that_cannot_be_are_refused(void **state)
{
    assert_int_equal(ask(one_below_the_floor), 0);
    assert_null(fake_store_get("/local/domain/1/memory/dynamic-min"));
}

static void a_minimum_below_the_floor_is_told_from_a_range_that_is_none(void **state)
{
    uint64_t floor = xlx_mem_floor_memkb(1024 * MIB);

    assert_true(settings_below_floor(&(struct settings){floor - 4, 1024 * MIB, 1}, 1024 * MIB));
    assert_false(settings_below_floor(&(struct settings){floor, 1024 * MIB, 1}, 1024 * MIB));
    assert_false(settings_below_floor(&(struct settings){8, 4, 1}, 1024 * MIB));
    assert_false(settings_below_floor(&(struct settings){4, 8, 1}, 0));
}

static bool first_fixed(void)
{
    struct balancer_domain view;
    GC_SCOPE(gc);

    return !balancer_view_domain(service->balancer, gc, 1, &view) && view.facts.fixed;
}

static bool first_not_fixed(void)
{
    return !first_fixed();
}

static void a_device_passed_through_later_fixes_a_domain(void **state)
{
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    assert_false(first_fixed());
    fake_store_set("/libxl/1/device/pci/0/num_devs", "1");
    assert_true(soon(first_fixed));
    fake_store_set("/libxl/1/device/pci", NULL);
    assert_true(soon(first_not_fixed));
}

static bool nothing_in_flight(void)
{
    struct balancer_host host;

    balancer_look(service->balancer);
    balancer_view_host(service->balancer, &host);
    return !host.in_flight_memkb;
}

/* What it was to have before it was shrunk would be kept free for it for ever. */
static void a_target_of_a_domain_that_is_not_balanced_is_followed_too(void **state)
{
    run_for(300);
    put(2, "memory/target", "262144");
    run_for(300);
    assert_true(soon(nothing_in_flight));
    assert_int_equal(domains[1]->actual_kb, 262144);
}

static int pinned_and_back(struct memd_client *c, struct gc *gc)
{
    const struct json *why;
    bool pinned = false;

    for (int i = 0; i < 100 && !pinned; i++) {
        struct json *w = json_new_object(gc);

        json_set_integer(gc, w, "domain", 1);
        if (memd_call(c, CONTROL_WHY, w, &why))
            return 1;
        json_member_bool(why, "pinned", &pinned);
        usleep(20000);
    }
    return pinned ? 0 : 2;
}

static int take_back(struct memd_client *c, struct gc *gc)
{
    struct json *w = json_new_object(gc);

    json_set_integer(gc, w, "domain", 1);
    return memd_call(c, CONTROL_RANGE_AUTO, w, NULL) != 0;
}

/* It uses 500 MiB as soon as it can. */
static bool first_is_back(void)
{
    uint64_t held_mib = domains[0]->actual_kb / MIB;

    reports(1, held_mib > 500 ? 500 : held_mib - 1);
    return target_mib(1) >= 590;
}

static void a_target_set_by_others_pins_until_auto(void **state)
{
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    put(1, "memory/target", "409600");
    assert_int_equal(ask(pinned_and_back), 0);
    reports(1, 390);
    reports(2, 50);
    run_for(1000);
    assert_int_equal(target_mib(1), 400);
    assert_int_equal(ask(take_back), 0);
    assert_true(soon(first_is_back));
}

/* Falls silent right after its first report, as a guest that is new. */
static bool first_is_balanced(void)
{
    return target_mib(1) > 420;
}

static void auto_counts_at_once_even_when_nobody_reports(void **state)
{
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    reports(1, 390);
    run_for(300);
    put(1, "memory/target", "409600");
    assert_int_equal(ask(pinned_and_back), 0);
    put(1, "data/memory-stats", "total-memory 409600\navailable-memory -5\n");
    run_for(2000);
    assert_int_equal(target_mib(1), 400);
    assert_int_equal(ask(take_back), 0);
    assert_true(soon(first_is_balanced));
}

static void started_again_it_writes_nothing(void **state)
{
    uint64_t one, two;

    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    reports(1, 450);
    reports(2, 50);
    run_for(1500);
    one = target_mib(1);
    two = target_mib(2);
    stop_service();
    start_service();
    run_for(100);
    reports(1, 451);
    reports(2, 51);
    run_for(3000);
    assert_int_equal(target_mib(1), one);
    assert_int_equal(target_mib(2), two);
}

/* ---- metrics ---- */

static char metrics_path[128];

/* What is answered to one request, without the head; 0: as expected. */
static int fetch(const char *request, const char *wanted)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char text[16384];
    size_t len = 0;
    ssize_t r;

    strcpy(address.sun_path, metrics_path);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
        write(fd, request, strlen(request)) != (ssize_t)strlen(request))
        return 10;
    while (len < sizeof(text) - 1 && (r = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)r;
    text[len] = 0;
    return strstr(text, wanted) ? 0 : 11;
}

static int scrape(struct memd_client *c, struct gc *gc)
{
    static const char get[] = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    static const char other[] = "GET /other HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    static const char post[] = "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    int r;

    r = fetch(get, "\nxlext_domain_target_bytes{domid=\"1\",name=\"guest1\"} ");
    if (!r)
        r = fetch(get, "\nxlext_host_total_bytes 17179869184\n");
    if (!r)
        r = fetch(other, "404");
    return r ? r : fetch(post, "405");
}

static void begin_metrics(void)
{
    snprintf(metrics_path, sizeof(metrics_path), "%s/metrics", folder);
    configure("metrics = \"unix:%s\"\n", metrics_path);
    assert_int_equal(metrics_start(service, &service->metrics), 0);
}

static void metrics_are_served_on_a_socket_of_roots(void **state)
{
    struct stat st;

    begin_metrics();
    assert_int_equal(stat(metrics_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    assert_int_equal(ask(scrape), 0);
    metrics_stop(TAKE_PTR(service->metrics));
    assert_int_not_equal(access(metrics_path, F_OK), 0);
}

static int metrics_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, metrics_path);
    return connect(fd, (struct sockaddr *)&address, sizeof(address)) ? -1 : fd;
}

/* A request that never comes to its end: a byte of it now and then. Whether the server still has it. */
static bool drips(int fd)
{
    char text[64];

    return send(fd, "x", 1, MSG_NOSIGNAL) == 1 && recv(fd, text, sizeof(text), MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* Others hold more connections than there may be, and go on; one who asks is answered. */
static int scrape_past_half_requests(struct memd_client *c, struct gc *gc)
{
    static const char get[] = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    int halves[40], fd;
    char text[64];

    for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
        halves[i] = metrics_socket();
        if (halves[i] < 0 || write(halves[i], "GET /", 5) != 5)
            return 1;
    }
    fd = metrics_socket();
    if (fd < 0 || write(fd, get, sizeof(get) - 1) != sizeof(get) - 1)
        return 2;
    while (recv(fd, text, sizeof(text), MSG_DONTWAIT) < 0) {
        for (size_t i = 0; i < ARRAY_LEN(halves); i++)
            drips(halves[i]);
        usleep(100000);
    }
    return memcmp(text, "HTTP/1.1 200", 12) ? 3 : 0;
}

static int drip_until_the_end(struct memd_client *c, struct gc *gc)
{
    int fd = metrics_socket();

    if (fd < 0 || write(fd, "GET /", 5) != 5)
        return 1;
    while (drips(fd))
        usleep(100000);
    return 0;
}

static void half_requests_keep_nobody_out_and_end(void **state)
{
    begin_metrics();
    assert_int_equal(ask(scrape_past_half_requests), 0);
    assert_int_equal(ask(drip_until_the_end), 0);
}

static void a_name_that_is_not_this_machines_is_no_way_to_the_metrics(void **state)
{
    static const char *const fit[] = {"localhost", "LocalHost:9100", "127.0.0.1", "127.0.0.1:80", "[::1]:1"};
    static const char *const unfit[] = {
        "",        "evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "127.0.0.1:", "127.0.0.1:8x",
        "10.0.0.1"};

    for (size_t i = 0; i < ARRAY_LEN(fit); i++)
        assert_true(metrics_host_is_local(fit[i]));
    for (size_t i = 0; i < ARRAY_LEN(unfit); i++)
        assert_false(metrics_host_is_local(unfit[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(domains_without_a_range_are_left_alone, make, unmake),
        cmocka_unit_test_setup_teardown(memory_moves_to_who_reports_need, make, unmake),
        cmocka_unit_test_setup_teardown(a_lower_static_max_counts_at_once, make, unmake),
        cmocka_unit_test_setup_teardown(a_guest_that_writes_without_end_is_heard_of_now_and_then, make, unmake),
        cmocka_unit_test_setup_teardown(a_report_that_is_taken_away_counts_no_more, make, unmake),
        cmocka_unit_test_setup_teardown(ranges_that_cannot_be_are_refused, make, unmake),
        cmocka_unit_test(a_minimum_below_the_floor_is_told_from_a_range_that_is_none),
        cmocka_unit_test_setup_teardown(a_device_passed_through_later_fixes_a_domain, make, unmake),
        cmocka_unit_test_setup_teardown(a_target_of_a_domain_that_is_not_balanced_is_followed_too, make, unmake),
        cmocka_unit_test_setup_teardown(a_target_set_by_others_pins_until_auto, make, unmake),
        cmocka_unit_test_setup_teardown(auto_counts_at_once_even_when_nobody_reports, make, unmake),
        cmocka_unit_test_setup_teardown(started_again_it_writes_nothing, make, unmake),
        cmocka_unit_test_setup_teardown(half_requests_keep_nobody_out_and_end, make, unmake),
        cmocka_unit_test(a_name_that_is_not_this_machines_is_no_way_to_the_metrics),
        cmocka_unit_test_setup_teardown(metrics_are_served_on_a_socket_of_roots, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
