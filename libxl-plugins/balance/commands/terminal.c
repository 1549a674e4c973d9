/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/commands/terminal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"

static struct termios cooked;
static volatile sig_atomic_t taken;

/* What the screen shows. */
static struct {
    struct gc *gc;
    struct top_lines lines;
} screen;

/* ---- taking and giving back ---- */

/* Only calls that a handler of signals may make. */
static void restore(void)
{
    static const char as_before[] = "\033[0m\033[?7h\033[?25h\033[?1049l";
    ssize_t r;

    if (!taken)
        return;
    taken = 0;
    r = write(STDOUT_FILENO, as_before, sizeof(as_before) - 1);
    tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
    if (r < 0)
        return;
}

static void ended(int signum)
{
    restore();
    signal(signum, SIG_DFL);
    raise(signum);
}

/* Lines that are longer than the screen after it became narrower are cut. */
static void take(void)
{
    struct termios raw = cooked;

    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    taken = 1;
    fputs("\033[?1049h\033[?25l\033[?7l", stdout);
    terminal_forget();
}

bool terminal_take(void)
{
    static bool registered;

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &cooked))
        return false;
    if (!registered)
        atexit(restore);
    registered = true;
    signal(SIGHUP, ended);
    take();
    return true;
}

void terminal_give_back(void)
{
    fflush(stdout);
    restore();
    gc_free(TAKE_PTR(screen.gc));
}

void terminal_suspend(void)
{
    terminal_give_back();
    /* To all that the terminal would have told: who waits for us (a script, sudo) stops, too. */
    kill(0, SIGTSTP);
    take();
}

/* ---- showing ---- */

struct top_size terminal_size(void)
{
    struct winsize size = {0};

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
        return (struct top_size){80, 24};
    return (struct top_size){size.ws_col, size.ws_row};
}

static bool has_colours(void)
{
    const char *term = getenv("TERM");

    return !getenv("NO_COLOR") && term && strncmp(term, "vt", 2) != 0 && strcmp(term, "dumb") != 0;
}

static const char *look_code(enum top_look look)
{
    static const char *const coloured[] = {
        [TOP_LOOK_PLAIN] = "",      [TOP_LOOK_TITLE] = ";1",      [TOP_LOOK_HEADER] = ";7;36",
        [TOP_LOOK_HINT] = ";36",    [TOP_LOOK_WARNING] = ";1;33", [TOP_LOOK_STARVES] = ";1;31",
        [TOP_LOOK_STUCK] = ";1;35", [TOP_LOOK_OWES] = ";33",      [TOP_LOOK_PINNED] = ";36",
    };
    static const char *const plain[] = {
        [TOP_LOOK_PLAIN] = "",   [TOP_LOOK_TITLE] = ";1",   [TOP_LOOK_HEADER] = ";4",
        [TOP_LOOK_HINT] = "",    [TOP_LOOK_WARNING] = ";1", [TOP_LOOK_STARVES] = ";1",
        [TOP_LOOK_STUCK] = ";1", [TOP_LOOK_OWES] = ";4",    [TOP_LOOK_PINNED] = ";4",
    };

    return has_colours() ? coloured[look] : plain[look];
}

static bool is_shown(size_t i, const struct top_line *line)
{
    const struct top_line *shown = i < screen.lines.count ? &screen.lines.lines[i] : NULL;

    return shown && shown->look == line->look && shown->selected == line->selected && !strcmp(shown->text, line->text);
}

void terminal_show(const struct top_lines *lines)
{
    struct gc *gc = gc_new();
    struct top_lines copy = {.lines = gc_array(gc, lines->count + 1, sizeof(*copy.lines)), .count = lines->count};

    for (size_t i = 0; i < lines->count; i++) {
        const struct top_line *line = &lines->lines[i];

        copy.lines[i] = *line;
        copy.lines[i].text = gc_strdup(gc, line->text);
        /* Erased first: the cursor stays on a line's last column, and what is erased behind it is that column. */
        if (!is_shown(i, line))
            printf("\033[%zu;1H\033[K\033[0%s%sm%s\033[0m", i + 1, look_code(line->look), line->selected ? ";7" : "",
                   line->text);
    }
    if (lines->count < screen.lines.count)
        printf("\033[%zu;1H\033[J", lines->count + 1);
    fflush(stdout);
    gc_free(screen.gc);
    screen.gc = gc;
    screen.lines = copy;
}

void terminal_forget(void)
{
    screen.lines.count = 0;
    fputs("\033[0m\033[2J", stdout);
}
