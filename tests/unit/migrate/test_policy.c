/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Documents of CPU policies and their comparison, on a document of a real host (Xen 4.17.7 in QEMU), which is in the
 * fuzz corpus in both forms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "migrate/compare.h"
#include "migrate/policy.h"

#define CORPUS "tests/fuzz/corpus/cpu_policy/"
#define NONE XEN_CPUID_NO_SUBLEAF

static char *load(struct gc *gc, const char *path, size_t *len)
{
    char *text = gc_alloc(gc, POLICY_TEXT_MAX);
    FILE *f = fopen(path, "re");

    assert_non_null(f);
    *len = fread(text, 1, POLICY_TEXT_MAX - 1, f);
    fclose(f);
    return text;
}

static struct policy_doc *parse(struct gc *gc, const char *text)
{
    struct policy_doc *doc = NULL;
    const char *cause = "";

    if (policy_read(gc, text, strlen(text), &doc, &cause))
        fail_msg("%s", cause);
    return doc;
}

static struct policy_doc *real_host(struct gc *gc)
{
    size_t len;

    return parse(gc, load(gc, CORPUS "host.raw", &len));
}

static const char *refusal(struct gc *gc, const char *text, size_t len)
{
    struct policy_doc *doc;
    const char *cause = NULL;

    if (!policy_read(gc, text, len, &doc, &cause))
        return "accepted";
    assert_non_null(cause);
    return cause;
}

/* The text with the first occurrence of old replaced. */
static char *edited(struct gc *gc, const char *text, const char *old, const char *new)
{
    const char *at = strstr(text, old);

    assert_non_null(at);
    return gc_printf(gc, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
}

/* ---- reading and writing ---- */

static void both_forms_hold_the_same(void **state)
{
    GC_SCOPE(gc);
    size_t len;
    char *raw = load(gc, CORPUS "host.raw", &len), *json = load(gc, CORPUS "host.json", &len);
    struct policy_doc *from_raw = parse(gc, raw), *from_json = parse(gc, json);

    assert_string_equal(policy_write_raw(gc, from_raw), raw);
    assert_string_equal(json_text(gc, policy_json(gc, from_json), JSON_PRETTY), json);
    assert_int_equal(policy_compare(gc, from_raw->pv_max, from_json->pv_max)->count, 0);
    assert_int_equal(policy_compare(gc, from_raw->hvm_max, from_json->hvm_max)->count, 0);
}

static void a_domain_goes_through_both_forms_unchanged(void **state)
{
    GC_SCOPE(gc);
    struct policy_doc *host = real_host(gc), *back;
    struct policy_doc domain = {.xen_version = "4.17.7",
                                .hostname = "h",
                                .taken_at = 5,
                                .name = "web server",
                                .type = "pvh",
                                .domid = 7,
                                .guest = host->hvm_max};
    char *raw = policy_write_raw(gc, &domain);

    back = parse(gc, raw);
    assert_string_equal(back->name, "web server");
    assert_string_equal(back->type, "pvh");
    assert_string_equal(policy_write_raw(gc, back), raw);
    back = parse(gc, json_text(gc, policy_json(gc, &domain), JSON_COMPACT));
    assert_string_equal(policy_write_raw(gc, back), raw);
}

static void cpu_pools_go_through_both_forms_unchanged(void **state)
{
    GC_SCOPE(gc);
    struct policy_doc *host = real_host(gc), *back;
    struct policy_pool pools[] = {
        {.id = 0, .name = "Pool-0"}, {.id = 3, .name = "for databases"}, {.id = 4, .name = "e"}};
    char *raw;

    assert_int_equal(host->pool_count, 0);
    assert_true(policy_cpus_parse("0-2,7,4095", &pools[0]));
    assert_true(policy_cpus_parse("3", &pools[1]));
    assert_true(policy_cpus_parse("none", &pools[2]));
    host->pools = pools;
    host->pool_count = 3;
    raw = policy_write_raw(gc, host);
    assert_non_null(strstr(raw, "\npool 0 0-2,7,4095 Pool-0\npool 3 3 for databases\npool 4 none e\n"));
    back = parse(gc, raw);
    assert_int_equal(back->pool_count, 3);
    assert_true(policy_pool_has(&back->pools[0], 7) && policy_pool_has(&back->pools[0], 4095));
    assert_false(policy_pool_has(&back->pools[0], 3) || policy_pool_has(&back->pools[0], 4096));
    assert_string_equal(back->pools[1].name, "for databases");
    assert_string_equal(policy_write_raw(gc, back), raw);
    back = parse(gc, json_text(gc, policy_json(gc, host), JSON_COMPACT));
    assert_string_equal(policy_write_raw(gc, back), raw);
}

static void lists_of_cpus_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {"", ",", "1,", "-1", "1-", "3-1", "4096", "0-4096", "x", "1 2", "1--2", "nones"};
    struct policy_pool pool;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(policy_cpus_parse(bad[i], &pool));
}

