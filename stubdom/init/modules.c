/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/modules.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stubdom/init/report.h"

static int load_one(const char *file, const char *parameters)
{
    char path[128];
    int fd, ret = 0;

    snprintf(path, sizeof(path), "/%s", file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT)
            return 0; /* loaded before, for another group */
        report("cannot open the module %s: %s", file, strerror(errno));
        return -1;
    }
    if (syscall(SYS_finit_module, fd, parameters, 0) && errno != EEXIST) {
        report("cannot load the module %s: %s (was the image built for this kernel?)", file, strerror(errno));
        ret = -1;
    }
    close(fd);
    unlink(path);
    return ret;
}

int modules_load(const char *group)
{
    char line[256];
    int ret = 0;
    FILE *list = fopen(MODULES_LIST, "re");

    if (!list) {
        report("cannot read " MODULES_LIST ": %s", strerror(errno));
        return -1;
    }
    while (!ret && fgets(line, sizeof(line), list)) {
        char *rest = line, *line_group, *file;

        line[strcspn(line, "\n")] = '\0';
        line_group = strsep(&rest, " ");
        file = strsep(&rest, " ");
        if (file && !strcmp(line_group, group))
            ret = load_one(file, rest ? rest : "");
    }
    fclose(list);
    return ret;
}

void modules_discard(void)
{
    DIR *folder = opendir("/");
    struct dirent *entry;

    if (!folder)
        return;
    while ((entry = readdir(folder))) {
        size_t len = strlen(entry->d_name);

        if (len > 3 && !strcmp(entry->d_name + len - 3, ".ko"))
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
}
