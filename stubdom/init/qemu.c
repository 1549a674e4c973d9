/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <linux/capability.h>
#include <unistd.h>

#include "stubdom/init/filter.h"
#include "stubdom/init/mounts.h"
#include "stubdom/init/report.h"
#include "stubdom/init/setting.h"

#define XEN_NODES "/dev/xen"

/* Copy a node of init's /dev to QEMU's, for QEMU's user alone. */
static int give_node(const char *name)
{
    char from[64], to[80];
    struct stat st;

    snprintf(from, sizeof(from), "/dev/%s", name);
    snprintf(to, sizeof(to), MOUNTS_ROOT "/dev/%s", name);
    if (stat(from, &st) || mknod(to, (st.st_mode & S_IFMT) | 0600, st.st_rdev) || chown(to, QEMU_UID, QEMU_UID)) {
        report("cannot give %s to QEMU: %s", from, strerror(errno));
        return -1;
    }
    return 0;
}

static int make_dev(const struct qemu_start *start)
{
    static const char *const always[] = {"null",       "zero",       "urandom",    "xen/privcmd",
                                         "xen/evtchn", "xen/gntdev", "xen/xenbus", "xen/hypercall"};
    const unsigned long flags = MS_NOSUID | MS_NOEXEC;
    char name[16];

    /* xen is a mount of its own: qemu_take_hypervisor() takes it away */
    if (mount("tmpfs", MOUNTS_ROOT "/dev", "tmpfs", flags, "size=64k,mode=0755") ||
        mkdir(MOUNTS_ROOT XEN_NODES, 0755) ||
        mount("tmpfs", MOUNTS_ROOT XEN_NODES, "tmpfs", flags, "size=64k,mode=0755")) {
        report("cannot make QEMU's /dev: %s", strerror(errno));
        return -1;
    }
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
        if (give_node(always[i]))
            return -1;
    }
    for (int i = 0; i < 32; i++) {
        snprintf(name, sizeof(name), "xvd%c", 'a' + i);
        if (start->disks >> i & 1 && give_node(name))
            return -1;
        snprintf(name, sizeof(name), "hvc%d", i);
        if (start->consoles >> i & 1 && give_node(name))
            return -1;
    }
    if (mount(NULL, MOUNTS_ROOT XEN_NODES, NULL, MS_REMOUNT | MS_RDONLY | flags, NULL))
        return -1;
    return mount(NULL, MOUNTS_ROOT "/dev", NULL, MS_REMOUNT | MS_RDONLY | flags, NULL);
}

/* Make the image the root of this name space; init's own files are out of reach afterwards. */
static int enter_image(const struct qemu_start *start)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || make_dev(start) || chdir(MOUNTS_ROOT) ||
        mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/")) {
        report("cannot enter the image: %s", strerror(errno));
        return -1;
    }
    return 0;
}

static int move_fds(const struct qemu_start *start)
{
    int null = open("/dev/null", O_RDWR);

    if (null < 0 || dup2(null, 0) < 0 || dup2(start->output_fd, 1) < 0 || dup2(start->output_fd, 2) < 0)
        return -1;
    if (null > 2)
        close(null);
    /* everything of init's is close-on-exec; only what QEMU is meant to have loses that */
    for (size_t i = 0; i < start->num_fds; i++) {
        if (fcntl(start->fds[i], F_SETFD, 0))
            return -1;
    }
    return 0;
}

static int drop_privileges(uid_t uid)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};

    for (int cap = 0; cap <= 63; cap++) {
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno != EINVAL)
            return -1;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || setgroups(0, NULL) || setresgid(uid, uid, uid) ||
        setresuid(uid, uid, uid) || syscall(SYS_capset, &header, none))
        return -1;
    return 0;
}

static int set_limits(void)
{
    static const struct {
        int what;
        rlim_t most;
    } limits[] = {{RLIMIT_CORE, 0}, {RLIMIT_NOFILE, 1024}, {RLIMIT_NPROC, 128}};

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        const struct rlimit limit = {.rlim_cur = limits[i].most, .rlim_max = limits[i].most};

        if (setrlimit(limits[i].what, &limit))
            return -1;
    }
    return 0;
}

static void run_qemu(const struct qemu_start *start)
{
    static const char *const environment[] = {
        "LD_LIBRARY_PATH=/lib", "LC_ALL=C",
        /* one pool of memory instead of one for each thread: this domain is small */
        "MALLOC_ARENA_MAX=1", NULL};
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (set_limits() || move_fds(start) || drop_privileges(QEMU_UID)) {
        report("cannot restrict QEMU: %s", strerror(errno));
        _exit(126);
    }
    if (filter_install())
        _exit(126);
    /* execve's prototype lacks a const that its definition has */
    execve(QEMU_LINK, (char *const *)start->argv, (char *const *)environment);
    report("cannot run " QEMU_LINK ": %s", strerror(errno));
    _exit(127);
}

/* The first process of the name space: it only waits, so that QEMU is an ordinary process for whom
 * signals are fatal. */
static void watch_qemu(const struct qemu_start *start, int status_fd)
{
    pid_t child, ended;
    int status;

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (enter_image(start))
        _exit(1);
    child = fork();
    if (child == 0)
        run_qemu(start);
    if (child < 0 || drop_privileges(QEMU_WATCHER_UID)) {
        report("cannot start QEMU's process: %s", strerror(errno));
        _exit(1);
    }
    do
        ended = waitpid(child, &status, 0);
    while (ended < 0 && errno == EINTR);
    if (ended != child || write(status_fd, &status, sizeof(status)) != sizeof(status))
        _exit(1);
    _exit(0);
}

/* QEMU from 9.1 on asks for two tables of 384 MiB in which it never writes, for grants that a guest with virtio would give it; the
 * kernel refuses what is more than a domain has. */
static void allow_overcommit(void)
{
    if (!setting_write("/proc/sys/vm/overcommit_memory", "1"))
        report("cannot allow more address space than there is memory: %s", strerror(errno));
}

pid_t qemu_start(const struct qemu_start *start, int *status_fd)
{
    const unsigned long flags =
        CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | SIGCHLD;
    int fds[2];
    pid_t pid;

    allow_overcommit();
    if (pipe2(fds, O_CLOEXEC)) {
        report("cannot make a pipe: %s", strerror(errno));
        return -1;
    }
    /* as fork, with new name spaces */
    pid = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, 0L);
    if (pid == 0)
        watch_qemu(start, fds[1]);
    close(fds[1]);
    if (pid < 0) {
        report("cannot make name spaces for QEMU: %s", strerror(errno));
        close(fds[0]);
        return -1;
    }
    *status_fd = fds[0];
    return pid;
}

static void __attribute__((noreturn)) take_xen_nodes(pid_t watcher)
{
    char path[32];
    int space;

    snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)watcher);
    space = open(path, O_RDONLY | O_CLOEXEC);
    if (space >= 0 && !setns(space, CLONE_NEWNS) && !umount2(XEN_NODES, MNT_DETACH))
        _exit(0);
    report("cannot take " XEN_NODES " from QEMU: %s", strerror(errno));
    _exit(1);
}

int qemu_take_hypervisor(pid_t watcher)
{
    pid_t child, ended;
    int status = 0;

    /* in a process of its own: it would not find its way back */
    child = fork();
    if (child == 0)
        take_xen_nodes(watcher);
    if (child < 0) {
        report("cannot make a process: %s", strerror(errno));
        return -1;
    }
    do
        ended = waitpid(child, &status, 0);
    while (ended < 0 && errno == EINTR);
    return ended == child && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}
