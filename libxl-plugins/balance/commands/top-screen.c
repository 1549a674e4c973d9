/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/commands/top-screen.h"

#include <inttypes.h>
#include <string.h>

#include "balance/commands/top-layout.h"
#include "base/cleanup.h"
#include "base/utf8.h"

const char top_help[] = "q           quit\n"
                        "up down     select a domain; page up, page down (or space), home and end scroll\n"
                        "w           why the selected domain has the memory that it has\n"
                        "/           filter by name, by WHY, or by starves, stuck, owes and pinned;\n"
                        "            Enter keeps the filter, Esc drops it\n"
                        "i n a t d l sort by id, name, actual, target, demand, and by what is lacking\n"
                        "Ctrl-Z      suspend\n"
                        "Ctrl-L      draw anew\n"
                        "\n"
                        "The bar is the domain's memory, up to the largest static maximum:\n"
                        "#           it holds this\n"
                        "-           it is still to get this\n"
                        "=           it is to give this\n"
                        "[ ]         its minimum and its maximum\n"
                        "!           what it needs\n"
                        "\n"
                        "starves     lacks more than a tenth of what it needs\n"
                        "stuck       does not follow its target: no balloon driver, or one that gave up\n"
                        "owes        was lent memory and did not give it back\n"
                        "pinned      somebody else has set its target; it is balanced again after\n"
                        "            'xl-ext mem-range DOMAIN auto'\n";

#define KEYS_LINE "q quit  w why  / filter  h help  sort: i n a t d l"

/* ---- lines ---- */

static void put(struct gc *gc, struct top_lines *l, struct top_size size, enum top_look look, bool selected,
                const char *text)
{
    if (l->count < size.lines)
        GC_PUSH(gc, l->lines, l->count, l->capacity) =
            (struct top_line){gc_strndup(gc, text, utf8_fit(text, size.columns)), look, selected};
}

/* A text as lines, those that are too wide folded at blanks. */
static struct top_lines fold(struct gc *gc, const char *text, size_t columns)
{
    struct top_size any = {columns, SIZE_MAX};
    struct top_lines l = {0};

    while (*text) {
        size_t whole = strcspn(text, "\n"), len = utf8_fit(text, columns);

        if (len >= whole) {
            len = whole;
        } else {
            size_t blank = len;

            while (blank && text[blank] != ' ')
                blank--;
            len = blank ? blank : len ? len : 1;
        }
        put(gc, &l, any, TOP_LOOK_PLAIN, false, gc_strndup(gc, text, len));
        text += len;
        if (*text == '\n' || *text == ' ')
            text++;
    }
    return l;
}

/* ---- how many lines there are for what ---- */

#define WARNINGS_MAX 3

/* No more of the screen than that goes to warnings. */
static struct top_lines warning_lines(struct gc *gc, const struct top_data *data, size_t columns)
{
    struct top_lines l;
    const char *text = "";

    for (size_t i = 0; i < data->host.warning_count; i++)
        text = gc_printf(gc, "%swarning: %s\n", text, data->host.warnings[i]);
    l = fold(gc, text, columns);
    if (l.count > WARNINGS_MAX) {
        l.count = WARNINGS_MAX;
        l.lines[l.count - 1].text = "more warnings: xl-ext mem-top --once";
    }
    return l;
}

/* Host, sum and header stand above the rows, warnings and keys below; where not all fit, a line says how many more
 * there are. */
static size_t body_lines(const struct top_data *data, struct top_size size)
{
    GC_SCOPE(gc);
    size_t others = 4 + warning_lines(gc, data, size.columns).count;
    size_t body = size.lines > others ? size.lines - others : 1;

    return data->count > body && body > 1 ? body - 1 : body;
}

static size_t page_lines(struct top_size size)
{
    return size.lines > 2 ? size.lines - 2 : 1;
}

