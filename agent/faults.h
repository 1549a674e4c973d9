/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_AGENT_FAULTS_H
#define XLX_AGENT_FAULTS_H

/*
 * An alarm for a guest that begins to work: the kernel counts page faults anyway (perf_event_open(2), a software event
 * on each CPU), and sends SIGIO when a CPU has counted so many since the alarm was set. Until then nothing wakes up.
 * It is an extra: without it (no permission, no such kernel) the agent looks as often as looks.h says.
 *
 *   Silent --set--> Set --a CPU has counted so many faults: SIGIO--> Silent
 *
 * Faults are a guess: programs start and end without taking memory for long. So each alarm after which nothing moved
 * doubles the number that the next one takes, and one after which something did puts it back.
 */

#include <stdbool.h>

#define FAULTS_CPUS_MAX 64

struct faults {
    int fds[FAULTS_CPUS_MAX]; /* an event for each CPU */
    unsigned cpus;            /* 0: there is no alarm */
    unsigned long period, period_max;
    bool set;
};

/* Opens the events and takes over SIGIO, which the caller keeps blocked but while it waits. huge_pages: a fault may be
 * of 2 MiB. */
void faults_open(struct faults *faults, bool huge_pages);

/* Sets the alarm if it is not set. */
void faults_set(struct faults *faults);
void faults_unset(struct faults *faults);

/* Something has moved: the alarm was worth it. */
void faults_useful(struct faults *faults);

/* Has it gone off since the last call? */
bool faults_rang(struct faults *faults);

#endif
