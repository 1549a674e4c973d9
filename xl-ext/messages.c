/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xl-ext/messages.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/visible.h"

static xentoollog_level least = XTL_WARN;
static const char *subject;
static bool progress_shown;

/* Is standard error systemd's journal, rather than what a terminal, a file or a pipe took its place? */
static bool to_journal(void)
{
    const char *journal = getenv("JOURNAL_STREAM"); /* "DEVICE:INODE" */
    unsigned long long device, inode;
    struct stat st;

    return journal && sscanf(journal, "%llu:%llu", &device, &inode) == 2 && !fstat(STDERR_FILENO, &st) &&
           st.st_dev == device && st.st_ino == inode;
}

static int priority_of(xentoollog_level level)
{
    if (level >= XTL_ERROR)
        return LOG_ERR;
    if (level >= XTL_WARN)
        return LOG_WARNING;
    return level >= XTL_NOTICE ? LOG_NOTICE : level >= XTL_INFO ? LOG_INFO : LOG_DEBUG;
}

/* libxl and libxenctrl end some messages in a newline or a full stop. */
static void write_line(xentoollog_level level, char *text, size_t len)
{
    bool journal = to_journal();

    while (len && (text[len - 1] == '\n' || text[len - 1] == '.' || text[len - 1] == ' '))
        len--;
    text[len] = '\0';
    message_progress(NULL);
    /* Names of domains and files, and what a guest has written. In the journal each line is a message, which says its
     * priority first (sd-daemon(3)): there nobody begins a line of his own. */
    make_visible(text, journal ? "\t" : "\t\n");
    if (journal)
        fprintf(stderr, "<%d>", priority_of(level));
    fprintf(stderr, "xl-ext: %s%s%s\n", subject ? subject : "", subject ? ": " : "", text);
}

__attribute__((format(printf, 5, 0))) static void log_message(struct xentoollog_logger *logger, xentoollog_level level,
                                                              int errnoval, const char *context, const char *format,
                                                              va_list args)
{
    char text[1024];
    int n;

    /* libxenctrl reports every refused hypercall; our own sentence says it with the domain and the subject. */
    if (level < least || (context && !strcmp(context, "xc") && least > XTL_VERBOSE))
        return;
    n = vsnprintf(text, sizeof(text), format, args);
    if (n < 0)
        return;
    if ((size_t)n >= sizeof(text))
        n = sizeof(text) - 1;
    if (errnoval >= 0 && (size_t)n < sizeof(text) - 3)
        n += snprintf(text + n, sizeof(text) - (size_t)n, ": %s", strerror(errnoval));
    if ((size_t)n >= sizeof(text))
        n = sizeof(text) - 1;
    write_line(level, text, (size_t)n);
}

static void log_progress(struct xentoollog_logger *logger, const char *context, const char *doing_what, int percent,
                         unsigned long done, unsigned long total)
{
}

static void log_destroy(struct xentoollog_logger *logger)
{
}

xentoollog_logger *message_logger(void)
{
    static xentoollog_logger logger = {log_message, log_progress, log_destroy};

    return &logger;
}

void message_level(int verbose)
{
    static const xentoollog_level levels[] = {XTL_WARN, XTL_NOTICE, XTL_DETAIL, XTL_DEBUG};

    least = verbose < 0 ? XTL_ERROR : levels[verbose > 3 ? 3 : verbose];
}

void message_subject(const char *command)
{
    subject = command;
}

void message_error(const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    write_line(XTL_ERROR, text, strlen(text));
}

static unsigned terminal_columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 20 ? 80 : size.ws_col;
}

void message_progress(const char *text)
{
    if (!isatty(STDERR_FILENO))
        return;
    if (progress_shown)
        fputs("\r\033[K", stderr);
    progress_shown = text;
    if (text) {
        /* A line that wraps could not be wiped again. */
        fprintf(stderr, "%.*s", (int)terminal_columns() - 1, text);
        fflush(stderr);
    }
}
