/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/processes.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

const char *process_word(const struct process *process, unsigned index)
{
    const char *word = process->cmdline, *end = word + process->len;

    while (index-- && word < end)
        word += strlen(word) + 1;
    return word < end ? word : NULL;
}

const char *process_last_part(const char *word)
{
    const char *slash = strrchr(word, '/');

    return slash ? slash + 1 : word;
}

bool process_find(struct gc *gc, const char *root, bool (*is_it)(void *arg, const struct process *process), void *arg)
{
    DIR *proc = opendir(gc_printf(gc, "%s/proc", root));
    bool found = false;

    for (struct dirent *e; !found && proc && (e = readdir(proc));) {
        char cmdline[CMDLINE_MAX + 1];
        CLEANUP_FD int fd = -1;
        struct stat st;
        ssize_t n;

        if (!isdigit((unsigned char)e->d_name[0]))
            continue;
        fd = open(gc_printf(gc, "%s/proc/%s/cmdline", root, e->d_name), O_RDONLY | O_CLOEXEC);
        n = fd < 0 || fstat(fd, &st) ? -1 : read(fd, cmdline, CMDLINE_MAX);
        if (n <= 0)
            continue;
        cmdline[n] = 0;
        found = is_it(arg, &(struct process){.pid = e->d_name, .uid = st.st_uid, .cmdline = cmdline, .len = (size_t)n});
    }
    if (proc)
        closedir(proc);
    return found;
}
