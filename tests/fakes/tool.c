/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fakes/tool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/gc.h"
#include "tests/fakes/capture.h"
#include "xl-ext/tool.h"

#define WORDS_MAX 32

static char said[65536];

int tool_run(struct xlx_ctx *ctx, const struct xlx_command *command, const char *words)
{
    struct global_options global = {.json = false};
    struct xlx_ui ui = {.ops = &tool_ui_ops};
    char *argv[WORDS_MAX + 1] = {NULL}, *rest;
    struct capture capture;
    void *options;
    bool help = false;
    int argc = 0, first, status;
    GC_SCOPE(gc);

    argv[argc++] = gc_strdup(gc, command->name);
    for (char *word = strtok_r(gc_strdup(gc, words), " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        assert_true(argc < WORDS_MAX);
        argv[argc++] = word;
    }
    options = gc_alloc(gc, command->options_size + 1);
    if (command->defaults)
        memcpy(options, command->defaults, command->options_size);
    first = parse_command_options(gc, command, argc, argv, options, &global, &help);
    assert_true(first > 0);
    ui.json = global.json;
    ui.quiet = global.quiet;
    ui.timeout_ms = global.timeout_ms;
    capture = capture_begin(stdout);
    status = command->run(&(struct xlx_invocation){
        .ctx = ctx, .ui = &ui, .command = command, .options = options, .argc = argc - first, .argv = argv + first});
    snprintf(said, sizeof(said), "%s", capture_end(&capture));
    return status;
}

const char *tool_said(void)
{
    return said;
}

void tool_says(struct xlx_ctx *ctx, const struct xlx_command *command, const char *words, int status, const char *text)
{
    int got = tool_run(ctx, command, words);

    if (got != status || (text && !strstr(said, text)))
        print_error("%s %s: status %d, said:\n%s\n", command->name, words, got, said);
    assert_int_equal(got, status);
    assert_true(!text || strstr(said, text));
}
