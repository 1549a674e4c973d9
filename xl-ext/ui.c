/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xl-ext/tool.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "xl-ext/messages.h"

struct xlx_table {
    struct gc *gc;
    struct xlx_ui *ui;
    const struct xlx_column *columns;
    size_t column_count;
    struct xlx_cell *cells; /* row by row */
    size_t row_count, capacity;
};

/* ---- cells ---- */

/* Texts may come from a guest: none gets out of its line or commands the terminal. JSON has its own way to say them. */
static const char *cell_text(struct gc *gc, const struct xlx_cell *cell)
{
    switch (cell->type) {
    case XLX_CELL_TEXT:
        return visible_copy(gc, cell->text);
    case XLX_CELL_NUMBER:
        return gc_printf(gc, "%" PRId64, cell->number);
    case XLX_CELL_BOOL:
        return cell->number ? "yes" : "no";
    case XLX_CELL_NONE:
        break;
    }
    return "-";
}

static struct json *cell_json(struct gc *gc, const struct xlx_cell *cell)
{
    switch (cell->type) {
    case XLX_CELL_TEXT:
        return json_new_string(gc, cell->text);
    case XLX_CELL_NUMBER:
        return json_new_integer(gc, cell->number);
    case XLX_CELL_BOOL:
        return json_new_bool(gc, cell->number);
    case XLX_CELL_NONE:
        break;
    }
    return json_new_null(gc);
}

static struct json *row_json(struct gc *gc, const struct xlx_column *columns, size_t count,
                             const struct xlx_cell *cells)
{
    struct json *row = json_new_object(gc);

    for (size_t i = 0; i < count; i++) {
        if (!(columns[i].flags & XLX_COLUMN_TEXT))
            json_set(gc, row, columns[i].key, cell_json(gc, &cells[i]));
    }
    return row;
}

static void print_padded(const char *text, size_t width, bool right, bool last)
{
    size_t own = utf8_width(text);
    int pad = own < width ? (int)(width - own) : 0;

    if (right)
        printf("%*s%s", pad, "", text);
    else
        printf("%s%*s", text, last ? 0 : pad, "");
}

/* ---- tables ---- */

static struct xlx_table *table_begin(struct xlx_ui *ui, const struct xlx_column *columns, size_t count)
{
    struct gc *gc = gc_new();
    struct xlx_table *t = GC_NEW(gc, struct xlx_table);

    t->gc = gc;
    t->ui = ui;
    t->columns = columns;
    t->column_count = count;
    return t;
}

static void table_row(struct xlx_table *t, const struct xlx_cell *cells)
{
    struct xlx_cell *row;

    if (t->row_count == t->capacity) {
        t->capacity = t->capacity ? t->capacity * 2 : 16;
        t->cells = gc_realloc(t->gc, t->cells, t->capacity * t->column_count * sizeof(*t->cells));
    }
    row = t->cells + t->row_count++ * t->column_count;
    for (size_t i = 0; i < t->column_count; i++) {
        row[i] = cells[i];
        if (cells[i].type == XLX_CELL_TEXT)
            row[i].text = gc_strdup(t->gc, cells[i].text);
    }
}

static void table_text(struct xlx_table *t)
{
    size_t last = t->column_count;
    size_t *widths = gc_array(t->gc, t->column_count, sizeof(*widths));

    for (size_t i = 0; i < t->column_count; i++) {
        if (t->columns[i].flags & XLX_COLUMN_JSON)
            continue;
        last = i;
        widths[i] = utf8_width(t->columns[i].heading);
        for (size_t r = 0; r < t->row_count; r++) {
            size_t w = utf8_width(cell_text(t->gc, &t->cells[r * t->column_count + i]));

            if (w > widths[i])
                widths[i] = w;
        }
    }
    for (size_t r = 0; r <= t->row_count; r++) {
        for (size_t i = 0; i < t->column_count; i++) {
            const struct xlx_column *c = &t->columns[i];

            if (c->flags & XLX_COLUMN_JSON)
                continue;
            print_padded(r ? cell_text(t->gc, &t->cells[(r - 1) * t->column_count + i]) : c->heading, widths[i],
                         c->flags & XLX_COLUMN_RIGHT, i == last);
            fputs(i == last ? "\n" : "  ", stdout);
        }
    }
}

