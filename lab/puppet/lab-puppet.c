/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lab/puppet/puppet.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <xentoollog.h>

#include "agent/protocol.h"

#define RUN_FOLDER "/run/lab-puppet"
#define COUNT_MAX 1000

static const char usage[] =
    "usage: lab-puppet start NAME MEMORY MAXMEM BEHAVIOUR [--count N]\n"
    "       lab-puppet stop NAME\n"
    "       lab-puppet stats NAME KEY=VALUE...\n"
    "\n"
    "Domains without a kernel whose balloon driver is played by a process in dom0. Sizes are MiB.\n"
    "BEHAVIOUR: instant, rate=KIB_PER_S, creep (8 KiB/s), stuck, floor=MIB, giveup (Linux's: after 4\n"
    "failed tries it sleeps until the credit changes), hostile (takes all that the hypervisor lets it\n"
    "have, gives nothing, and reports every second that it has plenty), hungry (the same, and reports\n"
    "that it has nothing), needy (its programs use all that it is given and would use more; it reports\n"
    "that in time), answers (when the host asks it says again what stats wrote, as an agent does);\n"
    "several with commas. With --count N the names are NAME-1 to NAME-N. stats writes what a guest's\n"
    "agent would; NAME is a domain or a group.\n";

static bool connect_all(struct stage *s)
{
    static xentoollog_logger_stdiostream *logger;

    logger = xtl_createlogger_stdiostream(stderr, XTL_ERROR, 0);
    s->xs = xs_open(0);
    s->xc = xc_interface_open(NULL, NULL, 0);
    if (!s->xs || !s->xc || libxl_ctx_alloc(&s->libxl, LIBXL_VERSION, 0, (xentoollog_logger *)logger)) {
        fprintf(stderr, "lab-puppet: this is not dom0\n");
        return false;
    }
    return true;
}

static void pid_path(const char *name, char path[256])
{
    snprintf(path, 256, RUN_FOLDER "/%s.pid", name);
}

static bool size_kb(const char *text, uint64_t *kb)
{
    char *end;
    unsigned long mib = strtoul(text, &end, 10);

    if (!*text || *end || !mib || mib > 1024 * 1024)
        return false;
    *kb = (uint64_t)mib * 1024;
    return true;
}

static void clean_up(struct stage *s)
{
    for (unsigned i = 0; i < s->count; i++)
        puppet_destroy(s, &s->puppets[i]);
}

/* The process that plays: makes the domains, says so through the pipe, and plays until it is told to stop. */
static int player(const char *name, uint64_t memory_kb, uint64_t max_kb, const struct behaviour *behaviour,
                  unsigned count, int ready_fd)
{
    struct stage stage = {.behaviour = *behaviour};
    int devnull;

    if (!connect_all(&stage))
        return 1;
    stage.puppets = calloc(count, sizeof(*stage.puppets));
    if (!stage.puppets)
        return 1;
    while (stage.count < count) {
        struct puppet *p = &stage.puppets[stage.count];
        char own[64];

        if (count == 1)
            snprintf(own, sizeof(own), "%s", name);
        else
            snprintf(own, sizeof(own), "%s-%u", name, stage.count + 1);
        if (!puppet_create(&stage, p, own, memory_kb, max_kb)) {
            clean_up(&stage);
            return 1;
        }
        p->target_pages = p->pages;
        p->due_ms = UINT64_MAX;
        stage.count++;
    }
    devnull = open("/dev/null", O_RDWR);
    dup2(devnull, 0);
    dup2(devnull, 1);
    dup2(devnull, 2);
    if (write(ready_fd, "", 1) != 1)
        return 1;
    close(ready_fd);
    stage_play(&stage);
    clean_up(&stage);
    return 0;
}

