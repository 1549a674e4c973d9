/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stubdom-check: the rules, the image's description, and how a configuration is fixed. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "stubdom-launch/check.h"
#include "stubdom-launch/facts.h"
#include "stubdom-launch/fix.h"
#include "stubdom-launch/stubdom.h"

/* What "xl create --dryrun" of Xen 4.17 prints, without what no rule looks at; %s: more of b_info, of type.hvm, and of
 * the domain. */
#define CONFIG                                                                                                         \
    "{\"c_info\": {\"type\": \"hvm\", \"name\": \"g\"}, \"b_info\": {\"device_model_version\": \"qemu_xen\", "         \
    "\"device_model_stubdomain\": \"True\"%s, \"type.hvm\": {\"vnc\": {\"enable\": \"False\"}, \"serial\": "           \
    "\"pty\"%s}}"                                                                                                      \
    "%s}"

static char *includes[] = {(char *)"/boot/guest", (char *)"/usr/lib/ipxe/qemu/efi-virtio.rom"};

static struct stubdom_facts sound_host(void)
{
    return (struct stubdom_facts){
        .xen = "4.17",
        .boot_folder = "/boot",
        .kernel = "/boot/k",
        .ramdisk = "/boot/r",
        .kernel_readable = true,
        .ramdisk_readable = true,
        .image = {.xen = (char *)"4.17", .includes = includes, .include_count = ARRAY_LEN(includes)},
    };
}

/* The codes found, in their order, separated by blanks. */
static const char *codes_of(struct gc *gc, const char *config, const struct stubdom_facts *facts)
{
    struct stubdom_findings findings;
    struct json *root;
    char *codes = gc_strdup(gc, "");

    assert_int_equal(json_parse(gc, config, strlen(config), &root, NULL), 0);
    stubdom_check(gc, root, facts, &findings);
    for (size_t i = 0; i < findings.count; i++) {
        assert_true(*findings.items[i].reason && *findings.items[i].cure);
        codes = gc_printf(gc, "%s%s%s", codes, *codes ? " " : "", findings.items[i].code);
    }
    return codes;
}

static const char *codes_with(struct gc *gc, const char *b_info, const char *hvm, const char *domain)
{
    struct stubdom_facts facts = sound_host();

    return codes_of(gc, gc_printf(gc, CONFIG, b_info, hvm, domain), &facts);
}

static void a_sound_configuration_has_no_findings(void **state)
{
    GC_SCOPE(gc);

    assert_string_equal(codes_with(gc, "", "", ""), "");
    assert_string_equal(
        codes_with(gc, "", "",
                   ", \"disks\": [{\"vdev\": \"hda\", \"format\": \"raw\", \"readwrite\": 1}, {\"vdev\": "
                   "\"sdf\", \"format\": \"raw\"}], \"nics\": [{\"model\": \"e1000\"}, {}]"),
        "");
}

#define POD ", \"max_memkb\": 3072000, \"target_memkb\": 2097152"
#define NO_POD ", \"max_memkb\": 2097152, \"target_memkb\": 2097152"

