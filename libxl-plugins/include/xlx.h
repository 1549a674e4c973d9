/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_H
#define XLX_H

/*
 * libxlx: operations and plugin interface of xl-ext.
 *
 * Conventions of every function here:
 *  - "int rc" is 0 or a negative ERROR_* of libxl.h. Who discovers a failure logs it once through the context's logger,
 *    with domain and subject; callers only pass it on.
 *  - A context belongs to one thread. Nothing blocks but the functions that say "runs the loop".
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

/* ---- context ---- */

struct xlx_ctx;

/* Nothing of Xen is opened yet: the first operation that needs the hypervisor, xenstored or libxl opens it, and says
 * what this machine is when it cannot. The logger stays the caller's and must outlive the context. */
XLX_API int xlx_ctx_new(struct xlx_ctx **ctx, xentoollog_logger *logger);
/* NULL is allowed. All operations must be done. */
XLX_API void xlx_ctx_free(struct xlx_ctx *ctx);

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

/* ---- exit statuses of commands ---- */

enum xlx_exit {
    XLX_EXIT_DONE = 0,
    XLX_EXIT_FAILED = 1,        /* unknown or vanished domain, libxl or the hypervisor refused */
    XLX_EXIT_USAGE = 2,         /* unparsable option, size or file */
    XLX_EXIT_NOT_REACHED = 3,   /* not reached in time; what was reached has been printed */
    XLX_EXIT_REFUSED = 4,       /* refused by a policy of ours, not by Xen */
    XLX_EXIT_INTERRUPTED = 130, /* SIGINT or SIGTERM during a wait */
};
/* 0 DONE, ERROR_ABORTED INTERRUPTED, ERROR_TIMEDOUT NOT_REACHED, ERROR_INVAL USAGE, every other FAILED. */
XLX_API int xlx_exit_of(int rc);

/* ---- what a command shows ---- */

/*
 * A command has its output shown by the tool: as an aligned table or as JSON, with or without a terminal.
 * A column that only one of the two forms has carries XLX_COLUMN_TEXT or XLX_COLUMN_JSON.
 */
enum { XLX_COLUMN_RIGHT = 1, XLX_COLUMN_TEXT = 2, XLX_COLUMN_JSON = 4 };
struct xlx_column {
    const char *heading; /* text form */
    const char *key;     /* JSON member; stable, lower case with underscores */
    unsigned flags;
};

enum xlx_cell_type { XLX_CELL_NONE, XLX_CELL_TEXT, XLX_CELL_NUMBER, XLX_CELL_BOOL };
struct xlx_cell {
    enum xlx_cell_type type; /* NONE: "-" in text, null in JSON */
    const char *text;        /* copied */
    int64_t number;          /* also BOOL: 0 or 1 */
};
static inline struct xlx_cell xlx_text(const char *text)
{
    return (struct xlx_cell){text ? XLX_CELL_TEXT : XLX_CELL_NONE, text, 0};
}
#define XLX_TEXT(s) xlx_text(s) /* NULL: XLX_NONE */
#define XLX_NUMBER(n) ((struct xlx_cell){XLX_CELL_NUMBER, NULL, (int64_t)(n)})
#define XLX_BOOL(b) ((struct xlx_cell){XLX_CELL_BOOL, NULL, !!(b)})
#define XLX_NONE ((struct xlx_cell){XLX_CELL_NONE, NULL, 0})

struct xlx_ui;
struct xlx_table;

struct xlx_ui_ops {
    /* A table whose rows are collected and shown by table_end: aligned text, or one JSON array of objects. */
    struct xlx_table *(*table_begin)(struct xlx_ui *ui, const struct xlx_column *columns, size_t count);
    /* cells: one for each column, in their order; copied. */
    void (*table_row)(struct xlx_table *table, const struct xlx_cell *cells);
    /* Shows and frees the table. */
    void (*table_end)(struct xlx_table *table);
    /* Shows one row at once as a line or a JSON object: for streams such as mem-watch. Headings come with the first
     * row of each columns array. */
    void (*line)(struct xlx_ui *ui, const struct xlx_column *columns, size_t count, const struct xlx_cell *cells);
    /* One record: in text a "heading: value" line for each column, in JSON one object. */
    void (*record)(struct xlx_ui *ui, const struct xlx_column *columns, size_t count, const struct xlx_cell *cells);
    /* Text for standard output (already JSON when ui->json is set). Of control characters only tab and line feed get
     * there, of other bytes only UTF-8. */
    void (*print)(struct xlx_ui *ui, const char *format, ...) __attribute__((format(printf, 2, 3)));
    /* A state line that the next one replaces, on standard error when that is a terminal, else nothing. NULL ends it.
     */
    void (*progress)(struct xlx_ui *ui, const char *format, ...) __attribute__((format(printf, 2, 3)));
};

