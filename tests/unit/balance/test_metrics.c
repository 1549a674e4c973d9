/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Metrics, and those who may look without being root, on the hosts of service.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>

#include "balance/service/metrics-listen.h"
#include "balance/service/metrics-page.h"
#include "tests/unit/balance/service.h"

/* ---- the page ---- */

static char *page(struct gc *gc)
{
    struct text text = metrics_page(gc, service);

    return gc_strndup(gc, text.bytes, text.len);
}

/* The series of that name and domain, up to its end of line; NULL: there is none. */
static const char *series(struct gc *gc, const char *name, uint32_t domid)
{
    char *start = strstr(page(gc), gc_printf(gc, "\n%s{domid=\"%u\",", name, domid));

    if (!start)
        return NULL;
    return gc_strndup(gc, start + 1, strcspn(start + 1, "\n"));
}

static void every_domain_has_its_series_and_what_is_unknown_is_absent(void **state)
{
    static const char *const of_all[] = {"xlext_domain_managed", "xlext_domain_actual_bytes",
                                         "xlext_domain_target_bytes", "xlext_domain_static_max_bytes"};
    static const char *const of_balanced[] = {
        "xlext_domain_min_bytes",  "xlext_domain_max_bytes",  "xlext_domain_weight", "xlext_domain_share_bytes",
        "xlext_domain_lent_bytes", "xlext_domain_owed_bytes", "xlext_domain_stuck",  "xlext_domain_pinned"};
    static const char *const of_reports[] = {"xlext_domain_demand_bytes", "xlext_guest_total_bytes",
                                             "xlext_guest_available_bytes", "xlext_guest_report_age_seconds"};
    static const char *const not_reported[] = {"xlext_guest_free_bytes", "xlext_guest_swap_used_bytes",
                                               "xlext_guest_pressure_ratio", "xlext_guest_oom_kills_total"};
    GC_SCOPE(gc);

    for (size_t i = 0; i < ARRAY_LEN(of_all); i++) {
        assert_non_null(series(gc, of_all[i], 1));
        assert_non_null(series(gc, of_all[i], 2));
    }
    for (size_t i = 0; i < ARRAY_LEN(of_balanced); i++)
        assert_null(series(gc, of_balanced[i], 1));
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    reports(1, 500);
    run_for(1000);
    for (size_t i = 0; i < ARRAY_LEN(of_balanced); i++)
        assert_non_null(series(gc, of_balanced[i], 1));
    for (size_t i = 0; i < ARRAY_LEN(of_reports); i++) {
        assert_non_null(series(gc, of_reports[i], 1));
        assert_null(series(gc, of_reports[i], 2));
    }
    for (size_t i = 0; i < ARRAY_LEN(not_reported); i++)
        assert_null(series(gc, not_reported[i], 1));
}

static void what_a_guest_says_is_told_in_base_units(void **state)
{
    GC_SCOPE(gc);

    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    put(1, "data/memory-stats",
        "total-memory 536870912\navailable-memory 104857600\nfree-memory 52428800\nswap-total 1048576000\n"
        "swap-free 838860800\npsi-some-avg10 1234\noom-kills 3\n");
    run_for(1000);
    assert_non_null(strstr(series(gc, "xlext_guest_available_bytes", 1), "} 104857600"));
    assert_non_null(strstr(series(gc, "xlext_guest_free_bytes", 1), "} 52428800"));
    assert_non_null(strstr(series(gc, "xlext_guest_swap_used_bytes", 1), "} 209715200"));
    assert_non_null(strstr(series(gc, "xlext_guest_pressure_ratio", 1), "} 0.1234"));
    assert_non_null(strstr(series(gc, "xlext_guest_oom_kills_total", 1), "} 3"));
}