static void every_option_that_cannot_work_is_found(void **state)
{
    static const struct {
        const char *b_info, *hvm, *domain, *codes;
    } cases[] = {
        {", \"device_model\": \"/usr/bin/qemu\"", "", "", "dm-override"},
        {", \"dm_restrict\": \"True\"", "", "", "dm-restrict"},
        {", \"dm_restrict\": \"False\"", "", "", ""},
        {", \"stubdomain_memkb\": 65536", "", "", "memory-small"},
        {", \"stubdomain_memkb\": 131072", "", "", ""},
        {", \"stubdomain_cmdline\": \"xen-privcmd.unrestricted=0\"", "", "", "privcmd-restricted"},
        {", \"kernel\": \"/boot/other\"", "", "", "kernel-not-inside"},
        {", \"kernel\": \"/boot/guest\"", "", "", ""},
        {", \"kernel\": \"/dev/xvdb\", \"ramdisk\": \"/x\"", "", "", "kernel-not-inside"},
        {"", ", \"spice\": {\"enable\": \"True\"}", "", "spice"},
        {"", ", \"sdl\": {\"enable\": \"True\"}", "", "sdl"},
        {"", ", \"vga\": {\"kind\": \"qxl\"}", "", "vga-qxl"},
        {"", "", ", \"disks\": [{\"vdev\": \"hda\", \"format\": \"qcow2\", \"readwrite\": 1}]", "disk-qdisk"},
        {"", "", ", \"disks\": [{\"vdev\": \"hda\", \"format\": \"raw\", \"backend\": \"qdisk\", \"readwrite\": 1}]",
         "disk-qdisk"},
        {"", "", ", \"disks\": [{\"vdev\": \"hdc\", \"format\": \"raw\", \"is_cdrom\": 1}]", "disk-cdrom"},
        {"", "", ", \"disks\": [{\"vdev\": \"hdb\", \"format\": \"raw\"}]", "disk-readonly-ide"},
        {"", "", ", \"disks\": [{\"vdev\": \"xvde\", \"format\": \"raw\", \"readwrite\": 1}]", "disk-not-emulated"},
        {"", ", \"hdtype\": \"ahci\"", ", \"disks\": [{\"vdev\": \"xvde\", \"format\": \"raw\", \"readwrite\": 1}]",
         ""},
        {"", "", ", \"disks\": [{\"vdev\": \"sdaa\", \"format\": \"raw\", \"readwrite\": 1}]", "disk-not-emulated"},
        {"", ", \"hdtype\": \"ahci\"", ", \"disks\": [{\"vdev\": \"xvdg\", \"format\": \"raw\", \"readwrite\": 1}]",
         "disk-not-emulated"},
        {"", ", \"hdtype\": \"ahci\"", ", \"disks\": [{\"vdev\": \"hda\", \"format\": \"raw\"}]", "disk-readonly-ide"},
        {"", "", ", \"disks\": [{\"vdev\": \"xvde\", \"format\": \"raw\"}]", "disk-not-emulated"},
        {"", "",
         ", \"disks\": [{\"vdev\": \"hda\", \"format\": \"raw\", \"readwrite\": 1}, {\"vdev\": \"sda\", \"format\": "
         "\"raw\"}]",
         "disk-same-letter"},
        {"", "",
         ", \"disks\": [{\"vdev\": \"hda\", \"format\": \"raw\", \"readwrite\": 1}, {\"vdev\": \"sdb\", \"format\": "
         "\"raw\"}]",
         ""},
        {"", "", ", \"nics\": [{\"model\": \"ne2k_pci\"}]", "nic-model"},
        {"", "", ", \"nics\": [{\"model\": \"ne2k_pci\", \"nictype\": \"vif\"}]", ""},
        {"", "", ", \"nics\": [{\"model\": \"virtio-net\"}]", ""},
        {"", "", ", \"nics\": [{}, {}, {}, {}, {}, {}, {}, {}, {}]", "nics-many"},
        {"", "", ", \"nics\": [{}, {}, {}, {}, {}, {}, {}, {}, {\"nictype\": \"vif\"}]", ""},
        {"", "", ", \"nics\": [{\"mac\": \"00:16:3e:00:00:0a\"}, {}, {\"mac\": \"00:16:3E:00:00:0A\"}]",
         "nics-same-mac"},
        {"", "", ", \"nics\": [{\"mac\": \"00:16:3e:00:00:0a\"}, {\"mac\": \"00:16:3e:00:00:0b\"}]", ""},
        {"", "", ", \"channels\": [{\"name\": \"a\"}]", "channels"},
        {"", "", ", \"pcidevs\": [{\"dev\": 5}]", "pci"},
        {"", "", ", \"on_crash\": \"restart_rename\"", "rename-restart"},
        {POD ", \"vnuma_nodes\": [{\"memkb\": 1536000}, {\"memkb\": 1536000}]", "", "", "pod-vnuma"},
        {POD ", \"vnuma_nodes\": []", "", "", ""},
        {NO_POD ", \"vnuma_nodes\": [{\"memkb\": 2097152}]", "", "", ""},
        {POD, "", ", \"pcidevs\": [{\"dev\": 5}]", "pod-passthrough pci"},
        {POD, "", ", \"dtdevs\": [{\"path\": \"/soc/mmc\"}]", "pod-passthrough"},
        {POD ", \"vnuma_nodes\": [{\"memkb\": 1}]", "", ", \"pcidevs\": [{\"dev\": 5}]",
         "pod-vnuma pod-passthrough pci"},
        {NO_POD, "", ", \"pcidevs\": [{\"dev\": 5}]", "pci"},
        {", \"max_memkb\": 3072000", "", ", \"pcidevs\": [{\"dev\": 5}]", "pci"},
        {POD, "", "", ""},
    };
    GC_SCOPE(gc);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(codes_with(gc, cases[i].b_info, cases[i].hvm, cases[i].domain), cases[i].codes);
}