struct xlx_ui {
    const struct xlx_ui_ops *ops;
    bool json;           /* --json: what goes to standard output must be JSON */
    bool quiet;          /* --quiet: no progress, no remarks */
    bool terminal;       /* standard output is one */
    uint64_t timeout_ms; /* --timeout; 0: not given */
};

/* ---- commands ---- */

enum xlx_option_type {
    XLX_OPTION_FLAG,     /* bool: set to true */
    XLX_OPTION_TEXT,     /* const char * */
    XLX_OPTION_NUMBER,   /* uint64_t */
    XLX_OPTION_SIZE,     /* uint64_t in KiB, xl's suffixes */
    XLX_OPTION_DURATION, /* uint64_t in milliseconds: seconds, or with ms, s, m, h */
    XLX_OPTION_LIST,     /* struct xlx_list: may be given again and again */
};

struct xlx_list {
    const char **items;
    size_t count;
};

struct xlx_option {
    char letter;      /* 0: long form only */
    const char *name; /* long name without dashes; NULL: letter only */
    enum xlx_option_type type;
    size_t offset;     /* of the member in the command's options struct */
    const char *value; /* what help calls the value, for example "SECONDS"; NULL for flags */
    const char *help;
    bool of_xl; /* of a command with XLX_COMMAND_WRAPS_XL: xl gets it, too */
};

enum {
    XLX_COMMAND_MODIFIES = 1, /* changes something outside this process */
    XLX_COMMAND_DRY_RUN = 2,  /* understands -n/--dry-run */
    XLX_COMMAND_ANYWHERE = 4, /* needs no Xen */
    XLX_COMMAND_HIDDEN = 8,   /* not in the list of commands */
    /* Takes whatever xl's command of that name takes, in any order: options that are not in the table are left to xl,
     * options may stand behind arguments, and xl_argv is what xl is to be run with. */
    XLX_COMMAND_WRAPS_XL = 16,
};

/* A function that a command or plugin of xl-ext itself names in its table. The tool holds such tables without the code,
 * to know names and options before it loads any library (docs/startup.md); plugins of others need no XLX_CODE. */
#ifdef XLX_TABLES_ONLY
#define XLX_CODE(function) NULL
#else
#define XLX_CODE(function) (function)
#endif

#define XLX_NO_DOMAIN (-1)
#define XLX_ARGS_ANY (-1)

/* What a command's run gets; all of it belongs to the caller. */
struct xlx_invocation {
    struct xlx_ctx *ctx;
    struct xlx_ui *ui;
    const struct xlx_command *command;
    const void *options; /* the command's options struct, filled in */
    int argc;            /* arguments behind the options */
    char **argv;         /* argv[argc] is NULL */
    /* With XLX_COMMAND_WRAPS_XL: "xl", xl's options before the command, the command, and all that stood behind it but
     * the options that are not of_xl, as given; ends in NULL. Else NULL. */
    char **xl_argv;
};

struct xlx_command {
    const char *name;
    const char *synopsis; /* what follows the name, for example "[-w] [-t SECONDS] DOMAIN SIZE" */
    const char *summary;  /* one line, no full stop */
    const char *details;  /* paragraphs for "help COMMAND", NULL: none */
    const struct xlx_option *options;
    size_t option_count;
    size_t options_size;    /* of the options struct, which starts as a copy of *defaults or zeros */
    const void *defaults;   /* NULL: zeros */
    int args_min, args_max; /* XLX_ARGS_ANY: no limit */
    int domain_arg;         /* index of the first argument that names a domain, or XLX_NO_DOMAIN (for completion) */
    unsigned flags;
    /* Returns an enum xlx_exit. What went wrong has been logged. */
    int (*run)(const struct xlx_invocation *in);
};

