/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef FAKES_CAPTURE_H
#define FAKES_CAPTURE_H

/* What a piece of the tool writes to a standard stream. */

#include <stdio.h>

struct capture {
    FILE *stream, *file;
    int saved_fd;
};

struct capture capture_begin(FILE *stream);
/* The text, in static memory until the next call. */
const char *capture_end(struct capture *c);

#endif