static const struct {
    enum top_look look;
    const char *counted;
} marks[TOP_MARKS] = {
    [TOP_STARVES] = {TOP_LOOK_STARVES, "starving"},
    [TOP_STUCK] = {TOP_LOOK_STUCK, "stuck"},
    [TOP_OWES] = {TOP_LOOK_OWES, "owing"},
    [TOP_PINNED] = {TOP_LOOK_PINNED, "pinned"},
};

/* What a guest says that it needs may be anything: no more counts than it can have. */
static uint64_t need_memkb(const struct top_row *r)
{
    uint64_t most = r->max_memkb > r->actual_memkb ? r->max_memkb : r->actual_memkb;

    if (!r->has_demand)
        return 0;
    return r->demand_memkb < most ? r->demand_memkb : most;
}

static const char *sum_text(struct gc *gc, const struct top_view *view, const struct top_data *data, size_t all)
{
    uint64_t held = 0, targets = 0, need = 0;
    size_t marked[TOP_MARKS] = {0};
    const char *text, *separator = "; ";

    for (size_t i = 0; i < data->count; i++) {
        const struct top_row *r = &data->rows[i];

        held += r->actual_memkb;
        targets += r->target_memkb;
        need += need_memkb(r);
        for (size_t m = TOP_PLAIN + 1; m < TOP_MARKS; m++)
            marked[m] += top_has_mark(r, (enum top_mark)m);
    }
    text = gc_printf(gc, "sum of %zu%s: %s, target %s, need %s", data->count,
                     *view->filter ? gc_printf(gc, " (of %zu)", all) : "", top_size_text(gc, held),
                     top_size_text(gc, targets), top_size_text(gc, need));
    for (size_t m = TOP_PLAIN + 1; m < TOP_MARKS; m++) {
        if (marked[m])
            text = gc_printf(gc, "%s%s%zu %s", text, separator, marked[m], marks[m].counted), separator = ", ";
    }
    return text;
}

/* A line that is shown reversed is a bar across the screen. */
static const char *across(struct gc *gc, struct top_size size, const char *text)
{
    size_t width = utf8_width(text);

    return gc_printf(gc, "%s%*s", text, width < size.columns ? (int)(size.columns - width) : 0, "");
}

static void put_rows(struct gc *gc, struct top_lines *l, const struct top_view *view, const struct top_data *data,
                     struct top_size size)
{
    struct top_layout layout = top_layout_for(data, size.columns);
    size_t body = body_lines(data, size), end = view->first + body < data->count ? view->first + body : data->count;

    put(gc, l, size, TOP_LOOK_HEADER, false, across(gc, size, top_layout_header(gc, &layout)));
    for (size_t i = view->first; i < end; i++) {
        const char *row = top_layout_row(gc, &layout, &data->rows[i]);

        put(gc, l, size, marks[top_mark_of(&data->rows[i])].look, i == view->at,
            i == view->at ? across(gc, size, row) : row);
    }
    if (end - view->first == data->count)
        return;
    /* Also where there is no line for it. */
    put(gc, l, size, TOP_LOOK_HINT, false,
        gc_printf(gc, "%zu more: %zu above, %zu below (arrow keys, page up, page down, home, end)",
                  data->count - (end - view->first), view->first, data->count - end));
}

static void put_warnings(struct gc *gc, struct top_lines *l, const struct top_data *data, struct top_size size)
{
    struct top_lines warnings = warning_lines(gc, data, size.columns);

    for (size_t i = 0; i < warnings.count; i++)
        put(gc, l, size, TOP_LOOK_WARNING, false, warnings.lines[i].text);
}

static const char *keys_text(struct gc *gc, const struct top_view *view)
{
    if (view->typing)
        return gc_printf(gc, "filter: %s_  (Enter keeps it, Esc drops it)", view->filter);
    return gc_printf(gc, KEYS_LINE " (now by %s)%s%s", top_sortings[view->sorting].label,
                     *view->filter ? "  filter: " : "", view->filter);
}

