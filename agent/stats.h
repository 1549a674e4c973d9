/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's memory figures: read from the kernel's text files, compared, printed as a report. */
#ifndef XLX_AGENT_STATS_H
#define XLX_AGENT_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/protocol.h"

/* Units as in protocol.h. value[i] means something only when bit i of known is set. */
struct stats {
    uint64_t value[AGENT_STAT_NR];
    uint32_t known;
};

/*
 * Each takes the whole text of one file of the kernel, NUL-terminated, and sets the figures that
 * stand in it; lines that do not parse, and sums that do not fit 64 bits, are left out.
 */
void stats_parse_vmstat(struct stats *stats, const char *text, unsigned page_bytes);
void stats_parse_meminfo(struct stats *stats, const char *text);
void stats_parse_pressure(struct stats *stats, const char *text);

/* Does any figure differ from old by more than protocol.h's threshold, or appear or vanish? */
bool stats_changed(const struct stats *old, const struct stats *new);

/* Print a report (see protocol.h) into buf, without a NUL. Returns its length, 0 if it does not
 * fit. */
size_t stats_print(const struct stats *stats, char *buf, size_t size);

#endif
