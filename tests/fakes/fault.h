/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef FAKES_FAULT_H
#define FAKES_FAULT_H

/*
 * Fault injection for the fakes of libxenstore and libxenctrl, and a log of what was asked of them. The fakes take the
 * libraries' place when a test is linked; the real Xen is tested in the lab, these make it fail at every point.
 */

#include <stdbool.h>

/* The call that is fail_at calls away (1: the next) fails once with errno_value; 0: none. Every call of a fake that can
 * fail counts. */
void fault_arm(unsigned fail_at, int errno_value);
/* The same, and all calls after it fail, too: what a process that was killed there would not have done is not done. */
void fault_arm_for_good(unsigned fail_at, int errno_value);
/* Only calls of that name count; NULL: all. */
void fault_only(const char *call);
/* True when the armed fault has struck. */
bool fault_struck(void);

/* For the fakes: true when this call has to fail; errno is set. */
bool fault_now(const char *call);

/* For the fakes: notes one step, in printf's form. */
void fake_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The steps since the last fake_forget, "; " between them; in static memory. */
const char *fake_steps(void);
void fake_forget(void);

#endif