static void put_page(struct gc *gc, struct top_lines *l, const struct top_view *view, struct top_size size)
{
    struct top_lines page = fold(gc, view->page, size.columns);
    size_t room = page_lines(size), last = page.count > room ? page.count - room : 0;
    size_t first = view->page_first < last ? view->page_first : last;

    for (size_t i = first; i < page.count && i < first + room; i++)
        put(gc, l, size, TOP_LOOK_PLAIN, false, page.lines[i].text);
    while (l->count < room)
        put(gc, l, size, TOP_LOOK_PLAIN, false, "");
    put(gc, l, size, TOP_LOOK_HINT, false,
        page.count > room ? gc_printf(gc, "%zu more lines (arrow keys); any other key goes back", page.count - room)
                          : "any key goes back");
}

struct top_lines top_screen(struct gc *gc, const struct top_view *view, const struct top_data *data, size_t all,
                            struct top_size size)
{
    struct top_lines l = {0};

    if (view->page) {
        put_page(gc, &l, view, size);
        return l;
    }
    put(gc, &l, size, data->host.feasible ? TOP_LOOK_TITLE : TOP_LOOK_STARVES, false, top_layout_host(gc, &data->host));
    put(gc, &l, size, TOP_LOOK_PLAIN, false, sum_text(gc, view, data, all));
    put_rows(gc, &l, view, data, size);
    put_warnings(gc, &l, data, size);
    while (l.count + 1 < size.lines)
        put(gc, &l, size, TOP_LOOK_PLAIN, false, "");
    put(gc, &l, size, view->typing ? TOP_LOOK_TITLE : TOP_LOOK_HINT, false, keys_text(gc, view));
    return l;
}

struct top_lines top_once(struct gc *gc, const struct top_data *data)
{
    struct top_size any = {SIZE_MAX, SIZE_MAX};
    struct top_layout layout = top_layout_once(data);
    struct top_lines l = {0};

    put(gc, &l, any, TOP_LOOK_PLAIN, false, top_layout_host_once(gc, &data->host));
    put(gc, &l, any, TOP_LOOK_PLAIN, false, top_layout_header(gc, &layout));
    for (size_t i = 0; i < data->count; i++)
        put(gc, &l, any, TOP_LOOK_PLAIN, false, top_layout_row(gc, &layout, &data->rows[i]));
    for (size_t i = 0; i < data->host.warning_count; i++)
        put(gc, &l, any, TOP_LOOK_PLAIN, false, gc_printf(gc, "warning: %s", data->host.warnings[i]));
    return l;
}

/* ---- moving about ---- */

/* The selected row stands on the screen. */
static void scroll(struct top_view *v, const struct top_data *data, struct top_size size)
{
    size_t body = body_lines(data, size);

    if (v->at < v->first)
        v->first = v->at;
    if (v->at >= v->first + body)
        v->first = v->at + 1 - body;
    if (v->first + body > data->count)
        v->first = data->count > body ? data->count - body : 0;
}

static void select_row(struct top_view *v, const struct top_data *data, struct top_size size, size_t at)
{
    v->at = at < data->count ? at : data->count ? data->count - 1 : 0;
    v->has_selected = data->count;
    if (data->count)
        v->selected_domid = data->rows[v->at].domid;
    scroll(v, data, size);
}

void top_view_arrange(struct top_view *v, struct top_data *data, struct top_size size)
{
    size_t at = v->at;

    data->count = top_filter(data->rows, data->count, v->filter);
    top_sort(data->rows, data->count, v->sorting);
    for (size_t i = 0; v->has_selected && i < data->count; i++) {
        if (data->rows[i].domid == v->selected_domid)
            at = i;
    }
    select_row(v, data, size, at);
}

/* ---- keys ---- */

static void move(struct top_view *v, const struct top_data *data, struct top_size size, int key)
{
    size_t page = body_lines(data, size), at = v->at;

    switch (key) {
    case TOP_KEY_UP:
        at = at ? at - 1 : 0;
        break;
    case TOP_KEY_DOWN:
        at++;
        break;
    case TOP_KEY_PAGE_UP:
        at = at > page ? at - page : 0;
        break;
    case TOP_KEY_PAGE_DOWN:
    case ' ':
        at += page;
        break;
    case TOP_KEY_HOME:
        at = 0;
        break;
    case TOP_KEY_END:
        at = SIZE_MAX;
        break;
    default:
        return;
    }
    select_row(v, data, size, at);
}

