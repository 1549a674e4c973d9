/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_STUBDOM_LAUNCH_FIX_H
#define XLX_STUBDOM_LAUNCH_FIX_H

#include "stubdom-launch/check.h"

/*
 * The text of an xl.cfg, with the fixable findings fixed: assignments of dropped keys become comments, what is added
 * comes last. Values that go over several lines are dropped as a whole. Result in the pool.
 */
char *stubdom_fix(struct gc *gc, const char *cfg, const struct stubdom_findings *findings);

#endif
