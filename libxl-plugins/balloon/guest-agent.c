/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balloon/guest-agent.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The periods are those of xe-guest-utilities 10.0 (every second round of 60 s), xen-guest-agent 0.4 (60 s; later ones
 * 5 s), XCP-ng's Windows agent (59 s) and XenServer's (some two minutes, when it differs by more than 1 MiB). */
const struct guest_agent_kind guest_agent_kinds[GUEST_AGENT_NR] = {
    [GUEST_AGENT_NONE] = {"none", "nobody", 0, false, false, false},
    [GUEST_AGENT_OURS] = {"xl-ext", "xl-ext's agent", 0, true, false, false},
    [GUEST_AGENT_XENSERVER] = {"xenserver", "XenServer's agent", 120000, false, false, true},
    [GUEST_AGENT_XENSERVER_WINDOWS] = {"xenserver-windows", "XenServer's agent for Windows", 120000, false, true,
                                       false},
    [GUEST_AGENT_XCPNG] = {"xcp-ng", "XCP-ng's agent", 60000, false, true, false},
    [GUEST_AGENT_XCPNG_WINDOWS] = {"xcp-ng-windows", "XCP-ng's agent for Windows", 60000, false, true, true},
    [GUEST_AGENT_MEMINFO] = {"meminfo", "an agent that writes XenServer's nodes", 120000, false, true, false},
    [GUEST_AGENT_QUBES] = {"qubes", "Qubes' meminfo-writer", 0, false, false, false},
};

static bool only_digits(const char *text)
{
    size_t len = strspn(text, "0123456789");

    return len && !text[len];
}

enum guest_agent guest_agent_recognise(const struct guest_agent_marks *m)
{
    if (m->build && !strncmp(m->build, "proto-", 6))
        return GUEST_AGENT_XCPNG;
    /* XenServer's tells more of the system than its class and version. */
    if (m->os_class && !strcasecmp(m->os_class, "windows nt"))
        return m->os_type ? GUEST_AGENT_XENSERVER_WINDOWS : GUEST_AGENT_XCPNG_WINDOWS;
    /* A date in words, behind each round of writes. */
    if (m->updated && *m->updated && !only_digits(m->updated))
        return GUEST_AGENT_XENSERVER;
    /* Releases of XCP-ng's have a plain build number, and never say when. */
    if (m->major && !m->updated)
        return GUEST_AGENT_XCPNG;
    return GUEST_AGENT_MEMINFO;
}

/* "7.30" is before "7.100". */
static bool version_before(const char *major, const char *minor, unsigned long wanted_major, unsigned long wanted_minor)
{
    unsigned long is;

    if (!major || !minor || !isdigit((unsigned char)*major) || !isdigit((unsigned char)*minor))
        return false;
    is = strtoul(major, NULL, 10);
    return is != wanted_major ? is < wanted_major : strtoul(minor, NULL, 10) < wanted_minor;
}

bool guest_agent_says_unused(enum guest_agent agent, const struct guest_agent_marks *m)
{
    const char *dot = m->kernel ? strchr(m->kernel, '.') : NULL;

    if (agent != GUEST_AGENT_XENSERVER && agent != GUEST_AGENT_MEMINFO)
        return false;
    if (dot && version_before(m->kernel, dot + 1, 3, 14))
        return true;
    return agent == GUEST_AGENT_XENSERVER && version_before(m->major, m->minor, 7, 30);
}