static int start(int argc, char **argv)
{
    unsigned long count = 1;
    struct behaviour behaviour;
    uint64_t memory_kb, max_kb;
    char path[256], byte;
    int ready[2];
    FILE *pidfile;
    pid_t pid;

    if (argc == 8 && !strcmp(argv[6], "--count"))
        count = strtoul(argv[7], NULL, 10);
    else if (argc != 6)
        goto bad;
    if (strlen(argv[2]) > 48 || strchr(argv[2], '/') || !size_kb(argv[3], &memory_kb) || !size_kb(argv[4], &max_kb) ||
        memory_kb > max_kb || !behaviour_parse(argv[5], &behaviour) || !count || count > COUNT_MAX)
        goto bad;
    mkdir(RUN_FOLDER, 0755);
    pid_path(argv[2], path);
    if (!access(path, F_OK)) {
        fprintf(stderr, "lab-puppet: there is a puppet '%s' already: stop it first\n", argv[2]);
        return 1;
    }
    if (pipe2(ready, O_CLOEXEC))
        return 1;
    pid = fork();
    if (pid < 0)
        return 1;
    if (!pid) {
        int status;

        close(ready[0]);
        setsid();
        status = player(argv[2], memory_kb, max_kb, &behaviour, (unsigned)count, ready[1]);
        unlink(path);
        _exit(status);
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        return 1; /* the player has said why */
    pidfile = fopen(path, "we");
    if (!pidfile || fprintf(pidfile, "%d\n", (int)pid) < 0 || fclose(pidfile)) {
        fprintf(stderr, "lab-puppet: cannot write %s: %s\n", path, strerror(errno));
        kill(pid, SIGTERM);
        return 1;
    }
    return 0;
bad:
    fputs(usage, stderr);
    return 2;
}

static int stop(const char *name)
{
    static const struct timespec moment = {0, 20000000};
    FILE *pidfile;
    char path[256];
    int pid;

    pid_path(name, path);
    pidfile = fopen(path, "re");
    if (!pidfile || fscanf(pidfile, "%d", &pid) != 1) {
        fprintf(stderr, "lab-puppet: there is no puppet '%s'\n", name);
        return 1;
    }
    fclose(pidfile);
    kill(pid, SIGTERM);
    /* It destroys its domains first; a hundred of them take a few seconds. */
    for (unsigned i = 0; i < 3000 && !kill(pid, 0); i++)
        nanosleep(&moment, NULL);
    unlink(path);
    return 0;
}

/* true when a domain's name is NAME, or NAME and a number behind a dash. */
static bool belongs(const char *domain, const char *name)
{
    size_t n = strlen(name);

    if (strncmp(domain, name, n))
        return false;
    return !domain[n] || (domain[n] == '-' && strspn(domain + n + 1, "0123456789") == strlen(domain + n + 1));
}

static int stats(int argc, char **argv)
{
    char report[AGENT_STATS_MAX] = "";
    struct xs_handle *xs = xs_open(0);
    unsigned count, len, written = 0;
    char **domids;

    for (int i = 3; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        size_t used = strlen(report);

        if (!value || snprintf(report + used, sizeof(report) - used, "%.*s %s\n", (int)(value - argv[i]), argv[i],
                               value + 1) >= (int)(sizeof(report) - used)) {
            fputs(usage, stderr);
            return 2;
        }
    }
    domids = xs ? xs_directory(xs, XBT_NULL, "/local/domain", &count) : NULL;
    if (!domids)
        return 1;
    for (unsigned i = 0; i < count; i++) {
        char path[128], *name;

        snprintf(path, sizeof(path), "/local/domain/%s/name", domids[i]);
        name = xs_read(xs, XBT_NULL, path, &len);
        if (name && belongs(name, argv[2])) {
            snprintf(path, sizeof(path), "/local/domain/%s/" AGENT_STATS_NODE, domids[i]);
            written += xs_write(xs, XBT_NULL, path, report, (unsigned)strlen(report));
        }
        free(name);
    }
    free(domids);
    if (!written)
        fprintf(stderr, "lab-puppet: there is no domain '%s'\n", argv[2]);
    return written ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc >= 3 && !strcmp(argv[1], "start"))
        return start(argc, argv);
    if (argc == 3 && !strcmp(argv[1], "stop"))
        return stop(argv[2]);
    if (argc >= 4 && !strcmp(argv[1], "stats"))
        return stats(argc, argv);
    fputs(usage, stderr);
    return 2;
}