static void a_name_cannot_leave_its_label(void **state)
{
    GC_SCOPE(gc);

    put(1, "name", "e\"vil\\\n\033[1mx\x9b");
    run_for(300);
    assert_non_null(strstr(page(gc), "\nxlext_domain_actual_bytes{domid=\"1\",name=\"e\\\"vil\\\\??[1mx?\",uuid=\""));
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

    r = fetch(get, "\nxlext_domain_target_bytes{domid=\"1\",name=\"guest1\",uuid=\"");
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
    static const char *const fit[] = {"localhost",    "LocalHost:9100", "127.0.0.1", "127.0.0.1:80",
                                      "127.1.2.3:80", "[::1]:1",        "[::1]"};
    static const char *const unfit[] = {"",
                                        "evil.example",
                                        "localhost.evil.example",
                                        "127.0.0.1.evil.example:80",
                                        "127.0.0.1:",
                                        "127.0.0.1:8x",
                                        "10.0.0.1",
                                        "127.0.0",
                                        "[::1",
                                        "[",
                                        ":80",
                                        "[::1]x",
                                        "[fe80::1]"};

    for (size_t i = 0; i < ARRAY_LEN(fit); i++)
        assert_true(metrics_host_is_local(fit[i]));
    for (size_t i = 0; i < ARRAY_LEN(unfit); i++)
        assert_false(metrics_host_is_local(unfit[i]));
}

/* ---- where ---- */

static int listen_where(const char *where, struct metrics_place *place)
{
    configure("metrics = \"%s\"\n", where);
    return metrics_listen(env.ctx, env.config, place);
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const unfit[] = {
        "0",        "99999", "x",       ":9703",          "localhost:9703", "1.2.3.4.5:9703",
        "::1:9703", "[::1]", "[::1]:0", "[1.2.3.4]:9703", "1.2.3.4:",       "unix:relative"};

    for (size_t i = 0; i < ARRAY_LEN(unfit); i++) {
        struct metrics_place place = METRICS_NOWHERE;

        assert_int_equal(listen_where(unfit[i], &place), ERROR_INVAL);
        assert_int_equal(place.fd, -1);
    }
}

