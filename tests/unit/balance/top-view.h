/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_BALANCE_TOP_VIEW_H
#define TESTS_BALANCE_TOP_VIEW_H

/* mem-top without a terminal: one view, whatever is to be seen, on a screen of any size. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "balance/commands/top-layout.h"
#include "balance/commands/top-screen.h"
#include "base/cleanup.h"

#define MIB UINT64_C(1024)

extern const struct top_size narrow, wide;
extern struct gc *gc;
extern struct top_view view;

/* Set-up and tear-down of a test. */
int begin(void **state);
int end(void **state);

/* So many domains, dom0 among them; of the others each fifth starves, each seventh is stuck. */
struct top_data host_of(size_t count);
/* Lines that fit into the size, and are one line each. */
struct top_lines screen(struct top_data data, struct top_size size);
/* The first with the text; NULL: there is none. */
const struct top_line *line_with(const struct top_lines *l, const char *text);
/* So many lines are of domains of host_of. */
size_t rows_on(const struct top_lines *l);

enum top_wish press(struct top_data data, struct top_size size, int key);
/* Keys that ask for nothing beyond the view. */
void press_all(struct top_data data, struct top_size size, const char *keys);

#endif