static void a_name_cannot_smuggle_in_a_line(void **state)
{
    GC_SCOPE(gc);
    struct policy_doc *host = real_host(gc), *back;

    host->hostname = "h\nxen 4.99.0\033[31m";
    back = parse(gc, policy_write_raw(gc, host));
    assert_string_equal(back->xen_version, "4.17.7");
    assert_string_equal(back->hostname, "h?xen 4.99.0?[31m");
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    static const char *const files[] = {CORPUS "host.raw", CORPUS "host.json"};

    for (size_t f = 0; f < 2; f++) {
        GC_SCOPE(gc);
        size_t len;
        char *text = load(gc, files[f], &len);

        while (text[len - 1] == '\n')
            len--;
        for (size_t n = 0; n < len; n += n < 200 || n + 200 > len ? 1 : 97) {
            GC_SCOPE(scratch);

            assert_string_not_equal(refusal(scratch, text, n), "accepted");
        }
    }
}

static void other_files_are_refused_with_a_cause(void **state)
{
    static const struct {
        const char *text, *cause;
    } cases[] = {
        {"", "it is empty"},
        {" \n\t", "it is empty"},
        {"root:x:0:0:root:/root:/bin/sh\n", "no CPU policy"},
        {"root", "no CPU policy"},
        {"{\"a\": 1}", "no CPU policy"},
        {"{", "premature EOF"},
        {"[]", "no CPU policy"},
        {"xl-ext-cpu-policy 2\n", "another version of xl-ext"},
        {"xl-ext-cpu-policy 4294967296\n", "no CPU policy"},
        {"{\"format\": \"xl-ext-cpu-policy\", \"version\": 2}", "another version of xl-ext"},
        {"{\"format\": \"xl-ext-cpu-policy\", \"version\": 1, \"kind\": \"host\", \"xen\": \"4.17\"}", "no list"},
        {"xl-ext-cpu-policy 1\nkind host\nend 2\n", "from which Xen"},
        {"xl-ext-cpu-policy 1\nkind host\nxen 4.17.7\nend 3\n", "needs the policy pv_max"},
        {"xl-ext-cpu-policy 1\nkind domain\nxen 4.17.7\nend 3\n", "needs the policy guest"},
        {"xl-ext-cpu-policy 1\nkind host\nxen 4.17.7\npolicy pv_max\nend 4\n", "is empty"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        GC_SCOPE(gc);

        if (!strstr(refusal(gc, cases[i].text, strlen(cases[i].text)), cases[i].cause))
            fail_msg("'%s': %s", cases[i].text, refusal(gc, cases[i].text, strlen(cases[i].text)));
    }
    {
        GC_SCOPE(gc);

        assert_non_null(strstr(refusal(gc, "\177ELF\0\0", 6), "NUL"));
    }
}

static void changed_lines_are_refused_with_a_cause(void **state)
{
    static const struct {
        const char *old, *new, *cause;
    } cases[] = {
        {"xen 4.17.7", "xen 4.11.4", "which cannot tell its CPU policies"},
        {"xen 4.17.7", "xen 3.4.0", "which cannot tell its CPU policies"},
        {"xen 4.17.7", "xen seventeen", "no version of Xen"},
        {"xen 4.17.7", "xen 4.x", "no version of Xen"},
        {"kind host", "kind toaster", "neither host nor domain"},
        {"kind host", "kind domain", "needs the policy guest"},
        {"policy pv_max", "policy pv_least", "no policy named"},
        {"policy hvm_max", "policy pv_max", "stands there twice"},
        {"leaf 00000000", "leaf 0000000g", "six times eight"},
        {"leaf 00000000", "leaf 0", "six times eight"},
        {"leaf 00000000 ", "leaf 00000000 00000000 ", "more than six"},
        {"leaf 00000003 ffffffff", "leaf 00000002 ffffffff", "twice"},
        {"leaf 00000001 ffffffff", "leaf 00000001 00000000", "lacks the CPUID leaves 0 and 1"},
        {"msr 000000ce", "msr ce", "eight and sixteen"},
        {"memory ", "memory x", "two numbers"},
        {"taken ", "taken -", "no number"},
        {"capabilities ", "colour ", "not known"},
        {"\nhostname ", "\nhostname\n", "not of this format"},
        {"\nend ", "\nend 9", "lines are missing"},
        {"\nleaf 00000002", "\nhostname x\nleaf 00000002", "lines are missing"},
    };
    GC_SCOPE(gc);
    size_t len;
    const char *text = load(gc, CORPUS "host.raw", &len);

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *bad = edited(gc, text, cases[i].old, cases[i].new), *cause = refusal(gc, bad, strlen(bad));

        if (!strstr(cause, cases[i].cause))
            fail_msg("'%s': %s", cases[i].new, cause);
    }
    assert_non_null(strstr(refusal(gc, gc_printf(gc, "%smore\n", text), len + 5), "after the end"));
}

