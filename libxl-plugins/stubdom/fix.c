/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/check.h"

#include <string.h>

#include "base/cleanup.h"

/*
 * xl.cfg (libxlutil, libxlu_cfg_l.l): assignments "name = value" end at a newline or ";"; lists in brackets may go over
 * newlines; in quoted strings, which end with the line at the latest, a backslash takes the meaning of what follows;
 * "#" outside of strings starts a comment.
 */

/* The end of the statement that starts at p: behind its newline or ";". */
static const char *statement_end(const char *p)
{
    int depth = 0;
    char quote = 0;

    for (; *p; p++) {
        if (quote) {
            if (*p == '\\' && p[1] && p[1] != '\n')
                p++;
            else if (*p == quote || *p == '\n')
                quote = 0;
            if (*p == '\n' && depth <= 0)
                return p + 1;
        } else if (*p == '"' || *p == '\'') {
            quote = *p;
        } else if (*p == '#') {
            p += strcspn(p, "\n");
            if (!*p || !depth)
                return *p ? p + 1 : p;
        } else if (*p == '[') {
            depth++;
        } else if (*p == ']') {
            depth--;
        } else if (depth <= 0 && (*p == '\n' || *p == ';')) {
            return p + 1;
        }
    }
    return p;
}

static bool assigns(const char *statement, const char *end, const char *key)
{
    size_t len = strlen(key);

    statement += strspn(statement, " \t\r");
    if ((size_t)(end - statement) <= len || strncmp(statement, key, len))
        return false;
    statement += len;
    statement += strspn(statement, " \t");
    /* "+=" appends to a list */
    return *statement == '=' || !strncmp(statement, "+=", 2);
}

static const char *dropped_by(const struct stubdom_findings *findings, const char *statement, const char *end)
{
    for (size_t i = 0; i < findings->count; i++) {
        for (size_t k = 0; k < ARRAY_LEN(findings->items[i].drop) && findings->items[i].drop[k]; k++) {
            if (assigns(statement, end, findings->items[i].drop[k]))
                return findings->items[i].code;
        }
    }
    return NULL;
}

/* A statement as a comment, each of its lines. */
static char *commented(struct gc *gc, const char *statement, size_t len, const char *code)
{
    char *copy = gc_strndup(gc, statement, len), *rest = copy, *line;
    char *out = gc_printf(gc, "# xl-ext: %s\n", code);

    while (len && (copy[len - 1] == '\n' || copy[len - 1] == ';'))
        copy[--len] = '\0';
    while ((line = strsep(&rest, "\n")))
        out = gc_printf(gc, "%s#%s\n", out, line);
    return out;
}

char *stubdom_fix(struct gc *gc, const char *cfg, const struct stubdom_findings *findings)
{
    char *out = gc_strdup(gc, "");
    const char *end;

    for (; *cfg; cfg = end) {
        const char *code;

        end = statement_end(cfg);
        code = dropped_by(findings, cfg, end);
        out = code ? gc_printf(gc, "%s%s", out, commented(gc, cfg, (size_t)(end - cfg), code))
                   : gc_printf(gc, "%s%.*s", out, (int)(end - cfg), cfg);
    }
    if (*out && out[strlen(out) - 1] != '\n')
        out = gc_printf(gc, "%s\n", out);
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].add)
            out = gc_printf(gc, "%s%s # xl-ext: %s\n", out, findings->items[i].add, findings->items[i].code);
    }
    return out;
}