static void an_iommu_counts_with_and_without_devices(void **state)
{
    static const struct {
        const char *passthrough, *domain, *codes;
    } cases[] = {
        {"default", "", ""},
        {"disabled", "", ""},
        {"enabled", "", "pod-passthrough"},
        {"sync_pt", "", "pod-passthrough"},
        {"share_pt", "", "pod-passthrough"},
        {"default", ", \"pcidevs\": [{\"dev\": 5}]", "pod-passthrough pci"},
    };
    struct stubdom_facts facts = sound_host();
    GC_SCOPE(gc);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *config = gc_printf(gc, CONFIG, POD, "", cases[i].domain);
        const char *behind = strchr(config, '{') + 1;

        behind = strchr(behind, '{') + 1;
        config = gc_printf(gc, "%.*s\"passthrough\": \"%s\", %s", (int)(behind - config), config, cases[i].passthrough,
                           behind);
        assert_string_equal(codes_of(gc, config, &facts), cases[i].codes);
    }
}

static void what_libxl_refuses_is_an_error(void **state)
{
    struct stubdom_facts facts = sound_host();
    struct stubdom_findings findings;
    struct json *config;
    GC_SCOPE(gc);
    const char *text = gc_printf(gc, CONFIG, POD ", \"vnuma_nodes\": [{\"memkb\": 1}]", "", ", \"dtdevs\": [{}]");

    assert_int_equal(json_parse(gc, text, strlen(text), &config, NULL), 0);
    stubdom_check(gc, config, &facts, &findings);
    assert_int_equal(findings.count, 2);
    assert_int_equal(findings.errors, 2);
}

/* It leaves no trace in what xl makes of the configuration, only a warning. */
static void a_device_model_that_xl_ignores_is_found(void **state)
{
    struct stubdom_facts facts = sound_host();
    GC_SCOPE(gc);

    assert_false(stubdom_ignores_device_model("Parsing config from g.cfg\n"));
    assert_true(stubdom_ignores_device_model("Parsing config from g.cfg\nWARNING: ignoring device_model directive.\n"
                                             "WARNING: Use \"device_model_override\" instead if you really want a "
                                             "non-default device_model\n"));
    facts.ignores_device_model = true;
    assert_string_equal(codes_of(gc, gc_printf(gc, CONFIG, "", "", ""), &facts), "dm-ignored");
}

static void of_what_xl_says_the_error_is_shown(void **state)
{
    GC_SCOPE(gc);

    assert_string_equal(stubdom_complaint(gc, "Parsing config from g.cfg\n"
                                              "WARNING: ignoring device_model directive.\n"
                                              "WARNING: Use \"device_model_override\" instead\n"
                                              "No kernel specified\n"
                                              "more\n"),
                        "No kernel specified");
    assert_string_equal(stubdom_complaint(gc, "g.cfg:1: config parsing error near `x': syntax error\n"
                                              "Failed to parse config: Invalid argument\n"),
                        "g.cfg:1: config parsing error near `x': syntax error");
    assert_string_equal(stubdom_complaint(gc, "WARNING: only that"), "WARNING: only that");
    assert_string_equal(stubdom_complaint(gc, ""), "xl said nothing");
}

