/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/gc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each allocation carries its own links, so that giving one back costs no search. */
struct chunk {
    struct chunk *next, **prevp;
    size_t size;
    max_align_t data[];
};

struct gc {
    struct chunk *first;
};

static void *or_abort(void *p)
{
    if (!p) {
        static const char message[] = "xl-ext: out of memory\n";
        fwrite(message, 1, sizeof(message) - 1, stderr);
        abort();
    }
    return p;
}

static void chunk_link(struct gc *gc, struct chunk *c)
{
    c->next = gc->first;
    c->prevp = &gc->first;
    if (gc->first)
        gc->first->prevp = &c->next;
    gc->first = c;
}

static void chunk_unlink(struct chunk *c)
{
    *c->prevp = c->next;
    if (c->next)
        c->next->prevp = c->prevp;
}

static struct chunk *chunk_of(void *p)
{
    return (struct chunk *)((char *)p - offsetof(struct chunk, data));
}

struct gc *gc_new(void)
{
    return or_abort(calloc(1, sizeof(struct gc)));
}

void gc_free(struct gc *gc)
{
    if (!gc)
        return;
    for (struct chunk *c = gc->first, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(gc);
}

void *gc_alloc(struct gc *gc, size_t size)
{
    struct chunk *c;

    if (size > SIZE_MAX - sizeof(*c))
        or_abort(NULL);
    c = or_abort(calloc(1, sizeof(*c) + size));
    c->size = size;
    chunk_link(gc, c);
    return c->data;
}

void *gc_array(struct gc *gc, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        or_abort(NULL);
    return gc_alloc(gc, bytes);
}

void *gc_realloc(struct gc *gc, void *old, size_t size)
{
    struct chunk *c;
    size_t old_size;

    if (!old)
        return gc_alloc(gc, size);
    if (size > SIZE_MAX - sizeof(*c))
        or_abort(NULL);
    c = chunk_of(old);
    old_size = c->size;
    chunk_unlink(c);
    c = or_abort(realloc(c, sizeof(*c) + size));
    if (size > old_size)
        memset((char *)c->data + old_size, 0, size - old_size);
    c->size = size;
    chunk_link(gc, c);
    return c->data;
}

void gc_release(struct gc *gc, void *p)
{
    if (!p)
        return;
    chunk_unlink(chunk_of(p));
    free(chunk_of(p));
}

char *gc_strndup(struct gc *gc, const char *s, size_t len)
{
    size_t n = strnlen(s, len);
    char *copy = gc_alloc(gc, n + 1);

    memcpy(copy, s, n);
    return copy;
}

char *gc_strdup(struct gc *gc, const char *s)
{
    return gc_strndup(gc, s, strlen(s));
}

char *gc_vprintf(struct gc *gc, const char *format, va_list args)
{
    va_list again;
    char *text;
    int r;

    va_copy(again, args);
    r = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (r < 0)
        or_abort(NULL);
    text = gc_alloc(gc, (size_t)r + 1);
    vsnprintf(text, (size_t)r + 1, format, args);
    return text;
}

char *gc_printf(struct gc *gc, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = gc_vprintf(gc, format, args);
    va_end(args);
    return text;
}
