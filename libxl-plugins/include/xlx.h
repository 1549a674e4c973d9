/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_H
#define XLX_H

/*
 * libxlx, for programs: what xl-ext knows of domains and does with their memory. Who writes a plugin takes
 * xlx-plugin.h, which includes this one.
 *
 * Conventions of every function here:
 *  - "int rc" is 0 or a negative ERROR_* of libxl.h. Who discovers a failure logs it once through the context's logger,
 *    with domain and subject; callers only pass it on.
 *  - A context belongs to one thread. Nothing blocks but the functions that say "runs the loop".
 *  - There is no asynchronous form: no descriptor to poll, no callback from a loop of the caller's. xlx_mem_settle is the
 *    one function that waits; a program with a loop of its own gives that a thread and a context of its own.
 *  - No function takes a signal of its caller's, or changes how one is handled, unless it is asked to.
 *  - A struct that begins with "size" may grow: the caller sets size to its sizeof, and a library that knows more
 *    members, or fewer, fills in what both know. ERROR_INVAL (logged): size is not set, or a member that the library does
 *    not know is not zero.
 *  - Sizes carry their unit in the name: _memkb and _kb are KiB of 1024 bytes, _bytes, _ms milliseconds.
 *  - What the caller must free is said at the function; all other results belong to the context or to the caller's own
 *    struct.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libxl.h>
#include <xentoollog.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XLX_API __attribute__((visibility("default")))

/* The version of the library that runs, as "0.1.0". */
XLX_API const char *xlx_version(void);

/* ---- context ---- */

struct xlx_ctx;

/* Nothing of Xen is opened yet: the first operation that needs the hypervisor, xenstored or libxl opens it, and says
 * what this machine is when it cannot. The logger stays the caller's and must outlive the context. */
XLX_API int xlx_ctx_new(struct xlx_ctx **ctx, xentoollog_logger *logger);
/* NULL is allowed. All operations must be done. */
XLX_API void xlx_ctx_free(struct xlx_ctx *ctx);

