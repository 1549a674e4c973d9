/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lab-guest, in the lab's dom0: small Linux guests for the tests, and programs run inside them. */
#include "lab-guest.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage_text[] =
    "usage: lab-guest create [OPTION]... pv|pvh|hvm NAME MEMORY MAXMEM [LINE]...\n"
    "       lab-guest exec [--timeout S] NAME COMMAND [ARG]...\n"
    "       lab-guest eat NAME MIB\n"
    "       lab-guest relax NAME\n"
    "       lab-guest wait [--timeout S] NAME\n"
    "       lab-guest destroy NAME\n"
    "\n"
    "create starts Debian's kernel with a busybox system and waits until it answers. MEMORY and\n"
    "MAXMEM are MiB; each LINE goes into the guest's xl.cfg (a later assignment wins), which is\n"
    "kept as " GUEST_RUN_DIR "/NAME.cfg.\n"
    "  --agent[=PATH]     start the guest agent in it (default: the one installed in dom0)\n"
    "  --append ARGS      add to the kernel's command line\n"
    "  --timeout S        it must answer within this (600)\n"
    "exec runs COMMAND in the guest, prints its output, returns its status (124: killed because it\n"
    "ran past --timeout, 60). A single argument with blanks in it is given to the guest's shell.\n"
    "eat takes MIB of the guest's memory and keeps touching it until relax or a further eat; when\n"
    "memory gets short it says so and takes the rest as memory comes.\n"
    "wait returns when the guest's init answers (after a restore, say).\n";

static const char *const agent_paths[] = {
    "/usr/local/libexec/xl-ext/xl-ext-agent",
    "/usr/local/sbin/xl-ext-agent",
    "/usr/local/bin/xl-ext-agent",
    "/usr/libexec/xl-ext/xl-ext-agent",
};

static int usage(void)
{
    fputs(usage_text, stderr);
    return GUEST_USAGE;
}

static const char *find_agent(void)
{
    for (size_t i = 0; i < sizeof(agent_paths) / sizeof(agent_paths[0]); i++) {
        if (access(agent_paths[i], X_OK) == 0)
            return agent_paths[i];
    }
    return NULL;
}

static bool is_number(const char *text)
{
    return text && *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 8;
}

static bool is_name(const char *text)
{
    return text && *text && *text != '-' && !strpbrk(text, "/\"'\\ \n") && strlen(text) < 100;
}

static int create(struct create_options *o, char **argv, int argc)
{
    if (argc < 4)
        return usage();
    o->type = argv[0];
    o->name = argv[1];
    o->memory = argv[2];
    o->maxmem = argv[3];
    o->lines = argv + 4;
    if (strcmp(o->type, "pv") && strcmp(o->type, "pvh") && strcmp(o->type, "hvm")) {
        fprintf(stderr, "lab-guest: unknown type '%s'\n", o->type);
        return GUEST_USAGE;
    }
    if (!is_name(o->name) || !is_number(o->memory) || !is_number(o->maxmem)) {
        fprintf(stderr, "lab-guest: NAME must be a plain word, MEMORY and MAXMEM MiB\n");
        return GUEST_USAGE;
    }
    return guest_create(o);
}

static int run_in_guest(char **argv, int argc, int timeout_s)
{
    const char *shell[] = {"sh", "-c", NULL, NULL};

    if (argc < 2)
        return usage();
    if (argc == 2 && strpbrk(argv[1], " \t\n")) {
        shell[2] = argv[1];
        return guest_exec(argv[0], shell, timeout_s);
    }
    return guest_exec(argv[0], (const char *const *)argv + 1, timeout_s);
}

static int eat(const char *name, const char *mib)
{
    const char *argv[] = {"eat", mib, NULL};

    if (!is_number(mib)) {
        fprintf(stderr, "lab-guest: MIB must be a number, not '%s'\n", mib);
        return GUEST_USAGE;
    }
    return guest_exec(name, argv, 600);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"agent", optional_argument, NULL, 'a'},
        {"append", required_argument, NULL, 'k'},
        {"timeout", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct create_options o = {0};
    const char *verb = argc > 1 ? argv[1] : "";
    int c, timeout_s = 0;

    optind = 2;
    while (argc > 1 && (c = getopt_long(argc, argv, "+h", longs, NULL)) != -1) {
        switch (c) {
        case 'a':
            o.agent = optarg ? optarg : find_agent();
            if (!o.agent || access(o.agent, R_OK) < 0) {
                fprintf(stderr, "lab-guest: there is no guest agent in dom0\n");
                return GUEST_FAILED;
            }
            break;
        case 'k':
            o.kernel_args = optarg;
            break;
        case 't':
            timeout_s = is_number(optarg) ? atoi(optarg) : 0;
            if (timeout_s == 0)
                return usage();
            break;
        default:
            return usage();
        }
    }
    argv += optind;
    argc -= optind;
    o.timeout_s = timeout_s ? timeout_s : 600;
    if (!strcmp(verb, "create"))
        return create(&o, argv, argc);
    if (!strcmp(verb, "exec"))
        return run_in_guest(argv, argc, timeout_s ? timeout_s : 60);
    if (!strcmp(verb, "eat") && argc == 2)
        return eat(argv[0], argv[1]);
    if (!strcmp(verb, "relax") && argc == 1)
        return eat(argv[0], "0");
    if (!strcmp(verb, "wait") && argc == 1)
        return guest_wait_ready(argv[0], o.timeout_s);
    if (!strcmp(verb, "destroy") && argc == 1) {
        execlp("xl", "xl", "destroy", argv[0], NULL);
        fprintf(stderr, "lab-guest: xl: %s\n", strerror(errno));
        return GUEST_FAILED;
    }
    if (!strcmp(verb, "--help") || !strcmp(verb, "-h") || !strcmp(verb, "help")) {
        fputs(usage_text, stdout);
        return 0;
    }
    return usage();
}
