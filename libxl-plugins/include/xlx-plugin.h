/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_PLUGIN_H
#define XLX_PLUGIN_H

/*
 * libxlx, for who writes a plugin of xl-ext: commands, what they show, and the plugin itself. The operations that a
 * command calls are in xlx.h, whose conventions hold here, too. A plugin runs inside the tool alone: its structs are
 * guarded by XLX_PLUGIN_ABI.
 */

#include "xlx.h"

#ifdef __cplusplus
extern "C" {
#endif

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
    /* Is a service: XLX_EXIT_REFUSED in place of XLX_EXIT_FAILED where the libraries are not of this host's Xen. */
    XLX_COMMAND_SERVICE = 32,
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

/* The members of a command that its option table, an array, and its options struct make. */
#define XLX_OPTIONS(table, type)                                                                                       \
    .options = (table), .option_count = sizeof(table) / sizeof(*(table)), .options_size = sizeof(type)

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

/* ---- plugins ---- */

/* Changes whenever a struct above, or one of xlx.h, changes in a way that an old plugin would not survive. */
#define XLX_PLUGIN_ABI 4

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

#ifdef __cplusplus
}
#endif

#endif
