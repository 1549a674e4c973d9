/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The balancer, its Xen side and the control socket together, on xenstore and hypervisor in memory; the clients are
 * processes that use the commands' own end of the socket.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "balance/balance-service.h"
#include "balance/control.h"
#include "balance/memd-client.h"
#include "balance/metrics.h"
#include "balance/reserve-client.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

#define MIB UINT64_C(1024)
#define TOTAL_MEMKB (1124 * MIB)
#define RESERVE_MEMKB (100 * MIB)
#define LIMIT_MS 20000

static struct balance_service service;
static struct service_env env;
static char folder[] = "/tmp/xl-ext-test-XXXXXX";
static struct fake_domain *domains[2];

/* ---- a host with two guests that follow at once ---- */

static void follow_target(struct fake_domain *d)
{
    char path[64];
    const char *target;
    uint64_t held = 0;

    snprintf(path, sizeof(path), "/local/domain/%u/memory/target", d->domid);
    target = fake_store_get(path);
    if (target)
        d->actual_kb = strtoull(target, NULL, 10);
    for (size_t i = 0; i < 2; i++)
        held += domains[i]->actual_kb;
    fake_xen_free_kb(TOTAL_MEMKB - held);
}

static void put(uint32_t domid, const char *node, const char *value)
{
    char path[96];

    snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, node);
    fake_store_set(path, value);
}

static void make_guest(uint32_t domid)
{
    struct service_domain d = {.domid = domid, .type = LIBXL_DOMAIN_TYPE_PV};
    char path[64];

    snprintf(path, sizeof(path), "/libxl/%u/type", domid);
    fake_store_set(path, "pv");
    put(domid, "name", "guest");
    put(domid, "memory/target", "524288");
    put(domid, "memory/static-max", "1048576");
    domains[domid - 1] = fake_xen_domain(domid, 512 * MIB, 513 * MIB);
    snprintf(d.uuid, sizeof(d.uuid), "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", domid,
             domid, domid, domid, domid, domid, domid, domid, domid, domid, domid, domid, domid, domid, domid, domid);
    snprintf(d.name, sizeof(d.name), "guest%u", domid);
    xen_domain_add(&service.xen, &d);
}

static void told(void *arg, const struct host_event *e)
{
    control_tell(arg, e);
}

static void start_service(void)
{
    struct balancer_config config;

    balancer_config_defaults(&config);
    config.reserve_memkb = RESERVE_MEMKB;
    service = (struct balance_service){.env = &env, .ctx = env.ctx};
    assert_int_equal(host_xen_init(&service.xen, env.ctx), 0);
    service.xen.config.report_interval_s = 1;
    service.xen.event = told;
    service.xen.event_arg = &service;
    service.balancer = service.xen.balancer = balancer_new(&service.xen.host, &config);
    assert_int_equal(control_start(&service), 0);
}

static void stop_service(void)
{
    struct balancer *b = TAKE_PTR(service.balancer);

    control_stop(&service);
    service.xen.balancer = NULL;
    balancer_free(b);
    host_xen_dispose(&service.xen);
}

static int make(void **state)
{
    strcpy(folder + sizeof(folder) - 7, "XXXXXX");
    assert_non_null(mkdtemp(folder));
    setenv("XL_EXT_RUN_FOLDER", folder, 1);
    env = (struct service_env){.ctx = fake_ctx_new(), .run_folder = folder};
    start_service();
    for (uint32_t domid = 1; domid <= 2; domid++)
        make_guest(domid);
    for (uint32_t domid = 1; domid <= 2; domid++) {
        domains[domid - 1]->look = follow_target;
        balancer_domain_appeared(service.balancer, domid, false);
    }
    return 0;
}

static int unmake(void **state)
{
    stop_service();
    fake_ctx_free(env.ctx);
    rmdir(folder);
    return 0;
}

/* ---- clients ---- */

static pid_t client;

static void begin_client(int (*act)(struct memd_client *c, struct gc *gc))
{
    struct memd_client *c;

    fflush(stdout);
    client = fork();
    if (client)
        return;
    {
        GC_SCOPE(gc);

        alarm(LIMIT_MS / 1000);
        if (memd_connect(env.ctx, &c))
            _exit(99);
        _exit(act(c, gc));
    }
}

static void stop_loop(struct ev_timer *t)
{
    uv_stop(&env.ctx->loop);
}

static void run_for(uint64_t ms)
{
    struct ev_timer t = {.handle = NULL};

    ev_timer_start(&env.ctx->loop, &t, ms, 0, stop_loop);
    uv_run(&env.ctx->loop, UV_RUN_DEFAULT);
    ev_timer_stop(&t);
}

/* The exit status of the client. */
static int end_client(void)
{
    int status;

    for (int i = 0; i < LIMIT_MS / 10; i++) {
        if (waitpid(client, &status, WNOHANG) == client)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        run_for(10);
    }
    return -1;
}

