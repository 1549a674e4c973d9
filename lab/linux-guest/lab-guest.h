/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lab-guest, the dom0 side: what its files share. Every function reports its own failures. */
#ifndef LAB_GUEST_LAB_GUEST_H
#define LAB_GUEST_LAB_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xenstore.h>

#define GUEST_RUN_DIR "/run/lab-guest"

enum { GUEST_FAILED = 1, GUEST_USAGE = 2, GUEST_TIMEOUT = 124 };

struct create_options {
    const char *type; /* pv, pvh or hvm */
    const char *name;
    const char *memory;      /* MiB */
    const char *maxmem;      /* MiB */
    const char *kernel_args; /* added to the kernel's command line */
    const char *agent;       /* path in dom0 of the program to start in the guest, or NULL */
    char **lines;            /* further lines of xl.cfg, NULL ended */
    int timeout_s;           /* until the guest's init answers */
};

/* Creates a guest and waits until it answers. Returns an exit status. */
int guest_create(const struct create_options *options);

/*
 * Runs @argv in guest @name; its output goes to stdout and stderr. Returns its exit status,
 * GUEST_TIMEOUT when it was killed for running longer than @timeout_s, or GUEST_FAILED.
 */
int guest_exec(const char *name, const char *const *argv, int timeout_s);

/* The domid of the guest called @name (or with that number as domid), or -1. */
int guest_find(struct xs_handle *xs, const char *name);

/* Waits until the guest's init can take requests. Returns an exit status. */
int guest_wait_ready(const char *name, int timeout_s);

/* Milliseconds of a clock that never jumps. */
int64_t now_ms(void);

/*
 * Waits for an event of a watch until @deadline_ms (of now_ms). Returns false when none came; the
 * events that came are taken away.
 */
bool wait_watch(struct xs_handle *xs, int64_t deadline_ms);

#endif
