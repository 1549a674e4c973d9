/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_CAPTURE_H
#define TESTS_CAPTURE_H

/* What a piece of the tool writes to a standard stream. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct capture {
    FILE *stream, *file;
    int saved_fd;
};

static inline struct capture capture_begin(FILE *stream)
{
    struct capture c = {stream, tmpfile(), -1};

    fflush(stream);
    c.saved_fd = dup(fileno(stream));
    if (!c.file || c.saved_fd < 0 || dup2(fileno(c.file), fileno(stream)) < 0)
        abort();
    return c;
}

/* The text, in static memory until the next call. */
static inline const char *capture_end(struct capture *c)
{
    static char text[16384];
    size_t n;

    fflush(c->stream);
    if (dup2(c->saved_fd, fileno(c->stream)) < 0)
        abort();
    close(c->saved_fd);
    rewind(c->file);
    n = fread(text, 1, sizeof(text) - 1, c->file);
    text[n] = '\0';
    fclose(c->file);
    return text;
}

#endif
