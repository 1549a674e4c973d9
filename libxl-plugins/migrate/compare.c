/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate/compare.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"

/*
 * What the registers mean that are no words of Xen's feature set. Registers (or bits) that no rule speaks of are taken
 * for features without a name, so that something new is rather named too often than overlooked.
 */
enum meaning {
    MEANS_DETAIL,    /* no program can need it */
    MEANS_HIGHEST,   /* a number; b's must be at least a's */
    MEANS_SAME,      /* a number; must be equal when a's is not 0 */
    MEANS_COMPONENT, /* a bit for each component of the xsave state */
};

struct rule {
    uint32_t leaf, subleaf; /* subleaf ANY: each, also none */
    enum feature_register reg;
    uint32_t mask;
    enum meaning meaning;
    const char *name;
};

#define ANY (XEN_CPUID_NO_SUBLEAF - 1)
#define NONE XEN_CPUID_NO_SUBLEAF
#define WHOLE UINT32_MAX
/* The bits of leaf 1 that AMD's 0x80000001.edx repeats. */
#define REPEATED_1D UINT32_C(0x0183f3ff)

static const struct rule rules[] = {
    {0x00000000, NONE, REGISTER_A, WHOLE, MEANS_HIGHEST, "highest basic leaf"},
    {0x00000000, NONE, REGISTER_B, WHOLE, MEANS_SAME, "CPU vendor"},
    {0x00000000, NONE, REGISTER_C, WHOLE, MEANS_SAME, "CPU vendor (2)"},
    {0x00000000, NONE, REGISTER_D, WHOLE, MEANS_SAME, "CPU vendor (3)"},
    {0x00000001, NONE, REGISTER_A, WHOLE, MEANS_DETAIL, "family, model and stepping"},
    {0x00000001, NONE, REGISTER_B, 0x0000ff00, MEANS_SAME, "cache line size (8 bytes each)"},
    {0x00000001, NONE, REGISTER_B, 0xffff00ff, MEANS_DETAIL, "brand and topology"},
    {0x00000002, ANY, REGISTER_COUNT, WHOLE, MEANS_DETAIL, "TLB and cache"},
    {0x00000004, ANY, REGISTER_COUNT, WHOLE, MEANS_DETAIL, "caches"},
    {0x00000007, 0, REGISTER_A, WHOLE, MEANS_HIGHEST, "highest subleaf of leaf 7"},
    {0x0000000a, NONE, REGISTER_A, 0x000000ff, MEANS_HIGHEST, "PMU version"},
    {0x0000000a, NONE, REGISTER_COUNT, WHOLE, MEANS_DETAIL, "PMU"},
    {0x0000000b, ANY, REGISTER_COUNT, WHOLE, MEANS_DETAIL, "topology"},
    {0x0000000d, 0, REGISTER_A, WHOLE, MEANS_COMPONENT, "xsave state"},
    {0x0000000d, 0, REGISTER_B, WHOLE, MEANS_DETAIL, "size of the xsave area in use"},
    {0x0000000d, 0, REGISTER_C, WHOLE, MEANS_HIGHEST, "size of the xsave area"},
    {0x0000000d, 0, REGISTER_D, WHOLE, MEANS_COMPONENT, "xsave state"},
    {0x0000000d, 1, REGISTER_B, WHOLE, MEANS_DETAIL, "size of the xsaves area in use"},
    {0x0000000d, 1, REGISTER_C, WHOLE, MEANS_COMPONENT, "xsaves state"},
    {0x0000000d, 1, REGISTER_D, WHOLE, MEANS_COMPONENT, "xsaves state"},
    {0x0000000d, ANY, REGISTER_A, WHOLE, MEANS_SAME, "size of an xsave state"},
    {0x0000000d, ANY, REGISTER_B, WHOLE, MEANS_SAME, "place of an xsave state"},
    {0x0000000d, ANY, REGISTER_C, WHOLE, MEANS_SAME, "kind of an xsave state"},
    {0x40000000, NONE, REGISTER_COUNT, WHOLE, MEANS_DETAIL, "hypervisor leaves"},
    {0x40000100, NONE, REGISTER_COUNT, WHOLE, MEANS_DETAIL, "hypervisor leaves"},
    {0x80000000, NONE, REGISTER_A, WHOLE, MEANS_HIGHEST, "highest extended leaf"},
    {0x80000000, NONE, REGISTER_COUNT, WHOLE, MEANS_DETAIL, "vendor, repeated"},
    {0x80000001, NONE, REGISTER_A, WHOLE, MEANS_DETAIL, "family, model and stepping, repeated"},
    {0x80000001, NONE, REGISTER_B, WHOLE, MEANS_DETAIL, "package type"},
    {0x80000001, NONE, REGISTER_D, REPEATED_1D, MEANS_DETAIL, "features of leaf 1, repeated"},
    {0x80000002, NONE, REGISTER_COUNT, WHOLE, MEANS_DETAIL, "brand"},
    {0x80000003, NONE, REGISTER_COUNT, WHOLE, MEANS_DETAIL, "brand"},
    {0x80000004, NONE, REGISTER_COUNT, WHOLE, MEANS_DETAIL, "brand"},
    {0x80000005, NONE, REGISTER_COUNT, WHOLE, MEANS_DETAIL, "caches"},
    {0x80000006, NONE, REGISTER_COUNT, WHOLE, MEANS_DETAIL, "caches"},
    {0x80000008, NONE, REGISTER_A, 0x000000ff, MEANS_HIGHEST, "physical address bits"},
    {0x80000008, NONE, REGISTER_A, 0x0000ff00, MEANS_HIGHEST, "linear address bits"},
    {0x80000008, NONE, REGISTER_A, 0xffff0000, MEANS_DETAIL, "guest physical address bits"},
    {0x80000008, NONE, REGISTER_C, WHOLE, MEANS_DETAIL, "topology"},
    {0x8000000a, NONE, REGISTER_A, WHOLE, MEANS_HIGHEST, "SVM revision"},
    {0x8000000a, NONE, REGISTER_B, WHOLE, MEANS_DETAIL, "address spaces of SVM"},
    {0x80000019, NONE, REGISTER_COUNT, WHOLE, MEANS_DETAIL, "TLB"},
    {0x8000001a, NONE, REGISTER_COUNT, WHOLE, MEANS_DETAIL, "performance hints"},
    {0x8000001d, ANY, REGISTER_COUNT, WHOLE, MEANS_DETAIL, "caches"},
    {0x8000001e, NONE, REGISTER_COUNT, WHOLE, MEANS_DETAIL, "topology"},
    {0x80000021, NONE, REGISTER_B, WHOLE, MEANS_DETAIL, "size of microcode patches"},
};