/* Takes the last character off, which may be of several bytes. */
static void rub_out(char *text)
{
    size_t len = strlen(text);

    while (len && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
        len--;
    text[len ? len - 1 : 0] = 0;
}

static void type(struct top_view *v, int key)
{
    size_t len = strlen(v->filter);

    if (key == TOP_KEY_ESCAPE)
        v->filter[0] = 0;
    if (key == TOP_KEY_ESCAPE || key == TOP_KEY_ENTER)
        v->typing = false;
    else if (key == TOP_KEY_BACKSPACE)
        rub_out(v->filter);
    else if (key >= ' ' && key < 256 && len + 1 < sizeof(v->filter)) {
        v->filter[len] = (char)key;
        v->filter[len + 1] = 0;
    }
}

static enum top_wish turn_page(struct top_view *v, struct top_size size, int key)
{
    size_t room = page_lines(size), last = 0;
    GC_SCOPE(gc);

    last = fold(gc, v->page, size.columns).count;
    last = last > room ? last - room : 0;
    if (v->page_first > last)
        v->page_first = last;
    switch (key) {
    case TOP_KEY_UP:
        v->page_first -= v->page_first ? 1 : 0;
        return TOP_WISH_NOTHING;
    case TOP_KEY_DOWN:
        v->page_first += v->page_first < last ? 1 : 0;
        return TOP_WISH_NOTHING;
    case TOP_KEY_PAGE_UP:
    case TOP_KEY_HOME:
        v->page_first = v->page_first > room && key == TOP_KEY_PAGE_UP ? v->page_first - room : 0;
        return TOP_WISH_NOTHING;
    case TOP_KEY_PAGE_DOWN:
    case TOP_KEY_END:
        v->page_first = v->page_first + room < last && key == TOP_KEY_PAGE_DOWN ? v->page_first + room : last;
        return TOP_WISH_NOTHING;
    default:
        return TOP_WISH_CLOSE_PAGE;
    }
}

static enum top_wish command(struct top_view *v, const struct top_data *data, struct top_size size, int key)
{
    switch (key) {
    case 'q':
        return TOP_WISH_QUIT;
    case 'w':
    case TOP_KEY_ENTER:
        return v->has_selected ? TOP_WISH_WHY : TOP_WISH_NOTHING;
    case 'h':
    case '?':
        return TOP_WISH_HELP;
    case '/':
        v->typing = true;
        return TOP_WISH_NOTHING;
    case TOP_KEY_ESCAPE:
        v->filter[0] = 0;
        return TOP_WISH_NOTHING;
    default:
        break;
    }
    for (size_t i = 0; i < TOP_SORTINGS; i++) {
        if (top_sortings[i].key == key)
            v->sorting = (enum top_sorting)i;
    }
    move(v, data, size, key);
    return TOP_WISH_NOTHING;
}

enum top_wish top_view_key(struct top_view *v, const struct top_data *data, struct top_size size, int key)
{
    switch (key) {
    case TOP_KEY_NONE:
        return TOP_WISH_NOTHING;
    case TOP_KEY_CTRL_C:
        return TOP_WISH_INTERRUPT;
    case TOP_KEY_CTRL_Z:
        return TOP_WISH_SUSPEND;
    case TOP_KEY_CTRL_L:
        return TOP_WISH_REDRAW;
    default:
        break;
    }
    if (v->page)
        return turn_page(v, size, key);
    if (!v->typing)
        return command(v, data, size, key);
    if (key > TOP_KEY_ESCAPE && key < 256)
        type(v, key);
    else if (key == TOP_KEY_ESCAPE || key == TOP_KEY_ENTER || key == TOP_KEY_BACKSPACE)
        type(v, key);
    else
        move(v, data, size, key);
    return TOP_WISH_NOTHING;
}
