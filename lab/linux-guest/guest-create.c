/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lab-guest.h"
#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUEST_BASE "/usr/lib/xl-ext-lab/guest-base.cpio" /* busybox, drivers: from the packages */
#define GUEST_OWN "/usr/local/lib/xl-ext-lab/guest.cpio" /* init, eat: from the project's build */

/*
 * QEMU's emulation of VMRUN breaks a PVH or HVM guest in some hundred boots (lab/README.md). A guest whose memory
 * was taken too soon panics, or Xen ends it for want of populate-on-demand memory: neither is a triple fault.
 */
enum { EMULATION_RETRIES = 2, RESTART_MS = 15000 };

static bool run_shell(const char *command)
{
    int status = system(command);

    if (status == 0)
        return true;
    fprintf(stderr, "lab-guest: failed: %s\n", command);
    return false;
}

/* The kernel takes several archives in a row; both forms are made once per boot of dom0. */
static bool make_initramfs(const char *agent, char *path, size_t size)
{
    char command[1024];

    snprintf(path, size, GUEST_RUN_DIR "/initramfs%s", agent ? "-agent" : "");
    if (access(path, R_OK) == 0)
        return true;
    if (!agent) {
        snprintf(command, sizeof(command), "cat " GUEST_BASE " " GUEST_OWN " > %s.$$ && mv %s.$$ %s", path, path, path);
        return run_shell(command);
    }
    snprintf(command, sizeof(command),
             "set -e; d=$(mktemp -d); mkdir $d/bin; install -m 755 '%s' $d/bin/xl-ext-agent; "
             "(cd $d; find . | cpio -o -H newc --quiet > $d.cpio); "
             "cat " GUEST_BASE " " GUEST_OWN " $d.cpio > %s.$$; rm -r $d $d.cpio; mv %s.$$ %s",
             agent, path, path, path);
    return run_shell(command);
}

/*
 * Each access of an HVM guest to emulated hardware is a request to QEMU, and takes as long as thousands of instructions. So
 * the guest gets no VGA card, whose BIOS would set the palette for minutes; and, by pci=noearly, its Linux does not look for an
 * AGP bridge at 65,536 places, as it does before anything else on a processor like the lab's (AMD, family 15).
 */
static bool write_config(const struct create_options *o, const char *initramfs, const char *path)
{
    const bool is_hvm = !strcmp(o->type, "hvm");
    glob_t kernels;
    FILE *f;

    if (glob("/boot/vmlinuz-*", 0, NULL, &kernels) != 0) {
        fprintf(stderr, "lab-guest: no kernel in /boot\n");
        return false;
    }
    f = fopen(path, "we");
    if (!f) {
        fprintf(stderr, "lab-guest: %s: %s\n", path, strerror(errno));
        return false;
    }
    fprintf(f,
            "type = \"%s\"\nname = \"%s\"\nmemory = %s\nmaxmem = %s\nvcpus = 1\n"
            "kernel = \"%s\"\nramdisk = \"%s\"\n"
            "extra = \"console=hvc0 quiet psi=1 panic=1%s%s%s\"\n",
            o->type, o->name, o->memory, o->maxmem, kernels.gl_pathv[0], initramfs, is_hvm ? " pci=noearly" : "",
            o->kernel_args ? " " : "", o->kernel_args ? o->kernel_args : "");
    if (is_hvm)
        fprintf(f, "vnc = 0\nvga = \"none\"\nserial = \"none\"\n");
    for (char **line = o->lines; *line; line++)
        fprintf(f, "%s\n", *line);
    globfree(&kernels);
    return fclose(f) == 0;
}

static int run_xl_create(const char *config)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        dup2(2, 1);
        execlp("xl", "xl", "create", "-q", config, NULL);
        fprintf(stderr, "lab-guest: xl: %s\n", strerror(errno));
        _exit(127);
    }
    if (pid > 0)
        waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : GUEST_FAILED;
}

int guest_wait_ready(const char *name, int timeout_s)
{
    int64_t deadline = now_ms() + (int64_t)timeout_s * 1000;
    struct xs_handle *xs = xs_open(0);
    int domid = xs ? guest_find(xs, name) : -1;
    char path[128], *ready = NULL;
    unsigned length;

    if (domid < 0) {
        fprintf(stderr, "lab-guest: there is no guest %s\n", name);
        return GUEST_FAILED;
    }
    snprintf(path, sizeof(path), "/local/domain/%d/" EXEC_READY, domid);
    if (!xs_watch(xs, path, "ready") || !xs_watch(xs, "@releaseDomain", "gone"))
        return GUEST_FAILED;
    while (!ready) {
        if (!wait_watch(xs, deadline)) {
            fprintf(stderr,
                    "lab-guest: %s did not answer within %d s, see its console: "
                    "/var/log/xen/console/guest-%s.log\n",
                    name, timeout_s, name);
            return GUEST_TIMEOUT;
        }
        ready = xs_read(xs, XBT_NULL, path, &length);
        if (!ready && guest_find(xs, name) != domid) {
            fprintf(stderr,
                    "lab-guest: %s ended before it answered, see its console: "
                    "/var/log/xen/console/guest-%s.log\n",
                    name, name);
            return GUEST_FAILED;
        }
    }
    free(ready);
    xs_close(xs);
    return 0;
}

/* Whether Xen's log has a triple fault of this guest: "(XEN) d5v0 Triple fault - ...". */
static bool triple_fault(int domid)
{
    char word[32], line[512];
    FILE *log = popen("xl dmesg", "r");
    bool found = false;

    snprintf(word, sizeof(word), " d%dv0 Triple fault", domid);
    while (log && fgets(line, sizeof(line), log))
        found = found || strstr(line, word) != NULL;
    return log && pclose(log) == 0 && found;
}

/* xl itself starts a guest again that ends so, unless its configuration says otherwise. Its new domid, or -1. */
static int started_again(const char *name, int domid)
{
    int64_t deadline = now_ms() + RESTART_MS;
    struct xs_handle *xs = xs_open(0);
    int found = -1;

    while (xs && now_ms() < deadline) {
        found = guest_find(xs, name);
        if (found >= 0 && found != domid)
            break;
        found = -1;
        usleep(100000);
    }
    xs_close(xs);
    return found;
}

static int create_once(const struct create_options *o, const char *config, int *domid)
{
    struct xs_handle *xs;
    int status = run_xl_create(config);

    *domid = -1;
    if (status != 0) {
        fprintf(stderr, "lab-guest: xl create of %s failed with %d\n", o->name, status);
        return GUEST_FAILED;
    }
    xs = xs_open(0);
    *domid = xs ? guest_find(xs, o->name) : -1;
    xs_close(xs);
    return guest_wait_ready(o->name, o->timeout_s);
}

int guest_create(const struct create_options *o)
{
    char config[256], initramfs[128];
    int status, domid, left = EMULATION_RETRIES;

    mkdir(GUEST_RUN_DIR, 0700);
    snprintf(config, sizeof(config), GUEST_RUN_DIR "/%s.cfg", o->name);
    if (!make_initramfs(o->agent, initramfs, sizeof(initramfs)) || !write_config(o, initramfs, config))
        return GUEST_FAILED;
    status = create_once(o, config, &domid);
    while (status == GUEST_FAILED && left-- > 0 && triple_fault(domid)) {
        fprintf(stderr, "lab-guest: the emulated processor broke %s in its boot (triple fault): once more\n", o->name);
        domid = started_again(o->name, domid);
        status = domid >= 0 ? guest_wait_ready(o->name, o->timeout_s) : create_once(o, config, &domid);
    }
    return status;
}