static void table_end(struct xlx_table *t)
{
    message_progress(NULL);
    if (t->ui->json) {
        struct json *rows = json_new_array(t->gc);

        for (size_t r = 0; r < t->row_count; r++)
            json_append(t->gc, rows, row_json(t->gc, t->columns, t->column_count, t->cells + r * t->column_count));
        fputs(json_text(t->gc, rows, JSON_PRETTY), stdout);
    } else {
        table_text(t);
    }
    gc_free(t->gc);
}

/* ---- streams and records ---- */

/* One line of a stream: its headings, when cells is NULL. What comes later is not known, so widths are guessed. */
static void line_text(struct gc *gc, const struct xlx_column *columns, size_t count, const struct xlx_cell *cells)
{
    bool first = true;

    for (size_t i = 0; i < count; i++) {
        size_t width, next = i;

        if (columns[i].flags & XLX_COLUMN_JSON)
            continue;
        if (!first)
            fputs("  ", stdout);
        first = false;
        width = utf8_width(columns[i].heading);
        while (++next < count && columns[next].flags & XLX_COLUMN_JSON)
            ;
        print_padded(cells ? cell_text(gc, &cells[i]) : columns[i].heading, width < 10 ? 10 : width,
                     columns[i].flags & XLX_COLUMN_RIGHT, next >= count);
    }
    putchar('\n');
}

static void line(struct xlx_ui *ui, const struct xlx_column *columns, size_t count, const struct xlx_cell *cells)
{
    static const struct xlx_column none, *headed = &none;
    GC_SCOPE(gc);

    message_progress(NULL);
    if (ui->json) {
        printf("%s\n", json_text(gc, row_json(gc, columns, count, cells), JSON_COMPACT));
    } else {
        if (headed != columns)
            line_text(gc, columns, count, NULL);
        line_text(gc, columns, count, cells);
        headed = columns;
    }
    fflush(stdout);
}

static void record(struct xlx_ui *ui, const struct xlx_column *columns, size_t count, const struct xlx_cell *cells)
{
    size_t width = 0;
    GC_SCOPE(gc);

    message_progress(NULL);
    if (ui->json) {
        fputs(json_text(gc, row_json(gc, columns, count, cells), JSON_PRETTY), stdout);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (!(columns[i].flags & XLX_COLUMN_JSON) && utf8_width(columns[i].heading) > width)
            width = utf8_width(columns[i].heading);
    }
    for (size_t i = 0; i < count; i++) {
        if (columns[i].flags & XLX_COLUMN_JSON)
            continue;
        print_padded(columns[i].heading, width, false, false);
        printf("  %s\n", cell_text(gc, &cells[i]));
    }
}

__attribute__((format(printf, 2, 3))) static void print(struct xlx_ui *ui, const char *format, ...)
{
    va_list args;
    GC_SCOPE(gc);
    char *text;

    message_progress(NULL);
    va_start(args, format);
    text = gc_vprintf(gc, format, args);
    va_end(args);
    make_visible(text, "\t\n");
    fputs(text, stdout);
}

__attribute__((format(printf, 2, 3))) static void progress(struct xlx_ui *ui, const char *format, ...)
{
    va_list args;
    GC_SCOPE(gc);
    char *text;

    if (ui->quiet)
        return;
    if (!format) {
        message_progress(NULL);
        return;
    }
    va_start(args, format);
    text = gc_vprintf(gc, format, args);
    va_end(args);
    make_visible(text, "");
    message_progress(text);
}

const struct xlx_ui_ops tool_ui_ops = {
    .table_begin = table_begin,
    .table_row = table_row,
    .table_end = table_end,
    .line = line,
    .record = record,
    .print = print,
    .progress = progress,
};
