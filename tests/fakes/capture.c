/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fakes/capture.h"

#include <stdlib.h>
#include <unistd.h>

struct capture capture_begin(FILE *stream)
{
    struct capture c = {stream, tmpfile(), -1};

    fflush(stream);
    c.saved_fd = dup(fileno(stream));
    if (!c.file || c.saved_fd < 0 || dup2(fileno(c.file), fileno(stream)) < 0)
        abort();
    return c;
}

const char *capture_end(struct capture *c)
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
