/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_BALANCE_XEN_RANGES_H
#define XLX_BALANCE_XEN_RANGES_H

/*
 * Ranges that stand in files: in ranges.cfg, which people and mem-range --save write, and in the configuration files of
 * domains, from which xl makes domains and leaves our keys alone.
 *
 *     web = "min=512 max=4g weight=256 lend=all"     # by name or UUID; each word may be missing but one of min and max
 *
 * The syntax is xl.cfg's, with an entry on one line, and any name of a domain before the = (in quotes when it has blanks
 * or one of =#"'; in it).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "balance/host.h"
#include "core/config.h"

#define RANGES_PATH "/etc/xl-ext/ranges.cfg"
/* No file that is read is larger. */
#define RANGES_FILE_MAX (1u << 20)

#define RANGE_ABSENT UINT64_MAX

struct range_rule {
    const char *key;               /* a name or a UUID; of a domain's configuration: its name */
    const char *file;              /* where it stands */
    unsigned line;                 /* 0: not known */
    uint64_t min_memkb, max_memkb; /* RANGE_ABSENT: the least that it can live with, all that it may have */
    uint64_t weight;               /* 0: the usual one */
    struct host_lend lend;
};

struct ranges {
    struct range_rule *rules;
    size_t count, capacity;
};

/* What a value of ranges.cfg says; silent. ERROR_INVAL: *cause completes a sentence. */
int range_rule_parse(const char *text, struct range_rule *rule, const char **cause);
/* The value that says so, in the pool. */
const char *range_rule_text(struct gc *gc, const struct range_rule *rule);
/* The range that it gives a domain with that static-max, KiB. */
void range_rule_resolve(const struct range_rule *rule, uint64_t static_max_memkb, struct settings *settings);
/* Our keys in a domain's configuration: dynamic_memory_min, dynamic_memory_max, memory_weight. *found is false when it
 * gives no range. Logs; rule->key is not filled in. */
int range_rule_of_config(struct xlx_ctx *ctx, const struct config *config, const char *name, bool *found,
                         struct range_rule *rule);

/* Adds what text says to ranges, in the pool. ERROR_INVAL: *cause completes a sentence about *line; nothing was added. */
int ranges_parse(struct gc *gc, const char *file, const char *text, struct ranges *ranges, unsigned *line,
                 const char **cause);
/* The one for that UUID, else the one for that name (either may be NULL or empty); NULL: none. */
const struct range_rule *ranges_find(const struct ranges *ranges, const char *uuid, const char *name);

/* Whether an entry can have that key: no control characters, and not both kinds of quotes. */
bool ranges_can_name(const char *key);

/* text with that entry in place of the one for its key, or at its end; rule NULL: without it. In the pool. All else
 * stays as it is. The key is one that ranges_can_name. */
const char *ranges_with(struct gc *gc, const char *text, const char *key, const struct range_rule *rule);

/* Reads a file; one that is not there is empty. An error: *fault is a sentence with file and line, in the pool. */
int ranges_read(struct gc *gc, const char *path, const char **text, struct ranges *ranges, const char **fault);
/* Puts text into the place of the file at once: who reads it sees the old or the new. Logs. */
int ranges_write(struct xlx_ctx *ctx, const char *path, const char *text);

/* Adds the ranges of the domains whose configurations lie in folder: of files that belong to root and that nobody else
 * can write. One that cannot be read is warned of and left out; a folder that is not there is empty. */
void ranges_of_folder(struct xlx_ctx *ctx, struct gc *gc, const char *folder, struct ranges *ranges);

#endif
