/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_MIGRATE_FEATURES_H
#define XLX_MIGRATE_FEATURES_H

/*
 * CPU features by name. Names are those of the installed xen/arch-x86/cpufeatureset.h in lower case, for example
 * "aesni"; which CPUID register or MSR each of its words stands for is fixed by Xen's ABI.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/gc.h"

enum feature_register { REGISTER_A, REGISTER_B, REGISTER_C, REGISTER_D, REGISTER_COUNT };

/* One word of Xen's feature set: 32 features. */
struct feature_word {
    bool msr;         /* leaf is the number of an MSR; its low half is REGISTER_A, the high one REGISTER_D */
    uint32_t leaf;    /* of CPUID */
    uint32_t subleaf; /* XEN_CPUID_NO_SUBLEAF: the leaf has none */
    enum feature_register reg;
    unsigned levelling; /* XEN_SYSCTL_CPU_LEVELCAP_* that masks it for PV guests, 0: none */
};

extern const struct feature_word feature_words[];
extern const size_t feature_word_count;

/* The word that a register of a leaf (or half of an MSR) is, or -1. */
int feature_word_find(bool msr, uint32_t leaf, uint32_t subleaf, enum feature_register reg);

/* "aesni"; NULL: the header has no name for this bit. In the pool. */
char *feature_name(struct gc *gc, unsigned word, unsigned bit);
/* True for a bit that says something of the machine without being a thing programs use: Xen makes it up anew on each
 * host (topology), or it marks something the CPU does worse. Its absence elsewhere hurts nobody. */
bool feature_is_remark(unsigned word, unsigned bit);

/* "0x00000007:0.ebx" or "msr 0x0000010a"; in the pool. */
char *feature_where(struct gc *gc, bool msr, uint32_t leaf, uint32_t subleaf, enum feature_register reg);

#endif
