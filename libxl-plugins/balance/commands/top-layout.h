/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_COMMANDS_TOP_LAYOUT_H
#define XLX_BALANCE_COMMANDS_TOP_LAYOUT_H

/* The columns of mem-top. */

#include "balance/commands/top-rows.h"

struct top_layout {
    bool wide;                /* with minimum, maximum and weight; else the bar stands for them */
    bool human;               /* sizes as top_size_text, else MiB */
    size_t name, number, bar; /* columns; a bar of 0 is left out */
    uint64_t scale_memkb;     /* the end of the bar */
};

/* The names get what they need and the screen has, the bar what they leave. */
struct top_layout top_layout_for(const struct top_data *data, size_t columns);
struct top_layout top_layout_once(const struct top_data *data);

const char *top_layout_header(struct gc *gc, const struct top_layout *layout);
const char *top_layout_row(struct gc *gc, const struct top_layout *layout, const struct top_row *row);
/* The host: what it has and what is not 0. */
const char *top_layout_host(struct gc *gc, const struct top_host *host);
/* All of it, in MiB. */
const char *top_layout_host_once(struct gc *gc, const struct top_host *host);

/* "812M", "1.23G", "15.9G", "1.50T": at most five characters below 1000 TiB. */
const char *top_size_text(struct gc *gc, uint64_t memkb);

#endif
