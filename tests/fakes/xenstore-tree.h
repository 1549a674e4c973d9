/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_TESTS_FAKES_XENSTORE_TREE_H
#define XLX_TESTS_FAKES_XENSTORE_TREE_H

/* The nodes of the fake xenstored, and copies of them for transactions. */

#include <stdbool.h>
#include <stddef.h>

#define NODES_MAX 4096

struct node {
    char *path;
    char *value; /* with a 0 behind its len bytes */
    size_t len;
};

struct tree {
    struct node nodes[NODES_MAX]; /* sorted by path */
    size_t count;
};

/* The bytes and a 0; the caller's to free. */
char *tree_copy_bytes(const void *bytes, size_t len);
/* Where the node is, or would have to be. */
size_t tree_position(const struct tree *t, const char *path, bool *found);
bool tree_is_below(const char *path, const char *folder);
/* Parents that are missing come into being, as in xenstored. */
void tree_set(struct tree *t, const char *path, const void *bytes, size_t len);
/* The names of its children, the array and they in one piece from malloc; NULL: there is no such node. */
char **tree_children(const struct tree *t, const char *path, unsigned *count);
/* With all below it; false: there was none. */
bool tree_remove(struct tree *t, const char *path);
void tree_clear(struct tree *t);
void tree_copy(struct tree *to, const struct tree *from);

#endif