static int ask(int (*act)(struct memd_client *c, struct gc *gc))
{
    begin_client(act);
    return end_client();
}

/* The first counts for much more, so that it gets what it needs at once. */
static struct json_writer *range(struct gc *gc, uint32_t domid, uint64_t min, uint64_t max)
{
    struct json_writer *w = memd_arguments(gc);

    json_key(w, "domain");
    json_integer(w, domid);
    json_key(w, "min_memkb");
    json_u64(w, min * MIB);
    json_key(w, "max_memkb");
    json_u64(w, max * MIB);
    json_key(w, "weight");
    json_integer(w, domid == 1 ? 60000 : 1);
    return w;
}

static int give_ranges(struct memd_client *c, struct gc *gc)
{
    return memd_call(c, gc, CONTROL_RANGE, range(gc, 1, 256, 1024), NULL) ||
           memd_call(c, gc, CONTROL_RANGE, range(gc, 2, 256, 1024), NULL);
}

static void reports(uint32_t domid, uint64_t used_mib)
{
    uint64_t total = domains[domid - 1]->actual_kb * 1024;
    char text[128];

    snprintf(text, sizeof(text), "total-memory %" PRIu64 "\navailable-memory %" PRIu64 "\n", total,
             total - used_mib * MIB * 1024);
    put(domid, "data/memory-stats", text);
}

static uint64_t target_mib(uint32_t domid)
{
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/%u/memory/target", domid);
    return strtoull(fake_store_get(path), NULL, 10) / MIB;
}

static bool soon(bool (*so)(void))
{
    for (int i = 0; i < LIMIT_MS / 20 && !so(); i++)
        run_for(20);
    return so();
}

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
    return memd_call(c, gc, CONTROL_RANGE, range(gc, 1, 10, 1024), NULL) == ERROR_FAIL &&
                   memd_call(c, gc, CONTROL_RANGE, range(gc, 1, 900, 800), NULL) == ERROR_FAIL &&
                   memd_call(c, gc, CONTROL_RANGE, range(gc, 77, 300, 800), NULL) == ERROR_FAIL
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

    return !balancer_view_domain(service.balancer, gc, 1, &view) && view.facts.fixed;
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

    balancer_look(service.balancer);
    balancer_view_host(service.balancer, &host);
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
        struct json_writer *w = memd_arguments(gc);

        json_key(w, "domain");
        json_integer(w, 1);
        if (memd_call(c, gc, CONTROL_WHY, w, &why))
            return 1;
        json_member_bool(why, "pinned", &pinned);
        usleep(20000);
    }
    return pinned ? 0 : 2;
}

static int take_back(struct memd_client *c, struct gc *gc)
{
    struct json_writer *w = memd_arguments(gc);

    json_key(w, "domain");
    json_integer(w, 1);
    return memd_call(c, gc, CONTROL_RANGE_AUTO, w, NULL) != 0;
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
    for (uint32_t domid = 1; domid <= 2; domid++) {
        struct service_domain d = {.domid = domid, .type = LIBXL_DOMAIN_TYPE_PV};

        snprintf(d.uuid, sizeof(d.uuid), "%s",
                 domid == 1 ? "01010101-0101-0101-0101-010101010101" : "02020202-0202-0202-0202-020202020202");
        xen_domain_add(&service.xen, &d);
        balancer_domain_appeared(service.balancer, domid, true);
    }
    run_for(100);
    reports(1, 451);
    reports(2, 51);
    run_for(3000);
    assert_int_equal(target_mib(1), one);
    assert_int_equal(target_mib(2), two);
}

/* Reserves 300 MiB and waits until they are there. */
static int reserve(struct memd_client *c, struct gc *gc)
{
    struct json_writer *w = memd_arguments(gc);
    const struct json *m;
    const char *text, *id;

    json_key(w, "size_memkb");
    json_u64(w, 300 * MIB);
    if (memd_call(c, gc, CONTROL_RESERVE, w, &m) || !json_member_string(m, "id", &id))
        return 1;
    w = memd_arguments(gc);
    json_key(w, "id");
    json_string(w, id);
    if (memd_send(c, CONTROL_RESERVE_HOLD, w))
        return 2;
    while (!memd_event(c, gc, 10000, &m)) {
        const struct json *data = json_member(m, "data");

        /* Held until this process is ended. */
        if (json_member_string(data, "state", &text) && !strcmp(text, "ready"))
            pause();
    }
    return 3;
}

static bool room_is_made(void)
{
    return TOTAL_MEMKB - domains[0]->actual_kb - domains[1]->actual_kb >= RESERVE_MEMKB + 300 * MIB;
}

static bool all_is_back(void)
{
    return target_mib(1) + target_mib(2) > 950;
}

