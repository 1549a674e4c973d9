/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/build.h"

#include "gen/build.h"

const char build_id[] = XLX_BUILD_ID;
const char build_xen[] = XLX_BUILD_XEN;
