/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fakes/xenstore-tree.h"

#include <stdlib.h>
#include <string.h>

char *tree_copy_bytes(const void *bytes, size_t len)
{
    char *copy = calloc(1, len + 1);

    if (!copy)
        abort();
    if (len)
        memcpy(copy, bytes, len);
    return copy;
}

size_t tree_position(const struct tree *t, const char *path, bool *found)
{
    size_t i = 0;

    while (i < t->count && strcmp(t->nodes[i].path, path) < 0)
        i++;
    *found = i < t->count && !strcmp(t->nodes[i].path, path);
    return i;
}

bool tree_is_below(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    return !strncmp(path, folder, n) && (!path[n] || path[n] == '/');
}

void tree_set(struct tree *t, const char *path, const void *bytes, size_t len)
{
    const char *slash = strrchr(path, '/');
    bool found;
    size_t i;

    if (slash && slash != path) {
        char *parent = tree_copy_bytes(path, (size_t)(slash - path));

        tree_position(t, parent, &found);
        if (!found)
            tree_set(t, parent, "", 0);
        free(parent);
    }
    i = tree_position(t, path, &found);
    if (!found) {
        if (t->count == NODES_MAX)
            abort();
        memmove(&t->nodes[i + 1], &t->nodes[i], (t->count - i) * sizeof(t->nodes[0]));
        t->count++;
        t->nodes[i].path = tree_copy_bytes(path, strlen(path));
    } else {
        free(t->nodes[i].value);
    }
    t->nodes[i].value = tree_copy_bytes(bytes, len);
    t->nodes[i].len = len;
}

bool tree_remove(struct tree *t, const char *path)
{
    bool removed = false;
    size_t kept = 0;

    for (size_t i = 0; i < t->count; i++) {
        if (tree_is_below(t->nodes[i].path, path)) {
            free(t->nodes[i].path);
            free(t->nodes[i].value);
            removed = true;
        } else {
            t->nodes[kept++] = t->nodes[i];
        }
    }
    t->count = kept;
    return removed;
}

void tree_clear(struct tree *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->nodes[i].path);
        free(t->nodes[i].value);
    }
    t->count = 0;
}

void tree_copy(struct tree *to, const struct tree *from)
{
    tree_clear(to);
    for (size_t i = 0; i < from->count; i++) {
        const struct node *n = &from->nodes[i];

        to->nodes[i] =
            (struct node){tree_copy_bytes(n->path, strlen(n->path)), tree_copy_bytes(n->value, n->len), n->len};
    }
    to->count = from->count;
}

/* NULL: the node is not a child of that folder. */
static const char *child_name(const char *path, const char *folder)
{
    size_t prefix = strlen(folder);

    return tree_is_below(path, folder) && path[prefix] && !strchr(path + prefix + 1, '/') ? path + prefix + 1 : NULL;
}

char **tree_children(const struct tree *t, const char *path, unsigned *count)
{
    size_t bytes = 0;
    char **names, *text;
    unsigned n = 0;
    bool found;

    tree_position(t, path, &found);
    if (!found)
        return NULL;
    for (size_t i = 0; i < t->count; i++) {
        const char *name = child_name(t->nodes[i].path, path);

        n += name != NULL;
        bytes += name ? strlen(name) + 1 : 0;
    }
    names = calloc(1, n * sizeof(*names) + bytes + 1);
    if (!names)
        abort();
    text = (char *)(names + n);
    *count = 0;
    for (size_t i = 0; i < t->count; i++) {
        const char *name = child_name(t->nodes[i].path, path);

        if (!name)
            continue;
        names[(*count)++] = strcpy(text, name);
        text += strlen(name) + 1;
    }
    return names;
}