static void a_reservation_is_ready_when_it_is_free_and_ends_with_its_holder(void **state)
{
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    reports(1, 100);
    reports(2, 100);
    run_for(300);
    begin_client(reserve);
    assert_true(soon(room_is_made));
    run_for(500);
    assert_true(room_is_made());
    assert_non_null(fake_store_get("/local/domain/0/xl-ext/kept/reservation-r1"));
    kill(client, SIGTERM);
    assert_int_equal(end_client(), -1);
    assert_true(soon(all_is_back));
    assert_null(fake_store_get("/local/domain/0/xl-ext/kept/reservation-r1"));
}

/* More than there is, so that it waits; held by this process only. */
static int reserve_in_vain(struct memd_client *c, struct gc *gc)
{
    struct json_writer *w = memd_arguments(gc);
    const struct json *m;
    const char *id;

    json_key(w, "size_memkb");
    json_u64(w, 900 * MIB);
    if (memd_call(c, gc, CONTROL_RESERVE, w, &m) || !json_member_string(m, "id", &id))
        return 1;
    w = memd_arguments(gc);
    json_key(w, "id");
    json_string(w, id);
    if (memd_send(c, CONTROL_RESERVE_HOLD, w))
        return 2;
    pause();
    return 3;
}

static bool somebody_holds(void)
{
    return service.holds;
}

static bool nobody_holds(void)
{
    return !service.holds && !fake_store_get("/local/domain/0/xl-ext/kept/reservation-r1");
}

/* memd learns that the client is gone when it tells it that the memory is there: within the balancer's round. */
static void a_holder_that_died_unnoticed_loses_its_reservation(void **state)
{
    run_for(100);
    begin_client(reserve_in_vain);
    assert_true(soon(somebody_holds));
    kill(client, SIGKILL);
    assert_int_equal(waitpid(client, NULL, 0), client);
    domains[0]->look = domains[1]->look = NULL;
    fake_xen_free_kb(2048 * MIB);
    /* Any reason for a round. */
    balancer_domain_changed(service.balancer, 1);
    usleep(100000);
    balancer_wake(service.balancer);
    assert_true(soon(nobody_holds));
}

/* ---- holders and memd that is started again ---- */

static void no_progress(struct xlx_ui *ui, const char *format, ...)
{
}

static const struct xlx_ui_ops silent_ops = {.progress = no_progress};

/* Waits for more than there is, then runs a program that never ends. */
static int reserve_and_run(struct memd_client *c, struct gc *gc)
{
    struct xlx_ui ui = {.ops = &silent_ops};
    struct reserve_wish wish = {.size_memkb = 900 * MIB, .domid = -1};
    struct reserve_got got;
    char *argv[] = {gc_strdup(gc, "sleep"), gc_strdup(gc, "1000"), NULL};

    setpgid(0, 0);
    if (reserve_wait(env.ctx, &ui, &c, &wish, &got))
        return 1;
    return run_program_holding(env.ctx, argv, &c, &got);
}

static bool is_kept(const char *state)
{
    const char *value = fake_store_get("/local/domain/0/xl-ext/kept/reservation-r1");

    return value && *value == *state;
}

static bool is_ready(void)
{
    return is_kept("1");
}

static void start_again(void)
{
    stop_service();
    start_service();
}

static void who_waits_or_runs_with_a_reservation_comes_back_to_memd(void **state)
{
    run_for(100);
    begin_client(reserve_and_run);
    assert_true(soon(somebody_holds));
    start_again();
    /* Held again by who still waits for it. */
    assert_true(soon(somebody_holds));
    assert_true(is_kept("0"));
    domains[0]->look = domains[1]->look = NULL;
    fake_xen_free_kb(2048 * MIB);
    assert_true(soon(is_ready));
    run_for(1000);
    start_again();
    /* And by who runs a program with it. */
    assert_true(soon(somebody_holds));
    assert_true(is_ready());
    kill(-client, SIGKILL);
    assert_int_equal(end_client(), -1);
    assert_true(soon(nobody_holds));
}

/* A memd that found no reservations gives the name to another client. */
static void who_comes_back_too_late_takes_nobody_elses_reservation(void **state)
{
    const struct reserve_request other = {.size_memkb = 900 * MIB, .domid = RESERVE_NO_DOMAIN};
    char id[RESERVE_ID_LEN];

    run_for(100);
    begin_client(reserve_and_run);
    assert_true(soon(somebody_holds));
    stop_service();
    fake_store_set("/local/domain/0/xl-ext/kept/reservation-r1", NULL);
    usleep(100000);
    start_service();
    assert_int_equal(balancer_reserve(service.balancer, &other, id), 0);
    assert_string_equal(id, "r1");
    assert_int_equal(end_client(), 1);
    assert_null(service.holds);
    assert_true(is_kept("0"));
}

