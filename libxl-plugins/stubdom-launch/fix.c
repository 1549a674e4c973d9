/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom-launch/fix.h"

#include <stdio.h>
#include <stdlib.h>
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
static void put_commented(FILE *out, const char *statement, const char *end, const char *code)
{
    while (end > statement && (end[-1] == '\n' || end[-1] == ';'))
        end--;
    fprintf(out, "# xl-ext: %s\n#", code);
    for (; statement < end; statement++) {
        putc(*statement, out);
        if (*statement == '\n')
            putc('#', out);
    }
    putc('\n', out);
}

char *stubdom_fix(struct gc *gc, const char *cfg, const struct stubdom_findings *findings)
{
    char *text = NULL, *copy;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    bool in_line = false;
    const char *end;

    if (!out)
        abort();
    for (; *cfg; cfg = end) {
        const char *code;

        end = statement_end(cfg);
        code = dropped_by(findings, cfg, end);
        if (code)
            put_commented(out, cfg, end, code);
        else
            fwrite(cfg, 1, (size_t)(end - cfg), out);
        in_line = !code && end[-1] != '\n';
    }
    if (in_line)
        putc('\n', out);
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].add)
            fprintf(out, "%s # xl-ext: %s\n", findings->items[i].add, findings->items[i].code);
    }
    if (fclose(out))
        abort();
    copy = gc_strndup(gc, text, len);
    free(text);
    return copy;
}
