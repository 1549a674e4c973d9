/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fakes/xenstore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xenstore.h>

#include "tests/fakes/fault.h"
#include "tests/fakes/xenstore-socket.h"
#include "tests/fakes/xenstore-tree.h"

#define TRANSACTIONS_MAX 8
#define WATCHES_MAX 2048

static struct tree store;
static unsigned generation; /* of the store; a transaction that began at another one conflicts */

static struct transaction {
    bool open;
    unsigned begun_at;
    struct tree tree;
} transactions[TRANSACTIONS_MAX];

struct event {
    struct event *next;
    char *path, *token;
};

struct xs_handle {
    int pipe[2]; /* readable while an event waits */
    struct event *events, **events_end;
    struct xs_handle *next;
};

static struct watch {
    struct xs_handle *xs;
    char *path, *token;
} watches[WATCHES_MAX];
static unsigned watch_count, event_count;
static struct xs_handle *handles;
static unsigned conflicts_left;
static void (*act_before_commit)(void *arg);
static void *act_arg;
static bool lost;

/* ---- watches ---- */

static void queue_event(const struct watch *w, const char *path)
{
    struct event *e = calloc(1, sizeof(*e));

    if (!e)
        abort();
    event_count++;
    e->path = tree_copy_bytes(path, strlen(path));
    e->token = tree_copy_bytes(w->token, strlen(w->token));
    if (!w->xs->events && write(w->xs->pipe[1], "", 1) != 1)
        abort();
    *w->xs->events_end = e;
    w->xs->events_end = &e->next;
}

static void fire(const char *path)
{
    for (unsigned i = 0; i < watch_count; i++) {
        if (tree_is_below(path, watches[i].path))
            queue_event(&watches[i], path);
    }
}

/* What has changed from one tree to another. */
static void fire_differences(const struct tree *before, const struct tree *after)
{
    size_t a = 0, b = 0;

    while (a < before->count || b < after->count) {
        int order = a == before->count  ? 1
                    : b == after->count ? -1
                                        : strcmp(before->nodes[a].path, after->nodes[b].path);

        if (order < 0) {
            fire(before->nodes[a++].path);
        } else if (order > 0) {
            fire(after->nodes[b++].path);
        } else {
            if (before->nodes[a].len != after->nodes[b].len ||
                memcmp(before->nodes[a].value, after->nodes[b].value, after->nodes[b].len) != 0)
                fire(after->nodes[b].path);
            a++;
            b++;
        }
    }
}

/* ---- for tests ---- */

void fake_store_reset(void)
{
    tree_clear(&store);
    fake_store_transactions_end();
    conflicts_left = 0;
    act_before_commit = NULL;
    lost = false;
}

void fake_store_set_bytes(const char *path, const void *bytes, size_t len)
{
    generation++;
    tree_set(&store, path, bytes, len);
    fire(path);
}

void fake_store_set(const char *path, const char *value)
{
    if (value) {
        fake_store_set_bytes(path, value, strlen(value));
        return;
    }
    generation++;
    tree_remove(&store, path);
    fire(path);
}

const char *fake_store_get(const char *path)
{
    bool found;
    size_t i = tree_position(&store, path, &found);

    return found ? store.nodes[i].value : NULL;
}

char *fake_store_dump(void)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    if (!f)
        abort();
    for (size_t i = 0; i < store.count; i++)
        fprintf(f, "%s = %s\n", store.nodes[i].path, store.nodes[i].value);
    fclose(f);
    return text;
}

void fake_store_conflicts(unsigned n)
{
    conflicts_left = n;
}

void fake_store_before_commit(void (*act)(void *arg), void *arg)
{
    act_before_commit = act;
    act_arg = arg;
}

void fake_store_fire(const char *special)
{
    fire(special);
}

void fake_store_lose(void)
{
    lost = true;
    fake_socket_close();
}

unsigned fake_store_watches(void)
{
    return watch_count;
}

unsigned fake_store_events(void)
{
    return event_count;
}

unsigned fake_store_transactions(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < TRANSACTIONS_MAX; i++)
        n += transactions[i].open;
    return n;
}

void fake_store_transactions_end(void)
{
    for (unsigned i = 0; i < TRANSACTIONS_MAX; i++) {
        tree_clear(&transactions[i].tree);
        transactions[i].open = false;
    }
}

unsigned fake_store_handles(void)
{
    unsigned n = 0;

    for (const struct xs_handle *h = handles; h; h = h->next)
        n++;
    return n;
}

/* ---- libxenstore ---- */

static bool fails(const char *call)
{
    if (lost) {
        errno = EBADF;
        return true;
    }
    return fault_now(call);
}

static struct tree *tree_of(xs_transaction_t t)
{
    if (t == XBT_NULL)
        return &store;
    if (t > TRANSACTIONS_MAX || !transactions[t - 1].open)
        abort(); /* a transaction that is over, or never was */
    return &transactions[t - 1].tree;
}

struct xs_handle *xs_open(unsigned long flags)
{
    struct xs_handle *h;

    if (fails("xs_open"))
        return NULL;
    h = calloc(1, sizeof(*h));
    if (!h || pipe(h->pipe))
        abort();
    h->events_end = &h->events;
    h->next = handles;
    handles = h;
    return h;
}

