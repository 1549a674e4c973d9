/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is told of which domain. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "memd/memd.h"
#include "tests/fakes/clock.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/fault.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"

static struct xlx_ctx *ctx;
static struct service_domains domains;
static char seen[1024]; /* what was told, "; " between */

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    size_t len = strlen(seen);
    va_list args;

    va_start(args, format);
    vsnprintf(seen + len, sizeof(seen) - len, format, args);
    va_end(args);
}

/* What has been waited for answers, and what a new domain takes. */
static uint64_t waited_ms;
static unsigned answer_ms, appeared_count;

uint64_t __wrap_ev_clock_ms(void);
uint64_t __wrap_ev_clock_ms(void)
{
    return fake_clock_ms() + waited_ms;
}

static void appeared(void *arg, struct service_domain *d)
{
    waited_ms += answer_ms;
    appeared_count++;
    note("+%u %s; ", d->domid, d->name);
}

static void renamed(void *arg, struct service_domain *d)
{
    note("%u is %s; ", d->domid, d->name);
}

static void shut_down(void *arg, struct service_domain *d, unsigned reason)
{
    note("%u ends %u; ", d->domid, reason);
}

static void written(void *arg, struct service_domain *d, enum service_node node)
{
    note("%u has a new %s; ", d->domid, node == SERVICE_NODE_TARGET ? "target" : "static-max");
}

static void gone(void *arg, struct service_domain *d)
{
    note("-%u; ", d->domid);
    assert_ptr_equal(service_domain_find(&domains, d->domid), d);
}

static const struct tracker_ops ops = {appeared, renamed, written, shut_down, gone};

static void told(const char *wanted)
{
    for (int i = 0; i < 8; i++)
        uv_run(&ctx->loop, UV_RUN_NOWAIT);
    while (fake_clock_timers())
        uv_run(&ctx->loop, UV_RUN_ONCE);
    assert_string_equal(seen, wanted);
    *seen = 0;
}

static struct fake_domain *add(uint32_t domid, const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
    fake_store_set(path, name);
    return fake_xen_domain(domid, 65536, 65536);
}

/* Watches alone do not keep a loop alive; memd's signals do. */
static struct ev_signal alive;

static void caught(struct ev_signal *s, int signum)
{
}

static struct tracker *begin(void)
{
    struct tracker *t;

    ctx = fake_ctx_new();
    assert_int_equal(ev_signal_start(&ctx->loop, &alive, SIGUSR1, caught), 0);
    *seen = 0;
    add(0, "Domain-0");
    add(1, "one");
    assert_int_equal(tracker_new(ctx, &domains, &ops, NULL, &t), 0);
    return t;
}

static void end(struct tracker *t)
{
    tracker_free(t);
    ev_signal_stop(&alive);
    fake_ctx_free(ctx);
}

static void those_that_are_there_are_told_at_the_start(void **state)
{
    struct tracker *t = begin();

    assert_string_equal(seen, "+0 Domain-0; +1 one; ");
    *seen = 0;
    told("");
    end(t);
}

static void at_rest_nothing_is_asked_and_nothing_waited_for(void **state)
{
    struct tracker *t = begin();
    unsigned looks;

    *seen = 0;
    told("");
    looks = fake_xen_looks();
    fake_forget();
    told("");
    assert_int_equal(fake_xen_looks(), looks);
    assert_int_equal(fake_clock_timers(), 0);
    end(t);
}

static void many_that_come_together_cost_one_look(void **state)
{
    struct tracker *t = begin();
    unsigned looks;

    *seen = 0;
    told("");
    looks = fake_xen_looks();
    for (uint32_t domid = 2; domid < 12; domid++) {
        add(domid, "many");
        fake_store_fire("@introduceDomain");
    }
    told("+2 many; +3 many; +4 many; +5 many; +6 many; +7 many; +8 many; +9 many; +10 many; +11 many; ");
    assert_int_equal(fake_xen_looks(), looks + 1);
    end(t);
}

static void between_many_that_are_slow_to_look_up_others_have_their_turn(void **state)
{
    struct tracker *t = begin();

    told("+0 Domain-0; +1 one; ");
    for (uint32_t domid = 2; domid < 22; domid++)
        add(domid, "n");
    fake_store_fire("@introduceDomain");
    answer_ms = 30;
    for (unsigned turns = 0; domains.count < 22; turns++) {
        assert_in_range(turns, 0, 20);
        appeared_count = 0;
        uv_run(&ctx->loop, UV_RUN_ONCE);
        assert_in_range(appeared_count, 0, 9);
    }
    answer_ms = 0;
    told("+2 n; +3 n; +4 n; +5 n; +6 n; +7 n; +8 n; +9 n; +10 n; +11 n; +12 n; +13 n; +14 n; +15 n; +16 n; +17 n; "
         "+18 n; +19 n; +20 n; +21 n; ");
    end(t);
}

static void a_new_name_is_told_once(void **state)
{
    struct tracker *t = begin();

    *seen = 0;
    told("");
    fake_store_set("/local/domain/1/name", "other");
    told("1 is other; ");
    fake_store_set("/local/domain/1/name", "other");
    told("");
    end(t);
}