static const char *const components[] = {"x87",      "sse", "avx",  "bndregs", "bndcsr", "opmask", "zmm_hi256",
                                         "hi16_zmm", "pt",  "pkru", "pasid",   "cet_u",  "cet_s"};

struct comparing {
    struct gc *gc;
    struct comparison *result;
    size_t capacity;
};

static void add(struct comparing *c, const struct difference *d)
{
    struct comparison *result = c->result;

    if (result->count == c->capacity) {
        c->capacity = c->capacity ? c->capacity * 2 : 32;
        result->items = gc_realloc(c->gc, result->items, c->capacity * sizeof(*d));
    }
    result->items[result->count++] = *d;
    result->lacking += d->b_lacks;
}

/* One register of one leaf (or half an MSR) of both. */
struct pair {
    bool msr;
    uint32_t leaf, subleaf;
    enum feature_register reg;
    uint32_t a, b;
};

static const char *bit_name(struct comparing *c, const struct pair *p, int word, unsigned bit)
{
    char *name = word < 0 ? NULL : feature_name(c->gc, (unsigned)word, bit);

    if (name)
        return name;
    if (p->msr && p->leaf == 0xce && p->reg == REGISTER_A && bit == 31)
        return "cpuid_faulting";
    return gc_printf(c->gc, "%s bit %u", feature_where(c->gc, p->msr, p->leaf, p->subleaf, p->reg),
                     bit + (p->msr && p->reg == REGISTER_D ? 32 : 0));
}

static void compare_bits(struct comparing *c, const struct pair *p, uint32_t mask)
{
    int word = feature_word_find(p->msr, p->leaf, p->subleaf, p->reg);

    for (unsigned bit = 0; bit < 32; bit++) {
        uint32_t one = UINT32_C(1) << bit;
        bool remark = word >= 0 && feature_is_remark((unsigned)word, bit);

        if (!((p->a ^ p->b) & mask & one))
            continue;
        add(c, &(struct difference){
                   .kind = remark ? DIFFERENCE_DETAIL : DIFFERENCE_FEATURE,
                   .name = bit_name(c, p, word, bit),
                   .where = feature_where(c->gc, p->msr, p->leaf, p->subleaf, p->reg),
                   .a = p->a & one ? "yes" : "no",
                   .b = p->b & one ? "yes" : "no",
                   .b_lacks = !remark && p->a & one,
               });
    }
}

static void compare_components(struct comparing *c, const struct pair *p, const char *what)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        uint32_t one = UINT32_C(1) << bit;
        unsigned number = bit + (p->reg == REGISTER_D ? 32 : 0);

        if (!((p->a ^ p->b) & one))
            continue;
        add(c, &(struct difference){
                   .kind = DIFFERENCE_FEATURE,
                   .name = number < ARRAY_LEN(components) ? gc_printf(c->gc, "%s %s", what, components[number])
                                                          : gc_printf(c->gc, "%s %u", what, number),
                   .where = feature_where(c->gc, p->msr, p->leaf, p->subleaf, p->reg),
                   .a = p->a & one ? "yes" : "no",
                   .b = p->b & one ? "yes" : "no",
                   .b_lacks = p->a & one,
               });
    }
}

