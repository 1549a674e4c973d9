/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_LAB_PUPPET_H
#define XLX_LAB_PUPPET_H

/*
 * A puppet is a domain without a kernel: Xen counts its pages, xenstore has its nodes, libxl takes it for a PVH guest,
 * and a process in dom0 plays its balloon driver. Many fit where a few real guests would, in any character.
 */

#include <stdbool.h>
#include <stdint.h>

#include <libxl.h>
#include <xenctrl.h>
#include <xenstore.h>

#define PAGE_KB 4
#define PAGES_PER_MIB 256

/* How a puppet follows its target; several may be combined with commas. */
struct behaviour {
    bool stuck;          /* never moves */
    bool giveup;         /* Linux: after four failed tries asleep until the credit changes */
    uint64_t rate_kb;    /* KiB per second; 0: at once */
    uint64_t floor_page; /* never goes below */
    /* It takes whatever the hypervisor lets it have, gives nothing, and lies about what it needs. */
    bool hostile, hungry;
    bool needy;   /* it uses all that it is given, and says so in time */
    bool answers; /* it says again what was written for it when the host asks */
};

/* Reads "instant", "rate=KIB", "creep", "stuck", "floor=MIB", "giveup", "hostile", "hungry", "needy", "answers", or
 * several of them; false: none of these. */
bool behaviour_parse(const char *text, struct behaviour *b);

struct puppet {
    uint32_t domid;
    char name[64];
    char uuid[37];
    uint64_t pages; /* gfns 0 .. pages - 1 are populated */
    uint64_t target_pages;
    bool gone, configured;

    /* of the play */
    uint64_t due_ms; /* UINT64_MAX: nothing to do until the target changes */
    uint64_t moved_ms;
    uint64_t told_ms;
    uint64_t told_pages;
    unsigned failed_tries;
    bool asleep;
    int64_t asleep_credit;
};

struct stage {
    xc_interface *xc;
    struct xs_handle *xs;
    libxl_ctx *libxl;
    struct behaviour behaviour;
    struct puppet *puppets;
    unsigned count;
};

/* Makes the domain with memory_kb populated of at most max_kb. On failure prints why and returns false; the half-made
 * domain is destroyed. */
bool puppet_create(struct stage *stage, struct puppet *p, const char *name, uint64_t memory_kb, uint64_t max_kb);
void puppet_destroy(struct stage *stage, struct puppet *p);

/* Moves the puppet towards its target as its behaviour says, and sets due_ms. */
void puppet_act(struct stage *stage, struct puppet *p, uint64_t now_ms);
/* The host asks for a report. */
void puppet_is_asked(struct stage *stage, struct puppet *p, uint64_t now_ms);
/* The target may have changed. */
void puppet_look_at_target(struct stage *stage, struct puppet *p, uint64_t now_ms);

/* Plays all of them until SIGTERM or until the last one is gone. */
void stage_play(struct stage *stage);

#endif
