/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vcpu/affinity.h"

#include <string.h>

#include "base/error.h"
#include "base/parse.h"

static size_t set_bytes(unsigned count)
{
    return (count + 7) / 8;
}

struct cpu_set cpu_set_new(struct gc *gc, unsigned count)
{
    return (struct cpu_set){.count = count, .bits = gc_alloc(gc, set_bytes(count) ? set_bytes(count) : 1)};
}

struct cpu_set cpu_set_copy(struct gc *gc, const struct cpu_set *set)
{
    struct cpu_set copy = cpu_set_new(gc, set->count);

    memcpy(copy.bits, set->bits, set_bytes(set->count));
    return copy;
}

void cpu_set_add(struct cpu_set *set, unsigned cpu)
{
    if (cpu < set->count)
        set->bits[cpu / 8] |= (uint8_t)(1u << cpu % 8);
}

void cpu_set_remove(struct cpu_set *set, unsigned cpu)
{
    if (cpu < set->count)
        set->bits[cpu / 8] &= (uint8_t) ~(1u << cpu % 8);
}

bool cpu_set_has(const struct cpu_set *set, unsigned cpu)
{
    return cpu < set->count && set->bits[cpu / 8] & 1u << cpu % 8;
}

bool cpu_set_empty(const struct cpu_set *set)
{
    for (unsigned cpu = 0; cpu < set->count; cpu++) {
        if (cpu_set_has(set, cpu))
            return false;
    }
    return true;
}

/* Bits above count are not compared: the hypervisor may have set them. */
bool cpu_set_equal(const struct cpu_set *a, const struct cpu_set *b)
{
    for (unsigned cpu = 0; cpu < a->count; cpu++) {
        if (cpu_set_has(a, cpu) != cpu_set_has(b, cpu))
            return false;
    }
    return true;
}

void cpu_set_mask(struct cpu_set *set, const struct cpu_set *mask)
{
    for (unsigned cpu = 0; cpu < set->count; cpu++) {
        if (!cpu_set_has(mask, cpu))
            cpu_set_remove(set, cpu);
    }
}

/* ---- reading ---- */

static const char *skip(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(text, prefix, len) ? NULL : text + len;
}

/* "N" or "N-M" in len bytes. */
static bool read_range(const char *text, size_t len, uint64_t *first, uint64_t *last)
{
    const char *dash = memchr(text, '-', len);

    if (!dash) {
        if (!parse_digits(text, len, UINT32_MAX, first))
            return false;
        *last = *first;
        return true;
    }
    return parse_digits(text, (size_t)(dash - text), UINT32_MAX, first) &&
           parse_digits(dash + 1, (size_t)(text + len - dash - 1), UINT32_MAX, last) && *first <= *last;
}

static char *count_text(struct gc *gc, unsigned count, const char *noun)
{
    return count == 1 ? gc_printf(gc, "this host has only %s 0", noun)
                      : gc_printf(gc, "this host has %ss 0-%u", noun, count ? count - 1 : 0);
}

static int read_element(struct gc *gc, const char *element, const struct cpu_host *host, struct cpu_set *set,
                        const char **cause)
{
    const char *p = element, *behind;
    bool take_away = *p == '^', nodes = false;
    uint64_t first, last;

    p += take_away;
    behind = skip(p, "nodes:");
    if (!behind)
        behind = skip(p, "node:");
    if (behind) {
        nodes = true;
        p = behind;
    }
    if (!strcmp(p, "all")) {
        if (take_away) {
            *cause = gc_printf(gc, "'%.64s': ^ and all cannot stand together", element);
            return ERROR_INVAL;
        }
        for (unsigned cpu = 0; cpu < set->count; cpu++)
            cpu_set_add(set, cpu);
        return 0;
    }
    if (!read_range(p, strlen(p), &first, &last)) {
        *cause = gc_printf(gc, "'%.64s' is no CPU, range of CPUs, node:N or all", element);
        return ERROR_INVAL;
    }
    if (last >= (nodes ? host->node_count : host->cpu_count)) {
        *cause = nodes
                     ? gc_printf(gc, "there is no NUMA node %u: %s", (unsigned)last,
                                 count_text(gc, host->node_count, "node"))
                     : gc_printf(gc, "there is no CPU %u: %s", (unsigned)last, count_text(gc, host->cpu_count, "CPU"));
        return ERROR_INVAL;
    }
    for (unsigned cpu = 0; cpu < set->count; cpu++) {
        uint64_t number = nodes ? host->node_of_cpu[cpu] : cpu;

        if (number < first || number > last)
            continue;
        if (take_away)
            cpu_set_remove(set, cpu);
        else
            cpu_set_add(set, cpu);
    }
    return 0;
}

int cpu_set_parse(struct gc *gc, const char *text, const struct cpu_host *host, struct cpu_set *set, const char **cause)
{
    char *copy = gc_strdup(gc, text), *rest = NULL;
    bool any = false;
    int rc;

    *set = cpu_set_new(gc, host->cpu_count);
    for (char *element = strtok_r(copy, ",", &rest); element; element = strtok_r(NULL, ",", &rest)) {
        rc = read_element(gc, element, host, set, cause);
        if (rc)
            return rc;
        any = true;
    }
    if (!any) {
        *cause = "the list of CPUs is empty";
        return ERROR_INVAL;
    }
    return 0;
}

/* ---- showing ---- */

char *cpu_set_text(struct gc *gc, const struct cpu_set *set)
{
    char *text = gc_strdup(gc, "");
    unsigned cpu = 0, members = 0;

    while (cpu < set->count) {
        unsigned first = cpu;

        if (!cpu_set_has(set, cpu++))
            continue;
        while (cpu_set_has(set, cpu))
            cpu++;
        members += cpu - first;
        text = gc_printf(gc, "%s%s%u", text, *text ? "," : "", first);
        if (cpu - first > 1)
            text = gc_printf(gc, "%s-%u", text, cpu - 1);
    }
    if (!members)
        return gc_strdup(gc, "none");
    return members == set->count ? gc_strdup(gc, "all") : text;
}

char *cpu_set_numbers(struct gc *gc, const struct cpu_set *set)
{
    /* One CPU more that is not in the set keeps the list from being called all. */
    struct cpu_set wider = cpu_set_new(gc, set->count + 1);

    for (unsigned cpu = 0; cpu < set->count; cpu++) {
        if (cpu_set_has(set, cpu))
            cpu_set_add(&wider, cpu);
    }
    return cpu_set_text(gc, &wider);
}

char *cpu_set_picture(struct gc *gc, const struct cpu_set *set)
{
    char *picture = gc_alloc(gc, set->count + 1);

    for (unsigned cpu = 0; cpu < set->count; cpu++)
        picture[cpu] = cpu_set_has(set, cpu) ? 'y' : '-';
    return picture;
}
