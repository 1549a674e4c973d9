/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef FAKES_CLOCK_H
#define FAKES_CLOCK_H

/*
 * A clock that goes only when nothing else is left to do, in place of libuv's: minutes of a test pass at once, and the
 * same way each time. A test is linked with
 *     -Wl,--wrap=uv_now,--wrap=uv_hrtime,--wrap=uv_timer_start,--wrap=uv_timer_stop,--wrap=uv_run,--wrap=uv_stop
 */

#include <stdint.h>

/* Now, in ms; starts at an hour. */
uint64_t fake_clock_ms(void);
/* Called whenever the clock has moved, before the timer that it has moved to; NULL: nothing. */
void fake_clock_on_tick(void (*tick)(uint64_t now_ms));
/* How many timers are set. */
unsigned fake_clock_timers(void);

#endif
