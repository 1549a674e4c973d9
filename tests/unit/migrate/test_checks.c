/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said for and against a move: CPU, Xen, memory, settings, devices, disks, network; and how it is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "migrate/check.h"
#include "tests/fakes/capture.h"
#include "tests/fakes/ctx.h"
#include "tests/fakes/xenctrl.h"
#include "tests/fakes/xenstore.h"
#include "xl-ext/tool.h"

#define MIB UINT64_C(1024)
#define CORPUS "tests/fuzz/corpus/cpu_policy/"

static struct gc *pool;
static struct policy_doc other, guest;
static struct policy_path paths[2];
static struct migrate_check mc;
static struct checking checking;
static libxl_device_disk disks[2];
static libxl_device_nic nics[2];

static int make(void **state)
{
    pool = gc_new();
    memset(paths, 0, sizeof(paths));
    other = (struct policy_doc){.is_host = true,
                                .hostname = "far",
                                .capabilities = "pv hvm hap",
                                .xen_version = "4.17.3",
                                .taken_at = (uint64_t)time(NULL),
                                .paths = paths,
                                .path_count = 0};
    guest = (struct policy_doc){.xen_version = "4.17.7", .name = "web", .type = "pvh"};
    mc = (struct migrate_check){.other = &other, .target = "far", .type = "pvh", .may_move = true, .domid = 5};
    strcpy(mc.name, "web");
    checking = (struct checking){.ctx = fake_ctx_new(), .gc = pool, .mc = &mc, .guest = &guest, .has_config = true};
    libxl_domain_config_init(&checking.config);
    libxl_domain_build_info_init_type(&checking.config.b_info, LIBXL_DOMAIN_TYPE_PVH);
    for (size_t i = 0; i < 2; i++) {
        libxl_device_disk_init(&disks[i]);
        libxl_device_nic_init(&nics[i]);
    }
    return 0;
}

static int unmake(void **state)
{
    fake_ctx_free(checking.ctx);
    gc_free(pool);
    return 0;
}

/* "SUBJECT WORD: TEXT" of the last check. */
static const char *last(void)
{
    static const char *const words[] = {"yes", "remark", "no"};
    const struct check *c = &mc.checks[mc.check_count - 1];

    return gc_printf(pool, "%s %s: %s", c->subject, words[c->verdict], c->text);
}

#define SAYS(text) assert_non_null(strstr(last(), text))

static void another_version_of_xen_may_be_too_far(void **state)
{
    static const struct {
        const char *there, *says;
    } versions[] = {{"4.17.0", "xen yes"},
                    {"4.18.1", "xen remark"},
                    {"4.19.0", "xen no: 4.19.0 there, 4.17"},
                    {"4.16.5", "xen no: 4.16.5"},
                    {"3.4.1", "xen no: 3.4.1 there is older"},
                    {"5.18.0", "xen no"},
                    {"soon", "cannot be compared"},
                    {"", "cannot be compared"}};

    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        mc.may_move = true;
        other.xen_version = versions[i].there;
        check_xen(&checking);
        SAYS(versions[i].says);
        assert_int_equal(mc.may_move, !strstr(last(), " no:"));
    }
}

static void memory_must_be_free_or_be_freed(void **state)
{
    checking.has_config = false;
    checking.info.tot_pages = 512 * MIB / 4;
    check_memory(&checking);
    SAYS("memory remark: it needs 514 MiB; what is free there is not known");
    other.memory_known = true;
    other.free_memkb = 600 * MIB;
    check_memory(&checking);
    SAYS("memory yes: it needs 514 MiB, 600 MiB are free there");
    other.free_memkb = 400 * MIB;
    other.freeable_memkb = 200 * MIB;
    check_memory(&checking);
    SAYS("memory remark: it needs 514 MiB, 400 MiB are free there and memd can free 200 MiB");
    other.freeable_memkb = 100 * MIB;
    check_memory(&checking);
    SAYS("memory no: it needs 514 MiB, only 400 MiB are free there and memd can free no more than 100 MiB");
    assert_false(mc.may_move);
    /* What a file says grows old. */
    mc.target = "./far.json";
    other.free_memkb = 600 * MIB;
    other.taken_at -= 7200;
    check_memory(&checking);
    SAYS("memory remark: it needs 514 MiB, 600 MiB are free there (2 hours ago)");
}

static void its_state_and_settings_count(void **state)
{
    check_settings(&checking);
    SAYS("settings yes");
    checking.info.flags = XEN_DOMINF_paused;
    check_settings(&checking);
    SAYS("settings remark: it is paused");
    checking.info.flags = XEN_DOMINF_shutdown;
    check_settings(&checking);
    SAYS("settings no: it has shut down");
    checking.info.flags = XEN_DOMINF_dying;
    check_settings(&checking);
    SAYS("settings no: it is being destroyed");
    checking.info.flags = 0;
    libxl_defbool_set(&checking.config.b_info.disable_migrate, true);
    check_settings(&checking);
    SAYS("settings no: nomigrate is set");
    fake_xen_vnuma(true);
    check_settings(&checking);
    SAYS("settings no: it has virtual NUMA nodes");
    fake_xen_vnuma(false);
    checking.has_config = false;
    check_settings(&checking);
    SAYS("settings no: libxl keeps no configuration");
    /* A PV guest needs shadow paging to be moved while it runs. */
    mc.only_saved = false;
    check_live(&checking);
    assert_false(mc.only_saved);
    mc.type = "pv";
    check_live(&checking);
    assert_true(mc.only_saved);
    SAYS("live remark");
}