static void make_program(struct gc *gc, const char *root, const char *path)
{
    char *file = gc_printf(gc, "%s%s", root, path);

    for (char *slash = file + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        mkdir(file, 0755);
    }
    assert_int_equal(close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0755)), 0);
}

static void another_qemu_is_not_the_one_that_libxl_starts(void **state)
{
    char root[] = "/tmp/test-facts-XXXXXX";
    GC_SCOPE(gc);

    assert_non_null(mkdtemp(root));
    assert_non_null(stubdom_dom0_qemu_missing(gc, root, "4.17"));
    make_program(gc, root, "/usr/bin/qemu-system-i386");
    assert_null(stubdom_dom0_qemu_missing(gc, root, "4.17")); /* a distribution with one QEMU for all */
    make_program(gc, root, "/usr/lib/xen-4.17/bin/xl");
    assert_non_null(stubdom_dom0_qemu_missing(gc, root, "4.17"));
    make_program(gc, root, "/usr/libexec/xen-qemu-system-i386");
    assert_null(stubdom_dom0_qemu_missing(gc, root, "4.17"));
    assert_int_equal(system(gc_printf(gc, "rm -r %s", root)), 0);
}

static void what_the_host_lacks_is_found(void **state)
{
    struct stubdom_facts facts;
    GC_SCOPE(gc);
    const char *config = gc_printf(gc, CONFIG, "", "", "");

    facts = sound_host();
    facts.kernel_readable = false;
    assert_string_equal(codes_of(gc, config, &facts), "image-kernel-missing");
    facts = sound_host();
    facts.ramdisk_readable = false;
    assert_string_equal(codes_of(gc, config, &facts), "image-rootfs-missing");
    facts = sound_host();
    facts.image.xen = NULL;
    assert_string_equal(codes_of(gc, config, &facts), "image-foreign");
    facts = sound_host();
    facts.image.xen = (char *)"4.18";
    assert_string_equal(codes_of(gc, config, &facts), "image-other-xen");
    facts = sound_host();
    facts.proxy = facts.dom0_qemu = "missing";
    facts.stub_name_taken = true;
    assert_string_equal(codes_of(gc, config, &facts), "proxy-missing dom0-qemu-missing name-taken");
}

/* How --fix would change it; NULL: nothing was found. */
static const char *consoles_fixed(struct gc *gc, const char *qemu, bool memd_runs, const char *b_info)
{
    const char *text = gc_printf(gc, CONFIG, b_info, "", "");
    struct stubdom_facts facts = sound_host();
    struct stubdom_findings findings;
    struct json *config;

    facts.image.qemu = (char *)qemu;
    facts.memd_runs = memd_runs;
    assert_int_equal(json_parse(gc, text, strlen(text), &config, NULL), 0);
    stubdom_check(gc, config, &facts, &findings);
    assert_int_equal(findings.errors, 0);
    assert_in_range(findings.count, 0, 1);
    if (!findings.count)
        return NULL;
    assert_string_equal(findings.items[0].code, "consoles-unserved");
    assert_string_equal(findings.items[0].drop[0], "stubdomain_cmdline");
    return findings.items[0].add;
}