static void an_address_of_this_machine_is_listened_at(void **state)
{
    struct metrics_place place = METRICS_NOWHERE;
    struct sockaddr_in address = {.sin_family = AF_UNSPEC};
    socklen_t len = sizeof(address);
    GC_SCOPE(gc);

    /* One that no other process has: all of 127/8 is this machine's. */
    assert_int_equal(listen_where(gc_printf(gc, "127.%d.%d.7:9703", 1 + getpid() / 250 % 250, getpid() % 250), &place),
                     0);
    assert_int_equal(getsockname(place.fd, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(ntohs(address.sin_port), 9703);
    assert_true(place.local);
    metrics_unlisten(&place);
}

/* A socket that listens, as systemd would hand it over: a number from 3 on, with a name. */
static int hand_over(int fd, const char *name)
{
    enum { NUMBER = 61 };
    GC_SCOPE(gc);
    char *names = gc_strdup(gc, "");

    for (int i = 3; i < NUMBER; i++)
        names = gc_printf(gc, "%sother:", names);
    assert_int_equal(dup2(fd, NUMBER), NUMBER);
    setenv("LISTEN_PID", gc_printf(gc, "%d", getpid()), 1);
    setenv("LISTEN_FDS", gc_printf(gc, "%d", NUMBER - 3 + 1), 1);
    setenv("LISTEN_FDNAMES", gc_printf(gc, "%s%s", names, name), 1);
    return NUMBER;
}

static int stop_handing(void **state)
{
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return unmake(state);
}

static void a_socket_that_systemd_hands_over_is_taken_by_its_name(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    CLEANUP_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct metrics_place place = METRICS_NOWHERE;
    int handed;

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    handed = hand_over(fd, "metrics");
    /* It must listen. */
    assert_int_equal(metrics_listen(env.ctx, env.config, &place), ERROR_INVAL);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(metrics_listen(env.ctx, env.config, &place), 0);
    assert_int_equal(place.fd, handed);
    assert_false(place.local);
    metrics_unlisten(&place);
    handed = hand_over(fd, "something");
    assert_int_equal(metrics_listen(env.ctx, env.config, &place), 0);
    assert_int_equal(place.fd, -1);
    close(handed);
    handed = hand_over(fd, "metrics");
    setenv("LISTEN_PID", "1", 1);
    assert_int_equal(metrics_listen(env.ctx, env.config, &place), 0);
    assert_int_equal(place.fd, -1);
    close(handed);
}

/* ---- readers ---- */

#define NOBODY 65534

static gid_t readers_group;

/* The command with arguments that are in order, by one who is of the group and not root. */
static int as_reader(const char *command, bool domain)
{
    GC_SCOPE(gc);
    struct json *arguments = json_new_object(gc);
    const struct json *result;
    struct memd_client *c;

    if (setgroups(1, &readers_group) || setgid(NOBODY) || setuid(NOBODY) || memd_connect(env.ctx, &c))
        return 50;
    if (domain)
        json_set_integer(gc, arguments, "domain", 1);
    return memd_call(c, command, arguments, &result) == 0 ? 0 : 51;
}

static int reader_looks(struct memd_client *c, struct gc *gc)
{
    return as_reader(CONTROL_BALANCE, false);
}

static int reader_asks_why(struct memd_client *c, struct gc *gc)
{
    return as_reader(CONTROL_WHY, true);
}

static int reader_changes(struct memd_client *c, struct gc *gc)
{
    return as_reader(CONTROL_RANGE_FORGET, true);
}

static int stranger_looks(struct memd_client *c, struct gc *gc)
{
    readers_group = NOBODY;
    return as_reader(CONTROL_BALANCE, false);
}

static void readers_look_and_change_nothing(void **state)
{
    char path[96];
    struct stat st;

    /* Another user's eyes: only root has them. */
    if (getuid())
        skip();
    readers_group = 1; /* Debian's daemon */
    stop_service();
    configure("readers = \"daemon\"\n");
    start_service();
    assert_int_equal(chmod(folder, 0755), 0);
    snprintf(path, sizeof(path), "%s/" CONTROL_LOOK_SOCKET, folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_int_equal(st.st_gid, 1);
    assert_int_equal(ask(reader_looks), 0);
    assert_int_equal(ask(reader_asks_why), 0);
    assert_int_equal(ask(reader_changes), 51);
    assert_int_equal(ask(stranger_looks), 50);
}

static void without_readers_there_is_one_socket(void **state)
{
    char path[96];

    snprintf(path, sizeof(path), "%s/" CONTROL_LOOK_SOCKET, folder);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void a_group_that_is_not_there_is_refused(void **state)
{
    void *nothing;

    stop_service();
    configure("readers = \"no-such-group\"\n");
    assert_int_equal(service_balance.start(&env, &nothing), ERROR_INVAL);
    configure("\n");
    start_service();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_domain_has_its_series_and_what_is_unknown_is_absent, make, unmake),
        cmocka_unit_test_setup_teardown(what_a_guest_says_is_told_in_base_units, make, unmake),
        cmocka_unit_test_setup_teardown(a_name_cannot_leave_its_label, make, unmake),
        cmocka_unit_test_setup_teardown(half_requests_keep_nobody_out_and_end, make, unmake),
        cmocka_unit_test(a_name_that_is_not_this_machines_is_no_way_to_the_metrics),
        cmocka_unit_test_setup_teardown(metrics_are_served_on_a_socket_of_roots, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_no_address_is_refused, make, unmake),
        cmocka_unit_test_setup_teardown(an_address_of_this_machine_is_listened_at, make, unmake),
        cmocka_unit_test_setup_teardown(a_socket_that_systemd_hands_over_is_taken_by_its_name, make, stop_handing),
        cmocka_unit_test_setup_teardown(readers_look_and_change_nothing, make, unmake),
        cmocka_unit_test_setup_teardown(without_readers_there_is_one_socket, make, unmake),
        cmocka_unit_test_setup_teardown(a_group_that_is_not_there_is_refused, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
