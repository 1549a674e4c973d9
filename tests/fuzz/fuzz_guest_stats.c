/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's text files as the guest agent reads them. The first byte chooses the file.
 * FUZZ_SRCS: agent/stats.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/protocol.h"
#include "agent/stats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stats stats = {0}, none = {0};
    char report[AGENT_STATS_MAX];
    char *text;

    if (!size)
        return 0;
    text = malloc(size);
    if (!text)
        abort();
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    switch (data[0] % 3) {
    case 0:
        stats_parse_vmstat(&stats, text, 4096);
        break;
    case 1:
        stats_parse_meminfo(&stats, text);
        break;
    default:
        stats_parse_pressure(&stats, text);
        break;
    }
    if (stats_changed(&none, &stats) != (stats.known != 0))
        abort();
    if ((stats_print(&stats, report, sizeof(report)) != 0) != (stats.known != 0))
        abort();
    free(text);
    return 0;
}
