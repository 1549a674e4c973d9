/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_COMMANDS_BUILD_CLIENT_H
#define XLX_BALANCE_COMMANDS_BUILD_CLIENT_H

/* What create, restore and migrate-receive share: xl builds a domain, with its memory reserved before. */

#include "memd-client/reserve.h"

struct xl_build {
    struct xlx_ctx *ctx;
    struct xlx_ui *ui;
    char *const *argv;       /* xl's command line */
    const char *extra;       /* put at its end; NULL: nothing */
    char uuid[XLX_UUID_LEN]; /* of the domain that will be built */
    uint64_t need_memkb;     /* what it takes, with its stub domain */
    uint64_t saved_memkb;    /* restored: what its file has of it at the most; 0: not known, as much as its target */
    uint64_t timeout_ms;     /* for the memory to become free; 0: no end */
    bool lasts;              /* xl goes on when the domain is built */
    /* Called when the memory is there, or nobody can be asked for it, before xl runs; false (logged) ends it. NULL:
     * nothing to do. */
    bool (*prepare)(void *arg);
    void *arg;
};

/* By the command line as it was given; what the domain is is still to be filled in. timeout_ms: the command's own option,
 * 0: not given. */
struct xl_build build_of(const struct xlx_invocation *in, uint64_t timeout_ms, bool lasts);
/* Fills in what libxl says that a domain of that configuration (libxl's JSON) takes, with what its file has of it beyond
 * that (saved_memkb), and its UUID. ERROR_FAIL, logged. */
int build_need(struct xl_build *build, const char *json);
/* Reserves, runs xl, and gives back what the domain did not take. When memd does not run, xl runs all the same, after a
 * warning. Returns an exit status. */
int build_with_memory(const struct xl_build *build);

#endif
