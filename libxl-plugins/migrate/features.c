/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate/features.h"

#include <ctype.h>
#include <inttypes.h>

#include <xenctrl.h>

#include "base/cleanup.h"

/* The enumeration of the header under names of our own, for the few that are special. */
enum {
#define XEN_CPUFEATURE(name, value) FEATURE_##name = value,
#include <xen/arch-x86/cpufeatureset.h>
#undef XEN_CPUFEATURE
};

static const char *const names[] = {
#define XEN_CPUFEATURE(name, value) [value] = #name,
#include <xen/arch-x86/cpufeatureset.h>
#undef XEN_CPUFEATURE
};

#define NONE XEN_CPUID_NO_SUBLEAF

/* The comments of cpufeatureset.h, as data. */
const struct feature_word feature_words[] = {
    {false, 0x00000001, NONE, REGISTER_D, XEN_SYSCTL_CPU_LEVELCAP_edx},
    {false, 0x00000001, NONE, REGISTER_C, XEN_SYSCTL_CPU_LEVELCAP_ecx},
    {false, 0x80000001, NONE, REGISTER_D, XEN_SYSCTL_CPU_LEVELCAP_extd_edx},
    {false, 0x80000001, NONE, REGISTER_C, XEN_SYSCTL_CPU_LEVELCAP_extd_ecx},
    {false, 0x0000000d, 1, REGISTER_A, XEN_SYSCTL_CPU_LEVELCAP_xsave_eax},
    {false, 0x00000007, 0, REGISTER_B, XEN_SYSCTL_CPU_LEVELCAP_l7s0_ebx},
    {false, 0x00000007, 0, REGISTER_C, 0},
    {false, 0x80000007, NONE, REGISTER_D, 0},
    {false, 0x80000008, NONE, REGISTER_B, 0},
    {false, 0x00000007, 0, REGISTER_D, 0},
    {false, 0x00000007, 1, REGISTER_A, 0},
    {false, 0x80000021, NONE, REGISTER_A, 0},
    {false, 0x00000007, 1, REGISTER_B, 0},
    {false, 0x00000007, 2, REGISTER_D, 0},
    {false, 0x00000007, 1, REGISTER_C, 0},
    {false, 0x00000007, 1, REGISTER_D, 0},
    {true, 0x0000010a, NONE, REGISTER_A, 0},
    {true, 0x0000010a, NONE, REGISTER_D, 0},
    {false, 0x80000021, NONE, REGISTER_C, 0},
};
const size_t feature_word_count = ARRAY_LEN(feature_words);

/* A newer Xen with more words needs them named above. */
_Static_assert(ARRAY_LEN(names) <= ARRAY_LEN(feature_words) * 32, "cpufeatureset.h has words that are not known here");

int feature_word_find(bool msr, uint32_t leaf, uint32_t subleaf, enum feature_register reg)
{
    for (size_t i = 0; i < feature_word_count; i++) {
        const struct feature_word *w = &feature_words[i];

        if (w->msr == msr && w->leaf == leaf && w->subleaf == subleaf && w->reg == reg)
            return (int)i;
    }
    return -1;
}

char *feature_name(struct gc *gc, unsigned word, unsigned bit)
{
    size_t i = (size_t)word * 32 + bit;
    char *name;

    if (i >= ARRAY_LEN(names) || !names[i])
        return NULL;
    name = gc_strdup(gc, names[i]);
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return name;
}

bool feature_is_remark(unsigned word, unsigned bit)
{
    switch (word * 32 + bit) {
    case FEATURE_HTT:
    case FEATURE_CMP_LEGACY:
    case FEATURE_FDP_EXCP_ONLY:
    case FEATURE_NO_FPU_SEL:
        return true;
    default:
        return false;
    }
}

char *feature_where(struct gc *gc, bool msr, uint32_t leaf, uint32_t subleaf, enum feature_register reg)
{
    if (msr)
        return gc_printf(gc, "msr 0x%08" PRIx32, leaf);
    if (subleaf == NONE)
        return gc_printf(gc, "0x%08" PRIx32 ".e%cx", leaf, "abcd"[reg]);
    return gc_printf(gc, "0x%08" PRIx32 ":%" PRIu32 ".e%cx", leaf, subleaf, "abcd"[reg]);
}
