/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/sized.h"

#include <string.h>

static size_t size_of(const void *sized)
{
    size_t size;

    memcpy(&size, sized, sizeof(size));
    return size;
}

int sized_check(struct xlx_ctx *ctx, size_t size, size_t least)
{
    if (size >= least)
        return 0;
    LOG(ctx, ERROR, "a struct is given with the size %zu, and has %zu at least: set its size", size, least);
    return ERROR_INVAL;
}

int sized_take(struct xlx_ctx *ctx, void *ours, size_t our_size, const void *theirs, size_t least)
{
    size_t size = size_of(theirs);
    int rc;

    rc = sized_check(ctx, size, least);
    if (rc)
        return rc;
    for (size_t i = our_size; i < size; i++) {
        if (((const char *)theirs)[i]) {
            LOG(ctx, ERROR, "a struct asks for what this version of the library, %s, does not know", xlx_version());
            return ERROR_INVAL;
        }
    }
    memset(ours, 0, our_size);
    memcpy(ours, theirs, size < our_size ? size : our_size);
    return 0;
}

void sized_give(void *theirs, const void *ours, size_t our_size)
{
    size_t size = size_of(theirs), both = size < our_size ? size : our_size;

    memcpy((char *)theirs + sizeof(size), (const char *)ours + sizeof(size), both - sizeof(size));
}
