/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_COMMANDS_TOP_SCREEN_H
#define XLX_BALANCE_COMMANDS_TOP_SCREEN_H

/*
 * mem-top as lines of text for a screen of any size, and what keys do to it. Knows no terminal: who shows the lines
 * decides how a look looks.
 */

#include "balance/commands/top-keys.h"
#include "balance/commands/top-rows.h"

#define TOP_FILTER_MAX 64

enum top_look {
    TOP_LOOK_PLAIN,
    TOP_LOOK_TITLE,
    TOP_LOOK_HEADER,
    TOP_LOOK_HINT,
    TOP_LOOK_WARNING,
    TOP_LOOK_STARVES,
    TOP_LOOK_STUCK,
    TOP_LOOK_OWES,
    TOP_LOOK_PINNED,
};

struct top_line {
    const char *text; /* no wider than the screen */
    enum top_look look;
    bool selected;
};

struct top_lines {
    struct top_line *lines;
    size_t count, capacity;
};

/* What a person looks at. Zeros: all domains by id, the first one selected. */
struct top_view {
    enum top_sorting sorting;
    char filter[TOP_FILTER_MAX];
    bool typing; /* the filter */
    size_t at;   /* the selected row */
    uint64_t selected_domid;
    bool has_selected;
    size_t first; /* the first row on the screen */

    /* A page of text in the place of the rows; NULL: none. The caller's. */
    const char *page;
    size_t page_first;
};

struct top_size {
    size_t columns, lines;
};

enum top_wish {
    TOP_WISH_NOTHING,
    TOP_WISH_QUIT,
    TOP_WISH_INTERRUPT,
    TOP_WISH_SUSPEND,
    TOP_WISH_REDRAW,
    TOP_WISH_WHY,        /* a page about the selected domain */
    TOP_WISH_HELP,       /* a page about the keys: top_help */
    TOP_WISH_CLOSE_PAGE, /* page is still the caller's */
};
extern const char top_help[];

/* Sorts and filters the rows of data, whose count becomes that of the rows left, and finds the selected row again: the
 * same domain, or when it is gone the one in its place. To be called when either has changed. all: how many there
 * were. */
void top_view_arrange(struct top_view *view, struct top_data *data, struct top_size size);
/* What a key does; what else has to be done is returned. After anything but TOP_WISH_NOTHING only that is left to do;
 * sorting and filter may be other ones in any case. */
enum top_wish top_view_key(struct top_view *view, const struct top_data *data, struct top_size size, int key);

/* At most size.lines lines. all: how many domains there are without the filter. */
struct top_lines top_screen(struct gc *gc, const struct top_view *view, const struct top_data *data, size_t all,
                            struct top_size size);
/* Everything once, for a program to read: sizes in MiB, names in full. */
struct top_lines top_once(struct gc *gc, const struct top_data *data);

#endif
