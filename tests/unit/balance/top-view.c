/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/balance/top-view.h"

#include "base/utf8.h"

const struct top_size narrow = {80, 24}, wide = {200, 60};
struct gc *gc;
struct top_view view;

int begin(void **state)
{
    gc = gc_new();
    view = (struct top_view){0};
    return 0;
}

int end(void **state)
{
    gc_free(gc);
    return 0;
}

struct top_data host_of(size_t count)
{
    struct top_data data = {
        .host = {.total_memkb = 64 * 1024 * MIB, .free_memkb = 512 * MIB, .reserve_memkb = 128 * MIB, .feasible = true},
        .rows = gc_array(gc, count, sizeof(*data.rows)),
        .count = count,
    };

    data.rows[0] =
        (struct top_row){.name = "Domain-0", .balloon = "ok", .reason = "unmanaged", .actual_memkb = 2048 * MIB};
    for (size_t i = 1; i < count; i++)
        data.rows[i] = (struct top_row){
            .name = gc_printf(gc, "guest-%zu", i),
            .balloon = i % 7 ? "ok" : "stuck",
            .reason = i % 7 ? "demand" : "stuck",
            .domid = i,
            .weight = 256,
            .actual_memkb = (100 + i) * MIB,
            .target_memkb = (100 + i) * MIB,
            .demand_memkb = (i % 5 ? 100 : 200) * MIB + i * MIB,
            .min_memkb = 64 * MIB,
            .max_memkb = 4096 * MIB,
            .static_max_memkb = 4096 * MIB,
            .managed = true,
            .has_demand = true,
        };
    return data;
}

struct top_lines screen(struct top_data data, struct top_size size)
{
    size_t all = data.count;
    struct top_row *rows = gc_array(gc, all + 1, sizeof(*rows));
    struct top_lines l;

    memcpy(rows, data.rows, all * sizeof(*rows));
    data.rows = rows;
    top_view_arrange(&view, &data, size);
    l = top_screen(gc, &view, &data, all, size);
    assert_true(l.count <= size.lines);
    for (size_t i = 0; i < l.count; i++) {
        assert_true(utf8_width(l.lines[i].text) <= size.columns);
        assert_null(strchr(l.lines[i].text, '\n'));
    }
    return l;
}

const struct top_line *line_with(const struct top_lines *l, const char *text)
{
    for (size_t i = 0; i < l->count; i++) {
        if (strstr(l->lines[i].text, text))
            return &l->lines[i];
    }
    return NULL;
}

size_t rows_on(const struct top_lines *l)
{
    size_t n = 0;

    for (size_t i = 0; i < l->count; i++)
        n += !strncmp(l->lines[i].text, "guest-", 6) || !strncmp(l->lines[i].text, "Domain-0", 8);
    return n;
}

enum top_wish press(struct top_data data, struct top_size size, int key)
{
    struct top_row *rows = gc_array(gc, data.count + 1, sizeof(*rows));

    memcpy(rows, data.rows, data.count * sizeof(*rows));
    data.rows = rows;
    top_view_arrange(&view, &data, size);
    return top_view_key(&view, &data, size, key);
}

void press_all(struct top_data data, struct top_size size, const char *keys)
{
    for (; *keys; keys++)
        assert_int_equal(press(data, size, (unsigned char)*keys), TOP_WISH_NOTHING);
}
