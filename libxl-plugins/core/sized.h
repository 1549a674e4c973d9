/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_SIZED_H
#define XLX_CORE_SIZED_H

/*
 * Structs of xlx.h that may grow: their first member is the size that the caller knows, which may be that of an older or
 * of a newer version than the library's. A new member stands at the end, never in what was padding.
 */

#include <stddef.h>

#include "core/ctx.h"

/* Of the version of a struct that ended with that member. */
#define SIZED_UP_TO(type, member) (offsetof(type, member) + sizeof(((type *)NULL)->member))

/* ERROR_INVAL (logged): the size of a struct is smaller than least, that of its first version. */
int sized_check(struct xlx_ctx *ctx, size_t size, size_t least);
/* Copies theirs into ours, with zeros for what theirs does not have. ERROR_INVAL (logged): theirs is smaller than least,
 * or has more than ours and that is not all zero. */
int sized_take(struct xlx_ctx *ctx, void *ours, size_t our_size, const void *theirs, size_t least);
/* Copies into theirs, all but its size, what both have. */
void sized_give(void *theirs, const void *ours, size_t our_size);

#endif
