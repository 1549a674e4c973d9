/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef FAKES_VIRQ_H
#define FAKES_VIRQ_H

/* The part of libxenevtchn that gets the hypervisor's virtual interrupts: one that a test raises. */

#include <stdbool.h>

/* Somebody else has bound it; binding fails then. */
void fake_virq_taken(bool taken);
void fake_virq_raise(void);
/* How many times it was unmasked. */
unsigned fake_virq_unmasked(void);

#endif