static void a_document_without_end_is_bounded(void **state)
{
    GC_SCOPE(gc);
    size_t size = 4 * POLICY_TEXT_MAX, n;
    char *text = gc_alloc(gc, size);

    n = (size_t)sprintf(text, "xl-ext-cpu-policy 1\nkind host\nxen 4.17.7\npolicy pv_max\n");
    for (unsigned i = 0; n < POLICY_TEXT_MAX - 100; i++)
        n += (size_t)sprintf(text + n, "leaf %08x ffffffff 00000000 00000000 00000000 00000000\n", i);
    assert_non_null(strstr(refusal(gc, text, n), "more than 1024 leaves"));
    memset(text + n, ' ', size - n);
    assert_non_null(strstr(refusal(gc, text, size), "longer than a CPU policy"));
}

/* ---- comparing ---- */

static xen_cpuid_leaf_t *leaf_of(struct cpu_policy *p, uint32_t leaf, uint32_t subleaf)
{
    return (xen_cpuid_leaf_t *)(uintptr_t)policy_leaf(p, leaf, subleaf);
}

static const struct difference *only_difference(struct gc *gc, const struct cpu_policy *a, const struct cpu_policy *b)
{
    struct comparison *c = policy_compare(gc, a, b);

    assert_int_equal(c->count, 1);
    return &c->items[0];
}

static void a_missing_feature_is_named_as_xen_names_it(void **state)
{
    GC_SCOPE(gc);
    struct cpu_policy *strong = real_host(gc)->pv_max, *weak = real_host(gc)->pv_max;
    const struct difference *d;

    leaf_of(weak, 1, NONE)->c &= ~(UINT32_C(1) << 25);
    d = only_difference(gc, strong, weak);
    assert_string_equal(d->name, "aesni");
    assert_string_equal(d->where, "0x00000001.ecx");
    assert_true(d->b_lacks);
    assert_int_equal(d->kind, DIFFERENCE_FEATURE);
    d = only_difference(gc, weak, strong);
    assert_string_equal(d->name, "aesni");
    assert_false(d->b_lacks);
}