static char **next_event(struct xs_handle *h)
{
    struct event *e = h->events;
    size_t path_len, token_len;
    char **result, *text, byte;

    if (!e) {
        errno = EAGAIN;
        return NULL;
    }
    h->events = e->next;
    if (!h->events) {
        h->events_end = &h->events;
        if (read(h->pipe[0], &byte, 1) != 1)
            abort();
    }
    /* One allocation, as libxenstore makes it. */
    path_len = strlen(e->path) + 1;
    token_len = strlen(e->token) + 1;
    result = calloc(1, 2 * sizeof(*result) + path_len + token_len);
    if (!result)
        abort();
    text = (char *)(result + 2);
    result[XS_WATCH_PATH] = memcpy(text, e->path, path_len);
    result[XS_WATCH_TOKEN] = memcpy(text + path_len, e->token, token_len);
    free(e->path);
    free(e->token);
    free(e);
    return result;
}

void xs_close(struct xs_handle *h)
{
    unsigned kept = 0;

    if (!h)
        return;
    for (unsigned i = 0; i < watch_count; i++) {
        if (watches[i].xs == h) {
            free(watches[i].path);
            free(watches[i].token);
        } else {
            watches[kept++] = watches[i];
        }
    }
    watch_count = kept;
    while (h->events)
        free(next_event(h));
    for (struct xs_handle **p = &handles; *p; p = &(*p)->next) {
        if (*p == h) {
            *p = h->next;
            break;
        }
    }
    close(h->pipe[0]);
    close(h->pipe[1]);
    free(h);
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *len)
{
    const struct tree *tree;
    bool found;
    size_t i;

    if (fails("xs_read"))
        return NULL;
    tree = tree_of(t);
    i = tree_position(tree, path, &found);
    if (!found) {
        errno = ENOENT;
        return NULL;
    }
    if (len)
        *len = (unsigned)tree->nodes[i].len;
    return tree_copy_bytes(tree->nodes[i].value, tree->nodes[i].len);
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data, unsigned int len)
{
    if (fails("xs_write"))
        return false;
    fake_note("write %s", path);
    if (t == XBT_NULL)
        fake_store_set_bytes(path, data, len);
    else
        tree_set(tree_of(t), path, data, len);
    return true;
}

bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    bool found;

    tree_position(tree_of(t), path, &found);
    return found || xs_write(h, t, path, "", 0);
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    if (fails("xs_rm"))
        return false;
    if (!tree_remove(tree_of(t), path)) {
        errno = ENOENT;
        return false;
    }
    if (t == XBT_NULL) {
        generation++;
        fire(path);
    }
    return true;
}

char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *num)
{
    char **names;

    if (fails("xs_directory"))
        return NULL;
    names = tree_children(tree_of(t), path, num);
    if (!names)
        errno = ENOENT;
    return names;
}

bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t, const char *path, struct xs_permissions *perms,
                        unsigned int num_perms)
{
    return !fails("xs_set_permissions");
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
    if (fails("xs_watch"))
        return false;
    if (watch_count == WATCHES_MAX)
        abort();
    watches[watch_count] =
        (struct watch){h, tree_copy_bytes(path, strlen(path)), tree_copy_bytes(token, strlen(token))};
    queue_event(&watches[watch_count++], path);
    return true;
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
    if (fails("xs_unwatch"))
        return false;
    for (unsigned i = 0; i < watch_count; i++) {
        if (watches[i].xs == h && !strcmp(watches[i].path, path) && !strcmp(watches[i].token, token)) {
            free(watches[i].path);
            free(watches[i].token);
            watches[i] = watches[--watch_count];
            return true;
        }
    }
    errno = ENOENT;
    return false;
}

int xs_fileno(struct xs_handle *h)
{
    return h->pipe[0];
}

char **xs_check_watch(struct xs_handle *h)
{
    if (lost) {
        errno = EBADF;
        return NULL;
    }
    return next_event(h);
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
    if (fails("xs_transaction_start"))
        return XBT_NULL;
    for (unsigned i = 0; i < TRANSACTIONS_MAX; i++) {
        if (!transactions[i].open) {
            transactions[i].open = true;
            transactions[i].begun_at = generation;
            tree_copy(&transactions[i].tree, &store);
            return i + 1;
        }
    }
    errno = EAGAIN; /* as xenstored, with too many open */
    return XBT_NULL;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abandon)
{
    struct transaction *transaction = &transactions[t - 1];
    struct tree before = {.count = 0};

    tree_of(t);
    if (!abandon && act_before_commit) {
        void (*act)(void *arg) = act_before_commit;

        act_before_commit = NULL;
        act(act_arg);
    }
    /* Over in any case, also when the answer is an error. */
    transaction->open = false;
    if (abandon) {
        errno = EPROTO; /* a success may leave any errno */
        return true;
    }
    if (fails("xs_transaction_end"))
        return false;
    if (conflicts_left) {
        conflicts_left--;
        errno = EAGAIN;
        return false;
    }
    if (transaction->begun_at != generation) {
        errno = EAGAIN;
        return false;
    }
    fake_note("commit");
    generation++;
    before = store;
    store.count = 0;
    tree_copy(&store, &transaction->tree);
    fire_differences(&before, &store);
    tree_clear(&before);
    return true;
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid)
{
    char path[64];
    bool found;

    if (fails("xs_is_domain_introduced"))
        return false;
    snprintf(path, sizeof(path), "/local/domain/%u", domid);
    tree_position(&store, path, &found);
    return found;
}