/* Logs a message for the user through the context's logger: lower case, no full stop. */
XLX_API void xlx_log(struct xlx_ctx *ctx, xentoollog_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Why Xen cannot be used here: a static sentence, or NULL when nothing speaks against it. */
XLX_API const char *xlx_why_no_dom0(void);
/* True when this is a dom0 whose hypervisor and xenstored answer; otherwise logs one error that says what this machine
 * is instead and what to do, and returns false. */
XLX_API bool xlx_ctx_usable(struct xlx_ctx *ctx);

/* ---- domains ---- */

#define XLX_NAME_MAX 256 /* bytes of a domain's name with its end; longer names are shown shortened */
#define XLX_UUID_LEN 37  /* text form with its end */

/*
 * Finds the domain that text names: a domid in decimal, else a UUID in its 36-character form, else a name (xl's order:
 * all digits is a domid). ERROR_DOMAIN_NOTFOUND (logged) when there is none, ERROR_INVAL (logged) for an empty text.
 */
XLX_API int xlx_domain_find(struct xlx_ctx *ctx, const char *text, uint32_t *domid);
/* The same for many, with each name read once. Ends at the first that is not found. */
XLX_API int xlx_domains_find(struct xlx_ctx *ctx, const char *const *texts, size_t count, uint32_t *domids);

/* ---- memory ---- */

/* What is known of a domain's memory, at one moment. */
struct xlx_mem_info {
    size_t size; /* set by the caller */
    uint32_t domid;
    char name[XLX_NAME_MAX];
    char uuid[XLX_UUID_LEN];
    libxl_domain_type type; /* PV, PVH or HVM, as the hypervisor tells; never INVALID */
    bool running, paused, shutdown, dying;
    bool has_target; /* false: no or unreadable memory/target; target_memkb is 0 then */
    bool has_static_max;
    uint64_t target_memkb;      /* memory/target as it stands */
    uint64_t static_max_memkb;  /* memory/static-max */
    uint64_t videoram_memkb;    /* memory/videoram, 0 when absent or nonsense */
    uint64_t actual_memkb;      /* what the hypervisor counts as the domain's, tot_pages */
    uint64_t max_memkb;         /* the hypervisor's limit, max_pages */
    uint64_t outstanding_memkb; /* claimed, not yet populated */
    /* A settled guest's actual minus its target: constant for each guest; reference: Linux xen-balloon.c, watch_target,
     * and libxl__get_targetmem_fudge. Calibrated when the domain was last seen settled, else its type's usual value. */
    int64_t offset_memkb;
    bool offset_calibrated;
};

/* Fills in info. ERROR_DOMAIN_NOTFOUND (not logged) when the domain is gone. */
XLX_API int xlx_mem_info_get(struct xlx_ctx *ctx, uint32_t domid, struct xlx_mem_info *info);
/* All domains, ascending domid; *infos comes from malloc and is the caller's to free. info_size: sizeof(**infos). */
XLX_API int xlx_mem_list(struct xlx_ctx *ctx, size_t info_size, struct xlx_mem_info **infos, size_t *count);

enum xlx_mem_relation { XLX_MEM_ABSOLUTE, XLX_MEM_GROW, XLX_MEM_SHRINK };
enum {
    XLX_MEM_FORCE = 1,      /* go below the floor */
    XLX_MEM_EXACT_NODE = 2, /* size is the value of the node itself: video memory is not subtracted (QMP, balancing) */
    XLX_MEM_CLAMP = 4,      /* above static-max: take static-max instead of ERROR_INVAL */
};

struct xlx_mem_target {
    /* filled in by the caller */
    size_t size;
    uint32_t domid;
    enum xlx_mem_relation relation;
    uint64_t size_memkb;
    unsigned flags;

    /* result */
    uint64_t old_target_memkb, new_target_memkb; /* values of the node */
    uint64_t floor_memkb;                        /* the floor that was applied */
    bool refused_by_floor;                       /* with ERROR_INVAL: by us, not by Xen */
};

/*
 * Sets memory/target, the hypervisor's limit and the PoD target of one domain, in the order that a guest can never
 * climb over its share (growing: limit first; shrinking: target first), and reads all of it back. The checks are
 * libxl_set_memory_target's with enforce=1: new <= static-max, dom0 not below 128 MiB, an absolute size of
 * an HVM guest includes its video memory; and a floor of ours, since libxl accepts 0. Does not wait for the guest.
 *
 * ERROR_DOMAIN_NOTFOUND, ERROR_INVAL (above static-max, below a floor, nodes unreadable), ERROR_FAIL; all logged. On an
 * error nothing is changed.
 */
XLX_API int xlx_mem_target_set(struct xlx_ctx *ctx, struct xlx_mem_target *target);

/* The least target at which a guest with that static-max can live; docs/memory-floor.md gives the reason. */
XLX_API uint64_t xlx_mem_floor_memkb(uint64_t static_max_memkb);

/* Sets memory/static-max and the hypervisor's limit of a domain, and reads both back. ERROR_INVAL: below the present
 * target; ERROR_DOMAIN_NOTFOUND; ERROR_FAIL. All logged; on an error nothing is changed. */
XLX_API int xlx_mem_max_set(struct xlx_ctx *ctx, uint32_t domid, uint64_t max_memkb);

enum xlx_mem_settle_state {
    XLX_MEM_MOVING,
    XLX_MEM_SETTLED,
    XLX_MEM_STUCK,   /* has not moved for long although it should; also re-armed in vain */
    XLX_MEM_GONE,    /* the domain vanished */
    XLX_MEM_PAUSED,  /* a paused guest cannot move */
    XLX_MEM_UNKNOWN, /* no target or no sample */
};
XLX_API const char *xlx_mem_settle_state_name(enum xlx_mem_settle_state state);

/* One domain that xlx_mem_settle follows. This struct does not grow. */
struct xlx_mem_follow {
    uint32_t domid;                  /* caller */
    uint64_t target_memkb;           /* caller: value of the node to be reached */
    enum xlx_mem_settle_state state; /* result, and kept up to date */
    uint64_t actual_memkb;           /* result: less the offset, so comparable with target_memkb */
    uint64_t rate_kb_per_s;          /* result: how fast it moves, mean of the last seconds */
    uint64_t left_ms;                /* result: at that rate; UINT64_MAX: never */
    unsigned rearmed;                /* result: how often a guest that gave up was woken */
};

enum {
    XLX_MEM_INTERRUPTIBLE = 1, /* SIGINT and SIGTERM, taken from the caller as long as the wait lasts, end it */
};

struct xlx_mem_settle {
    size_t size;
    struct xlx_mem_follow *follows;
    size_t count;
    uint64_t timeout_ms;
    unsigned flags;
    /* May be NULL. Called after each look at the domains; false ends the wait. */
    bool (*progress)(void *arg, const struct xlx_mem_follow *follows, size_t count);
    void *arg;
};

/*
 * Follows domains until each has settled, is stuck for good or gone, or timeout_ms has passed. Runs the context's loop.
 * 0: all settled. ERROR_TIMEDOUT: time is up or a guest is stuck. ERROR_DOMAIN_NOTFOUND: one has gone, the others were
 * followed to their end. ERROR_ABORTED: by progress, or by a signal.
 */
XLX_API int xlx_mem_settle(struct xlx_ctx *ctx, const struct xlx_mem_settle *settle);

#ifdef __cplusplus
}
#endif

#endif
