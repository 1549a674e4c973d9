/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/balancers.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/processes.h"

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
    for (size_t i = 0; word && i < ARRAY_LEN(known->programs) && known->programs[i]; i++) {
        if (!strcmp(process_last_part(word), known->programs[i]))
            return true;
    }
    return false;
}

struct search {
    struct gc *gc;
    const struct known *known;
    const char *evidence;
};

/* Of an interpreter the script is the second word. */
static bool runs_it(void *arg, const struct process *process)
{
    struct search *search = arg;

    if (!is_program(process_word(process, 0), search->known) && !is_program(process_word(process, 1), search->known))
        return false;
    search->evidence = gc_printf(search->gc, "process %s: %s", process->pid, process->cmdline);
    return true;
}

/* The evidence, or NULL. */
static const char *find_process(struct gc *gc, const char *root, const struct known *known)
{
    struct search search = {.gc = gc, .known = known};

    process_find(gc, root, runs_it, &search);
    return search.evidence;
}

static const char *find_file(struct gc *gc, const char *root, const struct known *known)
{
    for (size_t i = 0; i < ARRAY_LEN(known->files) && known->files[i]; i++) {
        if (!access(gc_printf(gc, "%s%s", root, known->files[i]), F_OK))
            return gc_strdup(gc, known->files[i]);
    }
    return NULL;
}

/* What libxl.conf says of autoballoon; -1: nothing, and libvirt decides by Xen's command line. */
static int libvirt_autoballoon(struct gc *gc, const char *root)
{
    CLEANUP_FILE FILE *f = fopen(gc_printf(gc, "%s/etc/libvirt/libxl.conf", root), "re");
    char line[512];
    int value;

    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, " autoballoon = %d", &value) == 1)
            return value != 0;
    }
    return -1;
}

size_t balancers_beside(struct gc *gc, const char *root, struct balancer_beside found[BALANCERS_BESIDE_MAX])
{
    int libvirt = libvirt_autoballoon(gc, root);
    size_t count = 0;

    for (size_t i = 0; i < BALANCERS_BESIDE_MAX; i++) {
        const struct known *known = &all_known[i];
        const char *process = find_process(gc, root, known), *file = find_file(gc, root, known);

        /* libvirt runs on hosts without Xen, too: its driver for Xen must be there. */
        if (i == LIBVIRT && (!file || !libvirt))
            continue;
        if (process || file)
            found[count++] = (struct balancer_beside){
                .name = known->name,
                .running = process,
                .rival = known->rival,
                .told = i == LIBVIRT && libvirt > 0,
                .evidence = process ? process : file,
            };
    }
    return count;
}