static void every_bit_of_every_leaf_is_compared(void **state)
{
    GC_SCOPE(gc);
    struct cpu_policy *a = real_host(gc)->hvm_max, *b = real_host(gc)->hvm_max;

    for (size_t i = 0; i < b->leaf_count; i++) {
        uint32_t *registers[] = {&b->leaves[i].a, &b->leaves[i].b, &b->leaves[i].c, &b->leaves[i].d};
        bool component = b->leaves[i].leaf == 0xd && b->leaves[i].subleaf >= 2;

        for (unsigned bit = 0; bit < 128; bit++) {
            GC_SCOPE(scratch);
            size_t differences;

            *registers[bit / 32] ^= UINT32_C(1) << bit % 32;
            differences = policy_compare(scratch, a, b)->count;
            if (differences != 1 && !(component && (!a->leaves[i].a || !b->leaves[i].a)))
                fail_msg("leaf %08x %08x bit %u: %zu differences", b->leaves[i].leaf, b->leaves[i].subleaf, bit,
                         differences);
            *registers[bit / 32] ^= UINT32_C(1) << bit % 32;
        }
    }
    for (size_t i = 0; i < b->msr_count; i++) {
        for (unsigned bit = 0; bit < 64; bit++) {
            GC_SCOPE(scratch);

            b->msrs[i].val ^= UINT64_C(1) << bit;
            assert_int_equal(policy_compare(scratch, a, b)->count, 1);
            b->msrs[i].val ^= UINT64_C(1) << bit;
        }
    }
}

static void numbers_that_a_guest_counts_on_must_be_as_large(void **state)
{
    GC_SCOPE(gc);
    struct cpu_policy *a = real_host(gc)->pv_max, *b = real_host(gc)->pv_max;
    const struct difference *d;
    uint32_t *widths = &leaf_of(b, 0x80000008, NONE)->a;

    *widths -= 1;
    d = only_difference(gc, a, b);
    assert_string_equal(d->name, "physical address bits");
    assert_string_equal(d->a, gc_printf(gc, "%u", (*widths & 0xff) + 1));
    assert_true(d->b_lacks);
    assert_int_equal(d->kind, DIFFERENCE_LIMIT);
    assert_false(only_difference(gc, b, a)->b_lacks);
    *widths += 1;
    leaf_of(b, 0, NONE)->a = 6;
    d = only_difference(gc, a, b);
    assert_string_equal(d->name, "highest basic leaf");
    assert_true(d->b_lacks);
}

static void another_vendor_is_a_lack_both_ways(void **state)
{
    GC_SCOPE(gc);
    struct cpu_policy *a = real_host(gc)->pv_max, *b = real_host(gc)->pv_max;

    memcpy(&leaf_of(b, 0, NONE)->b, "Genu", 4);
    assert_true(only_difference(gc, a, b)->b_lacks);
    assert_string_equal(only_difference(gc, a, b)->a, "Auth");
    assert_true(only_difference(gc, b, a)->b_lacks);
}

static void what_only_describes_the_machine_is_no_lack(void **state)
{
    GC_SCOPE(gc);
    struct cpu_policy *a = real_host(gc)->hvm_max, *b = real_host(gc)->hvm_max;
    struct comparison *c;

    leaf_of(b, 1, NONE)->a ^= 0xf0;              /* model */
    leaf_of(b, 0x80000002, NONE)->a ^= 0x20;     /* brand */
    leaf_of(b, 0x80000006, NONE)->c ^= 0x10000;  /* cache */
    leaf_of(b, 1, NONE)->d ^= UINT32_C(1) << 28; /* HTT: topology */
    leaf_of(b, 7, 0)->b ^= UINT32_C(1) << 13;    /* NO_FPU_SEL: Xen shows the host's */
    c = policy_compare(gc, a, b);
    assert_int_equal(c->count, 5);
    assert_int_equal(c->lacking, 0);
    for (size_t i = 0; i < c->count; i++)
        assert_int_equal(c->items[i].kind, DIFFERENCE_DETAIL);
}