static void a_target_or_static_max_that_is_written_is_told_of(void **state)
{
    struct tracker *t = begin();
    struct service_domain *one = service_domain_find(&domains, 1);

    *seen = 0;
    told("");
    assert_true(one->target_watched);
    fake_store_set("/local/domain/1/memory/target", "1024");
    told("1 has a new target; ");
    /* Also when it says the same: who wrote it is news. */
    fake_store_set("/local/domain/1/memory/target", "1024");
    told("1 has a new target; ");
    fake_store_set("/local/domain/1/memory/static-max", "2048");
    told("1 has a new static-max; ");
    fake_store_set("/local/domain/1/memory/meminfo", "1");
    told("");
    end(t);
}

static void a_record_keeps_its_address_while_others_come_and_go(void **state)
{
    struct tracker *t = begin();
    const struct service_domain *one = service_domain_find(&domains, 1);

    for (uint32_t domid = 2; domid < 60; domid++)
        add(domid, "many");
    fake_store_fire("@introduceDomain");
    for (int i = 0; i < 8; i++)
        uv_run(&ctx->loop, UV_RUN_NOWAIT);
    while (fake_clock_timers())
        uv_run(&ctx->loop, UV_RUN_ONCE);
    assert_int_equal(domains.count, 60);
    assert_ptr_equal(service_domain_find(&domains, 1), one);
    assert_null(service_domain_find(&domains, 60));
    fake_xen_remove(0);
    fake_xen_remove(30);
    fake_store_fire("@releaseDomain");
    *seen = 0;
    told("-0; -30; ");
    assert_ptr_equal(service_domain_find(&domains, 1), one);
    assert_null(service_domain_find(&domains, 30));
    assert_int_equal(service_domain_find(&domains, 59)->domid, 59);
    end(t);
}

/* xl save -c, or a migration that fails: the domain goes on under its domid. */
static void a_domain_that_goes_on_after_a_suspend_may_end_again(void **state)
{
    struct tracker *t = begin();
    struct fake_domain *d = add(2, "two");

    fake_store_fire("@introduceDomain");
    told("+0 Domain-0; +1 one; +2 two; ");
    d->flags = XEN_DOMINF_shutdown | 2u << XEN_DOMINF_shutdownshift;
    fake_store_fire("@releaseDomain");
    told("2 ends 2; ");
    /* That it is resumed nobody says. */
    d->flags = XEN_DOMINF_shutdown | 0u << XEN_DOMINF_shutdownshift;
    fake_store_fire("@releaseDomain");
    told("2 ends 0; ");
    d->flags = XEN_DOMINF_running;
    fake_store_fire("@releaseDomain");
    told("");
    d->flags = XEN_DOMINF_shutdown | 0u << XEN_DOMINF_shutdownshift;
    fake_store_fire("@releaseDomain");
    told("2 ends 0; ");
    end(t);
}

static void another_domain_with_the_same_domid_is_another(void **state)
{
    struct tracker *t = begin();
    struct fake_domain *d = add(2, "two");

    fake_store_fire("@introduceDomain");
    told("+0 Domain-0; +1 one; +2 two; ");
    /* Destroyed and created in one turn. */
    d->another = 1;
    fake_store_fire("@releaseDomain");
    fake_store_fire("@introduceDomain");
    told("-2; +2 two; ");
    end(t);
}

static void an_end_is_told_once_and_then_that_it_is_gone(void **state)
{
    struct tracker *t;
    struct fake_domain *d;

    t = begin();
    d = add(2, "two");
    fake_store_fire("@introduceDomain");
    told("+0 Domain-0; +1 one; +2 two; ");
    d->flags = XEN_DOMINF_shutdown | 3u << XEN_DOMINF_shutdownshift;
    fake_store_fire("@releaseDomain");
    told("2 ends 3; ");
    fake_store_fire("@releaseDomain");
    told("");
    d->flags |= XEN_DOMINF_dying;
    fake_store_fire("@releaseDomain");
    told("-2; ");
    fake_xen_remove(1);
    fake_xen_remove(2);
    fake_store_fire("@releaseDomain");
    told("-1; ");
    end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_that_are_there_are_told_at_the_start),
        cmocka_unit_test(at_rest_nothing_is_asked_and_nothing_waited_for),
        cmocka_unit_test(many_that_come_together_cost_one_look),
        cmocka_unit_test(between_many_that_are_slow_to_look_up_others_have_their_turn),
        cmocka_unit_test(a_new_name_is_told_once),
        cmocka_unit_test(a_target_or_static_max_that_is_written_is_told_of),
        cmocka_unit_test(a_record_keeps_its_address_while_others_come_and_go),
        cmocka_unit_test(a_domain_that_goes_on_after_a_suspend_may_end_again),
        cmocka_unit_test(another_domain_with_the_same_domid_is_another),
        cmocka_unit_test(an_end_is_told_once_and_then_that_it_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