static void a_recent_qemu_needs_memd_or_words_to_the_kernel(void **state)
{
#define BOTH "quiet initcall_blacklist=boot_wait_for_devices"
    static const struct {
        const char *qemu, *cmdline, *fixed;
    } cases[] = {
        {"10.0.13 (Debian 1:10.0.13+ds-0+deb13u1)", NULL, "stubdomain_cmdline=\"" BOTH "\""},
        {"8.2.0", "", "stubdomain_cmdline=\"" BOTH "\""},
        {"8.2.0", "quiet", "stubdomain_cmdline=\"" BOTH "\""},
        {"8.2.0", "a=b", "stubdomain_cmdline=\"a=b " BOTH "\""},
        {"8.2.0", "initcall_blacklist=boot_wait_for_devices",
         "stubdomain_cmdline=\"initcall_blacklist=boot_wait_for_devices quiet\""},
        {"8.2.0", "x " BOTH, NULL},
        {"8.1.5", NULL, NULL},
        {"7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)", NULL, NULL},
        {"of my own", NULL, NULL},
        {NULL, NULL, NULL},
    };
    GC_SCOPE(gc);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *b_info =
            cases[i].cmdline ? gc_printf(gc, ", \"stubdomain_cmdline\": \"%s\"", cases[i].cmdline) : "";
        const char *fixed = consoles_fixed(gc, cases[i].qemu, false, b_info);

        if (cases[i].fixed)
            assert_string_equal(fixed, cases[i].fixed);
        else
            assert_null(fixed);
        assert_null(consoles_fixed(gc, cases[i].qemu, true, b_info));
    }
}

static void an_ordinary_guest_is_told_all_it_takes(void **state)
{
    struct stubdom_facts facts = sound_host();
    GC_SCOPE(gc);

    assert_string_equal(codes_of(gc, "{\"c_info\": {\"type\": \"pv\"}, \"b_info\": {}}", &facts),
                        "not-hvm stubdomain-off dm-version vnc serial-missing");
    assert_string_equal(codes_of(gc, "{}", &facts), "not-hvm stubdomain-off dm-version vnc serial-missing");
    assert_string_equal(codes_of(gc, "[]", &facts), "not-hvm stubdomain-off dm-version vnc serial-missing");
}

static void a_configuration_is_fixed_and_nothing_else_is_touched(void **state)
{
    static const char cfg[] = "name = \"g\" # dm_restrict = 0\n"
                              "device_model_override = '/usr/bin/x'; vcpus = 2\n"
                              "  device_model = [ 'a',\n"
                              "  'b' ]\n"
                              "extra = \"a\\\"b\"\n"
                              "dm_restrict = '\\\\'\n"
                              "disk = [ 'dm_restrict=1',\n"
                              "  'b' ] # ]\n"
                              "dm_restrict_not=1\n"
                              "dm_restrict=1";
    struct stubdom_findings findings = {
        .items =
            (struct stubdom_finding[]){
                {.code = "dm-override", .drop = {"device_model_override", "device_model"}},
                {.code = "dm-restrict", .drop = {"dm_restrict"}},
                {.code = "serial-missing", .add = "serial=\"pty\""},
            },
        .count = 3,
    };
    GC_SCOPE(gc);

    assert_string_equal(stubdom_fix(gc, cfg, &findings), "name = \"g\" # dm_restrict = 0\n"
                                                         "# xl-ext: dm-override\n"
                                                         "#device_model_override = '/usr/bin/x'\n"
                                                         " vcpus = 2\n"
                                                         "# xl-ext: dm-override\n"
                                                         "#  device_model = [ 'a',\n"
                                                         "#  'b' ]\n"
                                                         "extra = \"a\\\"b\"\n"
                                                         "# xl-ext: dm-restrict\n"
                                                         "#dm_restrict = '\\\\'\n"
                                                         "disk = [ 'dm_restrict=1',\n"
                                                         "  'b' ] # ]\n"
                                                         "dm_restrict_not=1\n"
                                                         "# xl-ext: dm-restrict\n"
                                                         "#dm_restrict=1\n"
                                                         "serial=\"pty\" # xl-ext: serial-missing\n");
    assert_string_equal(stubdom_fix(gc, "", &(struct stubdom_findings){0}), "");
}

/* The longest that stubdom-check reads: work and memory must not grow with the square of it. */
static void a_long_configuration_costs_little(void **state)
{
    struct stubdom_finding finding = {.code = "dm-restrict", .drop = {"dm_restrict"}};
    struct stubdom_findings findings = {.items = &finding, .count = 1};
    const size_t len = 1 << 20;
    char *cfg = test_malloc(len + 1);
    GC_SCOPE(gc);

    memset(cfg, '\n', len);
    cfg[len] = '\0';
    assert_int_equal(strlen(stubdom_fix(gc, cfg, &findings)), len);
    memcpy(cfg, "dm_restrict=[", strlen("dm_restrict=["));
    cfg[len - 1] = ']';
    assert_true(strlen(stubdom_fix(gc, cfg, &findings)) > len);
    test_free(cfg);
}