static int send_about(struct memd_client *c, struct gc *gc, const char *command, const char *id)
{
    struct json_writer *w = memd_arguments(gc);

    json_key(w, "id");
    json_string(w, id);
    return memd_send(c, command, w);
}

/* The first connection sends a second command while its hold is not answered; the end of r1, by another, runs it. */
static int hold_and_go_on(struct memd_client *c, struct gc *gc)
{
    struct memd_client *other, *third;
    const struct json *m;
    int answers = 0;

    for (int i = 0; i < 3; i++) {
        struct json_writer *w = memd_arguments(gc);

        json_key(w, "size_memkb");
        json_u64(w, 900 * MIB);
        if (memd_call(c, gc, CONTROL_RESERVE, w, &m))
            return 1;
    }
    if (memd_connect(env.ctx, &other) || memd_connect(env.ctx, &third) ||
        send_about(other, gc, CONTROL_RESERVE_HOLD, "r3"))
        return 2;
    usleep(200000);
    if (send_about(c, gc, CONTROL_RESERVE_HOLD, "r1") || send_about(c, gc, CONTROL_RESERVE_RELEASE, "r2"))
        return 3;
    usleep(200000);
    if (send_about(third, gc, CONTROL_RESERVE_RELEASE, "r1"))
        return 4;
    while (answers < 2 && !memd_event(c, gc, 10000, &m))
        answers += json_member(m, "return") != NULL;
    memd_disconnect(other);
    memd_disconnect(third);
    return answers == 2 ? 0 : 5;
}

static bool none_is_kept(void)
{
    return !service.holds && !fake_store_get("/local/domain/0/xl-ext/kept/reservation-r1") &&
           !fake_store_get("/local/domain/0/xl-ext/kept/reservation-r2") &&
           !fake_store_get("/local/domain/0/xl-ext/kept/reservation-r3");
}

static void what_a_holder_sent_meanwhile_runs_after_its_answer(void **state)
{
    assert_int_equal(ask(hold_and_go_on), 0);
    assert_true(soon(none_is_kept));
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

static void metrics_are_served_on_a_socket_of_roots(void **state)
{
    struct config *config;
    struct stat st;
    char path[96];
    FILE *file;

    snprintf(path, sizeof(path), "%s/cfg", folder);
    snprintf(metrics_path, sizeof(metrics_path), "%s/metrics", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "metrics = \"unix:%s\"\n", metrics_path);
    fclose(file);
    assert_int_equal(config_load(env.ctx, path, true, &config), 0);
    env.config = config;
    assert_int_equal(metrics_start(&service, &service.metrics), 0);
    assert_int_equal(stat(metrics_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(ask(give_ranges), 0);
    run_for(300);
    assert_int_equal(ask(scrape), 0);
    metrics_stop(service.metrics);
    assert_int_not_equal(access(metrics_path, F_OK), 0);
    config_free(config);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(domains_without_a_range_are_left_alone, make, unmake),
        cmocka_unit_test_setup_teardown(memory_moves_to_who_reports_need, make, unmake),
        cmocka_unit_test_setup_teardown(a_lower_static_max_counts_at_once, make, unmake),
        cmocka_unit_test_setup_teardown(a_guest_that_writes_without_end_is_heard_of_now_and_then, make, unmake),
        cmocka_unit_test_setup_teardown(ranges_that_cannot_be_are_refused, make, unmake),
        cmocka_unit_test(a_minimum_below_the_floor_is_told_from_a_range_that_is_none),
        cmocka_unit_test_setup_teardown(a_device_passed_through_later_fixes_a_domain, make, unmake),
        cmocka_unit_test_setup_teardown(a_target_of_a_domain_that_is_not_balanced_is_followed_too, make, unmake),
        cmocka_unit_test_setup_teardown(a_target_set_by_others_pins_until_auto, make, unmake),
        cmocka_unit_test_setup_teardown(auto_counts_at_once_even_when_nobody_reports, make, unmake),
        cmocka_unit_test_setup_teardown(started_again_it_writes_nothing, make, unmake),
        cmocka_unit_test_setup_teardown(a_reservation_is_ready_when_it_is_free_and_ends_with_its_holder, make, unmake),
        cmocka_unit_test_setup_teardown(a_holder_that_died_unnoticed_loses_its_reservation, make, unmake),
        cmocka_unit_test_setup_teardown(who_waits_or_runs_with_a_reservation_comes_back_to_memd, make, unmake),
        cmocka_unit_test_setup_teardown(who_comes_back_too_late_takes_nobody_elses_reservation, make, unmake),
        cmocka_unit_test_setup_teardown(what_a_holder_sent_meanwhile_runs_after_its_answer, make, unmake),
        cmocka_unit_test_setup_teardown(metrics_are_served_on_a_socket_of_roots, make, unmake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