/* Logs a message for the user through the context's logger: lower case, no full stop. */
XLX_API void xlx_log(struct xlx_ctx *ctx, xentoollog_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- plugins ---- */

/* Changes whenever a struct above changes in a way that an old plugin would not survive. */
#define XLX_PLUGIN_ABI 3

/*
 * A plugin is one const struct. Those of xl-ext itself stand in the tool's table; others are shared objects in the plugin
 * folder that define the symbol "xlx_plugin". Folder and file must belong to root (or to the user who runs the program
 * without having its rights from it) and be writable by nobody else. $XL_EXT_PLUGIN_PATH names another folder; it is
 * ignored by a program that has more rights than its user.
 */
struct xlx_plugin {
    uint32_t abi; /* XLX_PLUGIN_ABI */
    const char *name;
    const char *summary;
    const struct xlx_command *const *commands;
    size_t command_count;
    /* Optional. start is called once before the first command of this plugin runs; an error keeps it from running.
     * stop is called once before the context ends, when start succeeded. */
    int (*start)(struct xlx_ctx *ctx);
    void (*stop)(struct xlx_ctx *ctx);
    /* Optional. Asked before the tool hands one of these commands of xl's to xl (argv[0] is its name; the list ends
     * with NULL): XLX_EXIT_DONE when nothing is known against it; otherwise it logs why the command cannot work and
     * returns the exit status. */
    const char *const *xl_commands;
    int (*check_xl)(struct xlx_ctx *ctx, int argc, char **argv);
};

/* ---- memory ---- */

/* What is known of a domain's memory, at one moment. */
struct xlx_mem_info {
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

/* Fills in info for one domain, or for all (xlx_mem_list). ERROR_DOMAIN_NOTFOUND (not logged) when it is gone. */
XLX_API int xlx_mem_info_get(struct xlx_ctx *ctx, uint32_t domid, struct xlx_mem_info *info);
/* All domains, ascending domid; *infos comes from malloc and is the caller's to free. */
XLX_API int xlx_mem_list(struct xlx_ctx *ctx, struct xlx_mem_info **infos, size_t *count);

enum xlx_mem_relation { XLX_MEM_ABSOLUTE, XLX_MEM_GROW, XLX_MEM_SHRINK };
enum {
    XLX_MEM_FORCE = 1,      /* go below the floor */
    XLX_MEM_EXACT_NODE = 2, /* size is the value of the node itself: video memory is not subtracted (QMP, balancing) */
    XLX_MEM_CLAMP = 4,      /* above static-max: take static-max instead of ERROR_INVAL */
};

struct xlx_mem_target {
    /* filled in by the caller */
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

/* One domain that xlx_mem_settle follows. */
struct xlx_mem_follow {
    uint32_t domid;                  /* caller */
    uint64_t target_memkb;           /* caller: value of the node to be reached */
    enum xlx_mem_settle_state state; /* result, and kept up to date */
    uint64_t actual_memkb;           /* result: less the offset, so comparable with target_memkb */
    uint64_t rate_kb_per_s;          /* result: how fast it moves, mean of the last seconds */
    uint64_t left_ms;                /* result: at that rate; UINT64_MAX: never */
    unsigned rearmed;                /* result: how often a guest that gave up was woken */
};

/*
 * Follows domains until each has settled, is stuck for good or gone, or timeout_ms has passed. Runs the loop; SIGINT
 * and SIGTERM end it with ERROR_ABORTED. progress (may be NULL) is called after each look at the domains. 0: all
 * settled. ERROR_TIMEDOUT: time is up or a guest is stuck. ERROR_DOMAIN_NOTFOUND: one has gone, the others were
 * followed to their end.
 */
XLX_API int xlx_mem_settle(struct xlx_ctx *ctx, struct xlx_mem_follow *follows, size_t count, uint64_t timeout_ms,
                           void (*progress)(void *arg, const struct xlx_mem_follow *follows, size_t count), void *arg);

#ifdef __cplusplus
}
#endif

#endif