/* A cpio archive as stubdom/build-image makes it. */
static size_t archive(char *out, const char *name, const char *text, unsigned long claimed)
{
    int header = sprintf(out, "070701%08X%08X%08X%08X%08X%08X%08lX%08X%08X%08X%08X%08X%08X", 1, 0100644, 0, 0, 1, 0,
                         claimed, 0, 0, 0, 0, (unsigned)strlen(name) + 1, 0);
    size_t at = (size_t)header;

    strcpy(out + at, name);
    at = (at + strlen(name) + 1 + 3) / 4 * 4;
    strcpy(out + at, text);
    return at + strlen(text);
}

static void the_description_of_an_image_is_read(void **state)
{
    static const char text[] =
        "format 1\nkernel 6.1.0-56-amd64\nxen 4.17\nqemu 7.2.22 (Debian)\ninclude /a b\ninclude /c\n";
    char bytes[512] = "";
    struct stubdom_image image;
    size_t len;
    GC_SCOPE(gc);

    len = archive(bytes, "xl-ext-stubdom", text, strlen(text));
    assert_true(stubdom_image_parse(gc, bytes, len, &image));
    assert_string_equal(image.xen, "4.17");
    assert_string_equal(image.kernel, "6.1.0-56-amd64");
    assert_string_equal(image.qemu, "7.2.22 (Debian)");
    assert_int_equal(image.include_count, 2);
    assert_string_equal(image.includes[0], "/a b");
}

static void an_image_that_is_none_of_ours_says_nothing(void **state)
{
    char bytes[512] = "";
    struct stubdom_image image;
    size_t len;
    GC_SCOPE(gc);

    len = archive(bytes, "xl-ext-stubdom", "xen 4.17\n", 9);
    assert_false(stubdom_image_parse(gc, bytes, len - 1, &image));
    assert_false(stubdom_image_parse(gc, bytes, 40, &image));
    assert_false(stubdom_image_parse(gc, "", 0, &image));
    len = archive(bytes, "xl-ext-stubdom", "xen 4.17\n", 0xffffffff);
    assert_false(stubdom_image_parse(gc, bytes, len, &image));
    len = archive(bytes, "xl-ext-stubdoN", "xen 4.17\n", 9);
    assert_false(stubdom_image_parse(gc, bytes, len, &image));
    len = archive(bytes, "xl-ext-stubdom", "kernel 1\n", 9);
    assert_false(stubdom_image_parse(gc, bytes, len, &image));
    len = archive(bytes, "xl-ext-stubdom", "xen 4.17\n", 9);
    bytes[60] = 'g';
    assert_false(stubdom_image_parse(gc, bytes, len, &image));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_configuration_has_no_findings),
        cmocka_unit_test(every_option_that_cannot_work_is_found),
        cmocka_unit_test(an_iommu_counts_with_and_without_devices),
        cmocka_unit_test(what_libxl_refuses_is_an_error),
        cmocka_unit_test(a_device_model_that_xl_ignores_is_found),
        cmocka_unit_test(of_what_xl_says_the_error_is_shown),
        cmocka_unit_test(another_qemu_is_not_the_one_that_libxl_starts),
        cmocka_unit_test(what_the_host_lacks_is_found),
        cmocka_unit_test(a_recent_qemu_needs_memd_or_words_to_the_kernel),
        cmocka_unit_test(an_ordinary_guest_is_told_all_it_takes),
        cmocka_unit_test(a_configuration_is_fixed_and_nothing_else_is_touched),
        cmocka_unit_test(a_long_configuration_costs_little),
        cmocka_unit_test(the_description_of_an_image_is_read),
        cmocka_unit_test(an_image_that_is_none_of_ours_says_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
