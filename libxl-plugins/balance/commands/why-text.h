/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_COMMANDS_WHY_TEXT_H
#define XLX_BALANCE_COMMANDS_WHY_TEXT_H

#include "base/gc.h"
#include "base/json.h"

/* memd's answer to mem-why as lines for people, in the pool. Names may hold anything still. */
const char *why_text(struct gc *gc, const struct json *domain);

#endif
