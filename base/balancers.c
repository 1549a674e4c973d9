/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/balancers.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define CMDLINE_MAX 4096

/* Of their daemons: a word of the command line whose last part is that, and a file that is there once they are installed.
 */
static const struct known {
    const char *name;
    bool rival;
    const char *programs[3], *files[4];
} all_known[BALANCERS_BESIDE_MAX] = {
    {"squeezed", true, {"squeezed"}, {"/usr/sbin/squeezed", "/opt/xensource/libexec/squeezed", "/var/xapi"}},
    {"qmemman",
     true,
     {"qmemman_daemon.py", "qmemmand"},
     {"/usr/lib/systemd/system/qubes-qmemman.service", "/lib/systemd/system/qubes-qmemman.service",
      "/etc/qubes/qmemman.conf"}},
    {"libvirt-autoballoon",
     false,
     {"libvirtd", "virtxend"},
     {"/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_libxl.so",
      "/usr/lib64/libvirt/connection-driver/libvirt_driver_libxl.so",
      "/usr/lib/libvirt/connection-driver/libvirt_driver_libxl.so"}},
};
#define LIBVIRT 2

static bool is_program(const char *word, const struct known *known)
{
    const char *slash = strrchr(word, '/'), *last = slash ? slash + 1 : word;

    for (size_t i = 0; i < ARRAY_LEN(known->programs) && known->programs[i]; i++) {
        if (!strcmp(last, known->programs[i]))
            return true;
    }
    return false;
}

/* Of an interpreter the script is the second word. */
static bool runs_it(const char *cmdline, size_t len, const struct known *known)
{
    size_t first = strlen(cmdline) + 1;

    return is_program(cmdline, known) || (first < len && is_program(cmdline + first, known));
}

/* The evidence, or NULL. */
static const char *find_process(struct gc *gc, const char *root, const struct known *known)
{
    const char *evidence = NULL;
    DIR *proc = opendir(gc_printf(gc, "%s/proc", root));

    for (struct dirent *e; !evidence && proc && (e = readdir(proc));) {
        char cmdline[CMDLINE_MAX];
        CLEANUP_FD int fd = -1;
        ssize_t n;

        if (!isdigit((unsigned char)e->d_name[0]))
            continue;
        fd = open(gc_printf(gc, "%s/proc/%s/cmdline", root, e->d_name), O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, cmdline, sizeof(cmdline) - 1);
        if (n <= 0)
            continue;
        cmdline[n] = 0;
        if (runs_it(cmdline, (size_t)n, known))
            evidence = gc_printf(gc, "process %s: %s", e->d_name, cmdline);
    }
    if (proc)
        closedir(proc);
    return evidence;
}

static const char *find_file(struct gc *gc, const char *root, const struct known *known)
{
    for (size_t i = 0; i < ARRAY_LEN(known->files) && known->files[i]; i++) {
        if (!access(gc_printf(gc, "%s%s", root, known->files[i]), F_OK))
            return gc_strdup(gc, known->files[i]);
    }
    return NULL;
}

/* libxl.conf has autoballoon = 0. */
static bool libvirt_does_not(struct gc *gc, const char *root)
{
    CLEANUP_FILE FILE *f = fopen(gc_printf(gc, "%s/etc/libvirt/libxl.conf", root), "re");
    char line[512];
    int value;

    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, " autoballoon = %d", &value) == 1)
            return !value;
    }
    return false;
}

size_t balancers_beside(struct gc *gc, const char *root, struct balancer_beside found[BALANCERS_BESIDE_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < BALANCERS_BESIDE_MAX; i++) {
        const char *process = find_process(gc, root, &all_known[i]), *file = find_file(gc, root, &all_known[i]);

        /* libvirt runs on hosts without Xen, too: its driver for Xen must be there. */
        if (i == LIBVIRT && (!file || libvirt_does_not(gc, root)))
            continue;
        if (process || file)
            found[count++] = (struct balancer_beside){all_known[i].name, process != NULL, all_known[i].rival,
                                                      process ? process : file};
    }
    return count;
}
