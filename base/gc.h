/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BASE_GC_H
#define XLX_BASE_GC_H

/*
 * A pool of memory that is freed as a whole.
 *
 * A public function opens a scratch pool with GC_SCOPE(gc), which is freed on every return. A function whose result
 * lives in a pool takes "struct gc *gc" first. An object with a life of its own makes one with gc_new and ends it with
 * gc_free. Out of memory aborts the process: none of these functions returns NULL. Memory comes zeroed.
 *
 * File descriptors, libxl types and locks are not pool things: see base/cleanup.h.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gc;

struct gc *gc_new(void);
/* Frees the pool and all that was allocated from it. NULL is allowed. */
void gc_free(struct gc *gc);

void *gc_alloc(struct gc *gc, size_t size);
/* Aborts when count * size does not fit. */
void *gc_array(struct gc *gc, size_t count, size_t size);
/* Grows or shrinks an allocation of this pool; new bytes are zero. old may be NULL. */
void *gc_realloc(struct gc *gc, void *old, size_t size);
/* Gives one allocation of this pool back early. NULL is allowed. */
void gc_release(struct gc *gc, void *p);

char *gc_strdup(struct gc *gc, const char *s);
/* At most len bytes of s, always terminated. */
char *gc_strndup(struct gc *gc, const char *s, size_t len);
char *gc_printf(struct gc *gc, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *gc_vprintf(struct gc *gc, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* A place for one more item at the end of an array that grows in a pool; the three are variables of the caller, zeros at
 * first: GC_PUSH(gc, names, count, capacity) = name; */
#define GC_PUSH(gc, array, count, capacity)                                                                            \
    (*({                                                                                                               \
        if ((count) == (capacity)) {                                                                                   \
            (capacity) = (capacity) ? (capacity)*2 : 4;                                                                \
            (array) = gc_realloc((gc), (array), (capacity) * sizeof(*(array)));                                        \
        }                                                                                                              \
        &(array)[(count)++];                                                                                           \
    }))

#define GC_NEW(gc, type) ((type *)gc_alloc((gc), sizeof(type)))

static inline void gc_scope_end(struct gc **gc)
{
    gc_free(*gc);
}
#define GC_SCOPE(name) struct gc *name __attribute__((cleanup(gc_scope_end))) = gc_new()

#endif