static void a_bit_without_a_name_counts_as_a_feature(void **state)
{
    GC_SCOPE(gc);
    struct cpu_policy *a = real_host(gc)->hvm_max, *b = real_host(gc)->hvm_max;
    const struct difference *d;

    leaf_of(a, 7, 0)->c |= UINT32_C(1) << 15; /* no Xen so far has a name for it */
    d = only_difference(gc, a, b);
    assert_string_equal(d->name, "0x00000007:0.ecx bit 15");
    assert_true(d->b_lacks);
}

static void a_lost_state_component_is_named(void **state)
{
    GC_SCOPE(gc);
    struct cpu_policy *a = real_host(gc)->hvm_max, *b = real_host(gc)->hvm_max;
    struct comparison *c;

    assert_true(leaf_of(b, 0xd, 0)->a & 4);
    leaf_of(b, 0xd, 0)->a &= ~UINT32_C(4);
    memset(&leaf_of(b, 0xd, 2)->a, 0, 16);
    c = policy_compare(gc, a, b);
    assert_int_equal(c->count, 1);
    assert_string_equal(c->items[0].name, "xsave state avx");
    assert_true(c->items[0].b_lacks);
}

/* ---- names ---- */

static void names_are_the_headers_and_each_is_there_once(void **state)
{
    GC_SCOPE(gc);
    size_t count = 0;

    assert_string_equal(feature_name(gc, 0, 0), "fpu");
    assert_string_equal(feature_name(gc, 5, 5), "avx2");
    assert_string_equal(feature_name(gc, 2, 31), "3dnow");
    assert_null(feature_name(gc, 0, 10));
    for (unsigned i = 0; i < feature_word_count * 32; i++) {
        char *name = feature_name(gc, i / 32, i % 32);

        if (!name)
            continue;
        count++;
        for (unsigned k = 0; k < i; k++) {
            char *other = feature_name(gc, k / 32, k % 32);

            assert_true(!other || strcmp(name, other));
            gc_release(gc, other);
        }
    }
    assert_true(count > 200);
    for (size_t i = 0; i < feature_word_count; i++)
        assert_int_equal(feature_word_find(feature_words[i].msr, feature_words[i].leaf, feature_words[i].subleaf,
                                           feature_words[i].reg),
                         i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_hold_the_same),
        cmocka_unit_test(a_domain_goes_through_both_forms_unchanged),
        cmocka_unit_test(cpu_pools_go_through_both_forms_unchanged),
        cmocka_unit_test(lists_of_cpus_that_are_none_are_refused),
        cmocka_unit_test(a_name_cannot_smuggle_in_a_line),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(other_files_are_refused_with_a_cause),
        cmocka_unit_test(changed_lines_are_refused_with_a_cause),
        cmocka_unit_test(a_document_without_end_is_bounded),
        cmocka_unit_test(a_missing_feature_is_named_as_xen_names_it),
        cmocka_unit_test(every_bit_of_every_leaf_is_compared),
        cmocka_unit_test(numbers_that_a_guest_counts_on_must_be_as_large),
        cmocka_unit_test(another_vendor_is_a_lack_both_ways),
        cmocka_unit_test(what_only_describes_the_machine_is_no_lack),
        cmocka_unit_test(a_bit_without_a_name_counts_as_a_feature),
        cmocka_unit_test(a_lost_state_component_is_named),
        cmocka_unit_test(names_are_the_headers_and_each_is_there_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
