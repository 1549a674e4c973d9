/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What raw_console.h needs of /proc/interrupts: " 45:     1203   xen-dyn    -event     hvc_console". */
#include "stubdom/init/raw_console.h"

#include <stdlib.h>
#include <string.h>

#define CONSOLE_HANDLER "hvc_console" /* Linux, hvc_irq.c */

/* The number that a line begins with, and what stands behind its colon; false for lines like "NMI:". */
static bool line_of_irq(const char *line, unsigned *irq, const char **rest)
{
    char *end;
    unsigned long value = strtoul(line, &end, 10);

    if (end == line || *end != ':' || value > 65535)
        return false;
    *irq = (unsigned)value;
    *rest = end + 1;
    return true;
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');

    return end ? end + 1 : line + strlen(line);
}

static bool is_consoles(const char *line)
{
    size_t len = strcspn(line, "\n"), name = strlen(CONSOLE_HANDLER);

    return len > name && !memcmp(line + len - name, CONSOLE_HANDLER, name) && line[len - name - 1] == ' ';
}

void interrupts_of_consoles(const char *text, struct interrupts *found)
{
    const char *rest;
    unsigned irq;

    found->count = 0;
    for (const char *line = text; *line; line = next_line(line)) {
        if (line_of_irq(line, &irq, &rest) && is_consoles(rest) && found->count < INTERRUPTS_MAX)
            found->irqs[found->count++] = irq;
    }
}

static bool has(const struct interrupts *interrupts, unsigned irq)
{
    for (unsigned i = 0; i < interrupts->count; i++) {
        if (interrupts->irqs[i] == irq)
            return true;
    }
    return false;
}

bool interrupts_added(const struct interrupts *before, const struct interrupts *after, unsigned *irq)
{
    unsigned added = 0;

    for (unsigned i = 0; i < after->count; i++) {
        if (!has(before, after->irqs[i])) {
            *irq = after->irqs[i];
            added++;
        }
    }
    return added == 1;
}

bool interrupts_count(const char *text, unsigned irq, uint64_t *count)
{
    for (const char *line = text; *line; line = next_line(line)) {
        const char *rest;
        unsigned of;
        char *end;

        if (!line_of_irq(line, &of, &rest) || of != irq)
            continue;
        *count = 0;
        for (uint64_t value;; rest = end) {
            value = strtoull(rest, &end, 10);
            if (end == rest || end > line + strcspn(line, "\n"))
                return true;
            *count += value;
        }
    }
    return false;
}
