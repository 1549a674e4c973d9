/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a guest writes about itself, as memd reads it.
 * FUZZ_SRCS: libxl-plugins/balloon/guest-stats.c base/parse.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "balloon/guest-stats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct guest_stats *s)
{
    if (s->known >> AGENT_STAT_NR)
        abort();
    for (unsigned i = 0; i < AGENT_STAT_NR; i++) {
        if (!guest_stats_has(s, i) && s->values[i])
            abort();
    }
    if (guest_stats_has(s, AGENT_STAT_FREE_MEMORY) && guest_stats_has(s, AGENT_STAT_TOTAL_MEMORY) &&
        s->values[AGENT_STAT_FREE_MEMORY] > s->values[AGENT_STAT_TOTAL_MEMORY])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct guest_stats stats;
    char *text = malloc(size + 1);

    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = 0;
    guest_stats_parse((const char *)data, size, &stats);
    check(&stats);
    guest_stats_from_xenserver(text, text, &stats);
    check(&stats);
    guest_stats_from_qubes(text, size * 4096, &stats);
    check(&stats);
    free(text);
    return 0;
}
