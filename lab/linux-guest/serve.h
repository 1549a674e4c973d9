/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LAB_GUEST_SERVE_H
#define LAB_GUEST_SERVE_H

/*
 * Serves the requests of exec.h and reaps orphans, for ever. Returns only when xenstore cannot be
 * reached. To be called by process 1.
 */
void serve_exec(void);

#endif
