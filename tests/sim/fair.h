/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_TESTS_SIM_FAIR_H
#define XLX_TESTS_SIM_FAIR_H

/*
 * What each guest is owed: the weighted max-min of true needs, without headroom, over all that there is. A hostile guest
 * counts as needing its maximum, and keeps what it held when it was first seen and what it got since while it was owed
 * that, or was lent it while nobody lacked anything; an honest one keeps of this what its programs use. Who cannot give
 * keeps what it holds; who says nothing counts as needing its maximum. Nobody is owed more than its share and what it
 * may be lent.
 */

#include "tests/sim/world.h"

/* Anew, where anything has changed: owed_memkb and judged of each guest. */
void fair_shares(struct world *w);
/* It is given a target: where all may be lent and nobody lacks anything, what it gets so is its to keep. */
void fair_lends(struct world *w, struct guest *g, uint64_t target_memkb);
/* Adds up what the judged lacked of what they were owed in the time that passed, and compares. */
void fair_passes(struct world *w, uint64_t passed_ms);

#endif
