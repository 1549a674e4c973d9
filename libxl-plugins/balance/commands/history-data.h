/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_COMMANDS_HISTORY_DATA_H
#define XLX_BALANCE_COMMANDS_HISTORY_DATA_H

/* memd's answer to query-history, for those who draw it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/gc.h"
#include "base/json.h"

enum history_series { HISTORY_HELD, HISTORY_TARGET, HISTORY_NEED, HISTORY_AVAILABLE, HISTORY_SERIES };

struct history_time {
    uint64_t time; /* seconds since 1970: the end of a step */
    uint64_t memkb[HISTORY_SERIES];
    bool known[HISTORY_SERIES];
};

struct history_event {
    uint64_t time;
    const char *kind; /* memd's word: start, end, pin, kill, reservation */
    char letter;      /* S, E, P, K, R; ? for a word that is not known */
    const char *name; /* can be printed as it is; of a domain, or empty */
    bool has_domid, has_memkb;
    uint64_t domid, memkb;
};

struct history_data {
    const char *title; /* can be printed as it is */
    uint64_t from, to; /* seconds since 1970 */
    uint64_t step;     /* seconds, at least 1 */
    struct history_time *times;
    size_t count;
    struct history_event *events;
    size_t event_count;
};

/* In the pool. What is shown is the time from..to; what lies outside is left out. */
struct history_data *history_data(struct gc *gc, const struct json *answer, const char *title, uint64_t from,
                                  uint64_t to);
/* The largest size that is shown; at least 1 MiB. */
uint64_t history_data_top_memkb(const struct history_data *d);
/* "12:03", local time; with seconds "12:03:17". */
const char *history_clock(struct gc *gc, uint64_t time, bool seconds);
/* "1 h", "90 min", "45 s". */
const char *history_span(struct gc *gc, uint64_t seconds);
/* What an event is, in a few words: "kill web", "pin web 512M". */
const char *history_event_text(struct gc *gc, const struct history_event *event);

/* As text: held as an area of blocks, the others as marks before it, events by their letter and the last of them as a
 * list. lines of the screen at most, but never fewer than are needed. */
const char *history_plot(struct gc *gc, const struct history_data *d, size_t columns, size_t lines, bool colours);
/* As a picture. */
const char *history_svg(struct gc *gc, const struct history_data *d);

#endif
