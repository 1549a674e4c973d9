/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* First and only resident process of a lab guest: mounts, loads drivers, then serves lab-guest exec. */
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void mount_one(const char *type, const char *path)
{
    mkdir(path, 0755);
    if (mount(type, path, type, 0, NULL) < 0 && errno != EBUSY)
        fprintf(stderr, "lab-init: cannot mount %s: %s\n", path, strerror(errno));
}

static void run(const char *shell_command)
{
    pid_t pid = fork();

    if (pid == 0) {
        execl("/bin/busybox", "sh", "-c", shell_command, NULL);
        _exit(127);
    }
    if (pid > 0)
        waitpid(pid, NULL, 0);
}

static void start_agent(void)
{
    static const char agent[] = "/bin/xl-ext-agent";

    if (access(agent, X_OK) < 0)
        return;
    if (fork() == 0) {
        setsid();
        execl(agent, agent, NULL);
        _exit(127);
    }
}

int main(void)
{
    mount_one("devtmpfs", "/dev");
    mount_one("proc", "/proc");
    mount_one("sysfs", "/sys");
    mount_one("tmpfs", "/run");
    mount_one("tmpfs", "/tmp");
    mount_one("devpts", "/dev/pts");
    setenv("PATH", "/bin", 1);
    setenv("HOME", "/", 1);
    /* What agent/xl-ext-agent.sysctl does in other guests, and says why. */
    run("/bin/busybox --install -s /bin\n"
        "echo 0 > /proc/sys/vm/watermark_boost_factor\n"
        "ip link set lo up\n"
        "[ ! -d /lib/modules ] || find /sys/devices -name modalias -exec cat {} + | sort -u |"
        "    xargs -r modprobe -abq 2> /dev/null");
    start_agent();
    serve_exec();
    for (;;)
        pause();
}