static void what_ties_it_to_this_host_is_a_no(void **state)
{
    check_passthrough(&checking);
    SAYS("devices yes");
    checking.config.num_pcidevs = 2;
    check_passthrough(&checking);
    SAYS("devices no: it uses PCI devices of this host (2)");
    checking.config.num_pcidevs = 0;
    checking.config.num_p9s = 1;
    check_passthrough(&checking);
    SAYS("devices no: it uses shared folders (9pfs)");
}

static void disks_and_bridges_must_be_there(void **state)
{
    static char file[] = "/srv/web.img", script[] = "rbd:pool/web", bridge[] = "xenbr0", vdev[] = "xvda";

    check_disks(&checking);
    SAYS("disks yes: it has none");
    check_network(&checking);
    SAYS("network yes");
    disks[0].pdev_path = file;
    disks[0].vdev = vdev;
    disks[1].pdev_path = script;
    nics[0].bridge = bridge;
    checking.config.disks = disks;
    checking.config.num_disks = 2;
    checking.config.nics = nics;
    checking.config.num_nics = 1;
    check_collect_paths(&checking);
    check_collect_paths(&checking);
    assert_int_equal(checking.path_count, 2);
    check_disks(&checking);
    SAYS("disks remark: disk: rbd:pool/web comes from the network");
    assert_non_null(strstr(mc.checks[mc.check_count - 2].text, "xvda: /srv/web.img: not known"));
    check_network(&checking);
    SAYS("network remark");
    other.path_count = ARRAY_LEN(paths);
    paths[0] = (struct policy_path){"/srv/web.img", true};
    paths[1] = (struct policy_path){"/sys/class/net/xenbr0", false};
    checking.config.num_disks = 1;
    check_disks(&checking);
    SAYS("disks yes: xvda: /srv/web.img is there");
    check_network(&checking);
    SAYS("network no: bridge: /sys/class/net/xenbr0 is not there");
    checking.config.disks = NULL;
    checking.config.nics = NULL;
    checking.config.num_disks = checking.config.num_nics = 0;
}

/* A kernel that a device model opens again when it starts. */
static void an_emulated_guest_needs_its_kernel_and_its_device_model_there(void **state)
{
    static char kernel[] = "/boot/vmlinuz";

    libxl_domain_build_info_init(&checking.config.b_info);
    libxl_domain_build_info_init_type(&checking.config.b_info, LIBXL_DOMAIN_TYPE_HVM);
    checking.config.b_info.kernel = kernel;
    check_collect_paths(&checking);
    assert_int_equal(checking.path_count, 1);
    check_disks(&checking);
    SAYS("disks remark: kernel: /boot/vmlinuz");
    libxl_defbool_set(&checking.config.b_info.u.hvm.gfx_passthru, true);
    check_passthrough(&checking);
    SAYS("devices no: it uses the graphics card of this host");
    checking.config.b_info.kernel = NULL;
}

static struct policy_doc *document(const char *file)
{
    struct policy_doc *doc = NULL;

    assert_int_equal(policy_of_file(checking.ctx, pool, file, &doc), 0);
    return doc;
}

static void what_the_cpu_there_lacks_is_named(void **state)
{
    struct policy_doc *host = document(CORPUS "host.raw"), *poor = document(CORPUS "host.raw");

    guest.guest = host->hvm_max;
    mc.other = host;
    assert_int_equal(check_cpu(&checking), 0);
    SAYS("cpu yes: the other host has every feature of the guest");
    mc.other = poor;
    poor->hvm_max = poor->pv_max = NULL;
    poor->capabilities = "";
    assert_int_equal(check_cpu(&checking), 0);
    SAYS("cpu no: the other host has no");
    /* One without any feature. */
    poor->hvm_max = poor->pv_max = GC_NEW(pool, struct cpu_policy);
    assert_int_equal(check_cpu(&checking), 0);
    assert_true(mc.missing_count > 10);
    assert_false(mc.may_move);
}

static void the_result_is_shown_as_text_and_as_json(void **state)
{
    struct xlx_ui ui = {.ops = &tool_ui_ops};
    struct capture c;
    const char *text;

    other.xen_version = "4.16.1";
    check_xen(&checking);
    check_passthrough(&checking);
    verdict_add(&checking, "cpu", VERDICT_REMARK, "%s",
                verdict_list(pool, (const char *const[]){"a feature", "another feature that is long enough"}, 2));
    for (int json = 0; json < 2; json++) {
        ui.json = json;
        c = capture_begin(stdout);
        migrate_check_show(pool, &ui, &mc);
        text = capture_end(&c);
        assert_non_null(strstr(text, json ? "\"may_move\": false" : "web (pvh) to far (host far): must not move"));
        assert_non_null(strstr(text, "a feature, another feature"));
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make, unmake)
    const struct CMUnitTest tests[] = {
        T(another_version_of_xen_may_be_too_far), T(memory_must_be_free_or_be_freed),
        T(its_state_and_settings_count),          T(what_ties_it_to_this_host_is_a_no),
        T(disks_and_bridges_must_be_there),       T(an_emulated_guest_needs_its_kernel_and_its_device_model_there),
        T(what_the_cpu_there_lacks_is_named),     T(the_result_is_shown_as_text_and_as_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