/* Numbers of a few bits read best in decimal, registers as a whole in hexadecimal; vendors are text. */
static const char *number_text(struct gc *gc, const struct rule *rule, uint32_t value)
{
    char letters[5];

    if (!strncmp(rule->name, "CPU vendor", 10)) {
        memcpy(letters, &value, 4);
        letters[4] = '\0';
        for (unsigned i = 0; i < 4; i++) {
            if (letters[i] < ' ' || letters[i] > '~')
                letters[i] = '.';
        }
        return gc_strdup(gc, letters);
    }
    if (rule->mask != WHOLE || value < 0x10000)
        return gc_printf(gc, "%" PRIu32, value >> __builtin_ctz(rule->mask));
    return gc_printf(gc, "0x%08" PRIx32, value);
}

static void compare_numbers(struct comparing *c, const struct pair *p, const struct rule *rule)
{
    uint32_t a = p->a & rule->mask, b = p->b & rule->mask;

    if (a == b)
        return;
    add(c, &(struct difference){
               .kind = rule->meaning == MEANS_DETAIL ? DIFFERENCE_DETAIL : DIFFERENCE_LIMIT,
               .name = rule->name,
               .where = feature_where(c->gc, p->msr, p->leaf, p->subleaf, p->reg),
               .a = number_text(c->gc, rule, a),
               .b = number_text(c->gc, rule, b),
               .b_lacks = rule->meaning == MEANS_HIGHEST ? a > b : rule->meaning == MEANS_SAME && a,
           });
}

static void compare_registers(struct comparing *c, const struct pair *p)
{
    uint32_t left = WHOLE;

    if (p->a == p->b)
        return;
    for (size_t i = 0; !p->msr && i < ARRAY_LEN(rules); i++) {
        const struct rule *rule = &rules[i];

        if (rule->leaf != p->leaf || (rule->subleaf != ANY && rule->subleaf != p->subleaf) ||
            (rule->reg != REGISTER_COUNT && rule->reg != p->reg) || !(rule->mask & left))
            continue;
        /* Subleaves 0 and 1 of 0xd have rules of their own, which stand before the one for all. */
        if (rule->leaf == 0xd && rule->subleaf == ANY && p->subleaf < 2)
            continue;
        if (rule->meaning == MEANS_COMPONENT) {
            compare_components(c, p, rule->name);
        } else {
            struct rule rest = *rule;

            rest.mask &= left;
            compare_numbers(c, p, &rest);
        }
        left &= ~rule->mask;
    }
    compare_bits(c, p, left);
}

static void compare_leaf(struct comparing *c, const struct cpu_policy *a, const struct cpu_policy *b, bool msr,
                         uint32_t leaf, uint32_t subleaf)
{
    /* A component of the xsave state that one of them does not have is named by its bit in subleaf 0 or 1; only where
     * both have it does its size matter. */
    if (!msr && leaf == 0xd && subleaf >= 2 &&
        (!policy_register(a, false, leaf, subleaf, REGISTER_A) ||
         !policy_register(b, false, leaf, subleaf, REGISTER_A)))
        return;
    for (enum feature_register reg = REGISTER_A; reg < REGISTER_COUNT; reg++) {
        if (msr && reg != REGISTER_A && reg != REGISTER_D)
            continue;
        compare_registers(c, &(struct pair){msr, leaf, subleaf, reg, policy_register(a, msr, leaf, subleaf, reg),
                                            policy_register(b, msr, leaf, subleaf, reg)});
    }
}

/* Features first, then limits, then details; the order of the leaves is kept. */
static void sort_by_kind(struct comparing *c)
{
    struct difference *sorted = gc_array(c->gc, c->result->count, sizeof(*sorted));
    size_t n = 0;

    for (enum difference_kind kind = DIFFERENCE_FEATURE; kind <= DIFFERENCE_DETAIL; kind++) {
        for (size_t i = 0; i < c->result->count; i++) {
            if (c->result->items[i].kind == kind)
                sorted[n++] = c->result->items[i];
        }
    }
    c->result->items = sorted;
}

static bool has_msr(const struct cpu_policy *policy, uint32_t index)
{
    for (size_t i = 0; i < policy->msr_count; i++) {
        if (policy->msrs[i].idx == index)
            return true;
    }
    return false;
}

struct comparison *policy_compare(struct gc *gc, const struct cpu_policy *a, const struct cpu_policy *b)
{
    struct comparing c = {.gc = gc, .result = GC_NEW(gc, struct comparison)};

    for (size_t i = 0; i < a->leaf_count; i++)
        compare_leaf(&c, a, b, false, a->leaves[i].leaf, a->leaves[i].subleaf);
    for (size_t i = 0; i < b->leaf_count; i++) {
        if (!policy_leaf(a, b->leaves[i].leaf, b->leaves[i].subleaf))
            compare_leaf(&c, a, b, false, b->leaves[i].leaf, b->leaves[i].subleaf);
    }
    for (size_t i = 0; i < a->msr_count; i++)
        compare_leaf(&c, a, b, true, a->msrs[i].idx, NONE);
    for (size_t i = 0; i < b->msr_count; i++) {
        if (!has_msr(a, b->msrs[i].idx))
            compare_leaf(&c, a, b, true, b->msrs[i].idx, NONE);
    }
    sort_by_kind(&c);
    return c.result;
}
