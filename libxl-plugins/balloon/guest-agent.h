/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALLOON_GUEST_AGENT_H
#define XLX_BALLOON_GUEST_AGENT_H

/*
 * The programs in guests that report memory, and how to tell them apart by what they write. docs/guest-agent.md has the
 * same as a table for people.
 */

#include <stdbool.h>
#include <stdint.h>

enum guest_agent {
    GUEST_AGENT_NONE,
    GUEST_AGENT_OURS,              /* agent/protocol.h */
    GUEST_AGENT_XENSERVER,         /* xe-guest-utilities, in Go */
    GUEST_AGENT_XENSERVER_WINDOWS, /* the management agent of XenServer's and of XCP-ng's older drivers */
    GUEST_AGENT_XCPNG,             /* xen-guest-agent, in Rust */
    GUEST_AGENT_XCPNG_WINDOWS,     /* the agent of XCP-ng's drivers from 9 on */
    GUEST_AGENT_MEMINFO,           /* one that is not known, and writes XenServer's nodes */
    GUEST_AGENT_QUBES,             /* meminfo-writer */
    GUEST_AGENT_NR
};

struct guest_agent_kind {
    const char *name;   /* for programs; stable */
    const char *people; /* for sentences: "by ..." */
    /* It writes at least so often while its guest lives, milliseconds. 0: when something changes, or when asked. */
    uint64_t period_ms;
    bool answers;     /* it reports when it is asked to */
    bool total_lasts; /* the total that it writes is that of its start, or has the balloon in it */
    bool says_when;   /* it writes data/updated last, in each period */
};
extern const struct guest_agent_kind guest_agent_kinds[GUEST_AGENT_NR];

/* What a writer of XenServer's nodes has written besides; NULL: nothing. Values may be anything. */
struct guest_agent_marks {
    const char *build;    /* attr/PVAddons/BuildVersion */
    const char *major;    /* attr/PVAddons/MajorVersion */
    const char *minor;    /* attr/PVAddons/MinorVersion */
    const char *os_class; /* attr/os/class */
    const char *os_type;  /* attr/os/type */
    const char *updated;  /* data/updated */
    const char *kernel;   /* data/os_uname */
};

/* Which writer of XenServer's nodes that is; never NONE. */
enum guest_agent guest_agent_recognise(const struct guest_agent_marks *marks);
/* Whether what it calls free is MemFree, so that the page cache counts as used: XenServer's before 7.30, and on kernels
 * before 3.14, which know no MemAvailable. */
bool guest_agent_says_unused(enum guest_agent agent, const struct guest_agent_marks *marks);

#endif
