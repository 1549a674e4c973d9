/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a broken-into QEMU could do. This program stands in the image where QEMU stands, so it runs as what QEMU runs
 * as, with all that QEMU has. It tries to get out and says on the console how each try ended, one line "intruder: WHEN:
 * NAME: reached" or "... refused": as a QEMU that starts, and then as one that has restricted itself as QEMU does and
 * answers init on QMP, whose guest may run. Then it stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xendevicemodel.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xenstore.h>
#include <xentoolcore.h>

/* As QEMU's: opened while it starts. */
static struct xs_handle *xs;
static xc_interface *xc;
static xenforeignmemory_handle *fmem;
static xendevicemodel_handle *dmod;
static unsigned self, guest;
static xen_pfn_t
    own_page; /* of the stub domain's kernel: the ring by which it speaks with xenstored, a machine frame */
static const char *when = "starting";

static void say(const char *name, bool reached)
{
    printf("intruder: %s: %s: %s (%s)\n", when, name, reached ? "reached" : "refused",
           reached ? "done" : strerror(errno));
    fflush(stdout);
}

/* ---- xenstore ---- */

static bool can_read(const char *path)
{
    unsigned len;
    char *value = xs_read(xs, XBT_NULL, path, &len);
    bool can = value;

    free(value);
    return can;
}

static bool can_write(const char *path)
{
    return xs_write(xs, XBT_NULL, path, "intruder", 8);
}

static void try_xenstore(void)
{
    char path[96];

    say("own guest's xenstore nodes", (snprintf(path, sizeof(path), "/local/domain/%u/name", guest), can_read(path)));
    say("dom0's xenstore nodes", can_read("/local/domain/0/domid"));
    say("the tool stack's xenstore nodes", (snprintf(path, sizeof(path), "/libxl/%u/type", guest), can_write(path)));
    say("writing dom0's xenstore nodes", can_write("/local/domain/0/name"));
    say("writing the guest's target", (snprintf(path, sizeof(path), "/local/domain/%u/target", self), can_write(path)));
    say("writing the stub domain's name",
        (snprintf(path, sizeof(path), "/local/domain/%u/name", self), can_write(path)));
    /* another guest and its stub domain, whatever their numbers */
    for (unsigned domid = 1; domid < 40; domid++) {
        if (domid == self || domid == guest)
            continue;
        snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
        if (can_read(path))
            say("another domain's xenstore nodes", true);
        if (can_write(path))
            say("writing another domain's xenstore nodes", true);
    }
    errno = EACCES;
    say("any other domain's xenstore nodes", false);
}

/* ---- memory and hypercalls ---- */

static bool can_map(uint32_t domid, xen_pfn_t page)
{
    int err = 0;
    void *p = xenforeignmemory_map(fmem, domid, PROT_READ | PROT_WRITE, 1, &page, &err);

    if (!p)
        return false;
    xenforeignmemory_unmap(fmem, p, 1);
    errno = abs(err);
    return !err;
}

static void try_memory(void)
{
    bool other = false;

    say("own guest's memory", can_map(guest, 0x100));
    say("the stub domain's kernel's memory", can_map(DOMID_SELF, own_page) || can_map(self, own_page));
    say("dom0's memory", can_map(0, 0x100) || can_map(0, 0x10000));
    say("Xen's memory", can_map(DOMID_XEN, 0x100));
    for (unsigned domid = 1; domid < 40; domid++) {
        if (domid != self && domid != guest)
            other = other || can_map(domid, 0x100) || can_map(domid, 0x1000);
    }
    say("another domain's memory", other);
}

static void try_hypercalls(void)
{
    uint32_t made = 0;
    struct xen_domctl_createdomain config = {0};
    xc_domaininfo_t infos[64];
    bool other = false;
    int n;

    n = xc_domain_getinfolist(xc, 0, 64, infos);
    for (int i = 0; i < n; i++)
        other = other || (infos[i].domain != self && infos[i].domain != guest);
    say("seeing other domains", other);
    /* a device model has calls of its own (below), not those of a tool stack */
    say("pausing the guest", !xc_domain_pause(xc, guest) && !xc_domain_unpause(xc, guest));
    say("pausing dom0", !xc_domain_pause(xc, 0));
    for (unsigned domid = 1, reached = 0; domid < 40; domid++) {
        if (domid != self && domid != guest && !xc_domain_pause(xc, domid) && !reached++)
            say("pausing another domain", true);
    }
    say("making a domain", !xc_domain_create(xc, &made, &config));
    say("another domain's CPU", !xc_vcpu_getinfo(xc, 0, 0, &(xc_vcpuinfo_t){0}));
    say("a hypercall", xc_version(xc, XENVER_version, NULL) >= 0);
}

static bool can_ask(domid_t domid)
{
    unsigned vcpus;

    return !xendevicemodel_nr_vcpus(dmod, domid, &vcpus);
}

static void try_device_model_calls(void)
{
    bool other = false;

    say("device model calls on own guest", can_ask((domid_t)guest));
    say("device model calls on dom0", can_ask(0));
    for (unsigned domid = 1; domid < 40; domid++) {
        if (domid != guest)
            other = other || can_ask((domid_t)domid);
    }
    say("device model calls on another domain", other);
}

/* ---- the stub domain's own kernel ---- */

static bool can_open(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool can_fork(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return pid >= 0;
}

static bool can_write_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void try_kernel(void)
{
    say("being root", !setuid(0) && getuid() == 0);
    say("a new process", can_fork());
    say("a network socket", socket(AF_INET, SOCK_STREAM, 0) >= 0);
    say("a packet socket", socket(AF_PACKET, SOCK_RAW, 0) >= 0);
    say("a mount", !mount("proc", "/dev", "proc", 0, NULL));
    say("a new name space", !unshare(CLONE_NEWUSER));
    say("a device node", !mknod("/dev/xvdz", S_IFBLK | 0600, makedev(202, 0)));
    say("watching another process", !ptrace(PTRACE_ATTACH, 1, NULL, NULL));
    say("the kernel's log", can_open("/dev/kmsg"));
    say("the console device", can_open("/dev/hvc0"));
    say("opening the hypervisor", can_open("/dev/xen/privcmd") || can_open("/dev/xen/hypercall"));
    say("an event channel device", can_open("/dev/xen/evtchn"));
    say("opening xenstore", can_open("/dev/xen/xenbus"));
    say("the grant device", can_open("/dev/xen/gntdev"));
    say("init's files", can_open("/init") || can_open("/proc/1/root/init"));
    say("a file to run", can_write_file("/x") || can_write_file("/dev/x") || can_write_file("/lib/x"));
}

static void try_all(void)
{
    try_xenstore();
    try_memory();
    try_hypercalls();
    try_device_model_calls();
    try_kernel();
}

/* ---- QEMU's part in a start ---- */

static unsigned read_own_number(const char *node)
{
    char *text = xs_read(xs, XBT_NULL, node, NULL);
    unsigned number = text ? (unsigned)strtoul(text, NULL, 10) : 0;

    free(text);
    return number;
}

static bool open_all(void)
{
    xs = xs_open(0);
    xc = xc_interface_open(NULL, NULL, 0);
    fmem = xenforeignmemory_open(NULL, 0);
    dmod = xendevicemodel_open(NULL, 0);
    if (!xs || !xc || !fmem || !dmod || !xenevtchn_open(NULL, 0))
        return false;
    self = read_own_number("domid");
    guest = read_own_number("target");
    own_page = read_own_number("store/ring-ref");
    return true;
}

/* The socket of init's own monitor, by QEMU's arguments. */
static int monitor_socket(char **argv)
{
    int fd = -1;

    for (; *argv; argv++) {
        if (sscanf(*argv, "socket,id=xl-ext-monitor,fd=%d", &fd) == 1)
            break;
    }
    return fd;
}

/* One command; an answer to it. */
static bool answer(int qmp, const char *text)
{
    char command[4096];
    ssize_t n = read(qmp, command, sizeof(command));

    return n > 0 && write(qmp, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool restrict_and_answer(int qmp)
{
    static const char greeting[] = "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n";

    if (qmp < 0 || write(qmp, greeting, sizeof(greeting) - 1) < 0)
        return false;
    if (xentoolcore_restrict_all((domid_t)guest))
        return false;
    return answer(qmp, "{\"return\": {}}\r\n");
}

/* Init has 30 s to take the nodes away. */
static void wait_for_init(void)
{
    for (int i = 0; i < 300 && !access("/dev/xen/privcmd", F_OK); i++)
        usleep(100000);
}

int main(int argc, char **argv)
{
    int qmp;

    if (!open_all()) {
        say("what QEMU opens", false);
        return 1;
    }
    printf("intruder: in domain %u for guest %u as user %d\n", self, guest, (int)getuid());
    try_all();
    qmp = accept(monitor_socket(argv), NULL, NULL);
    if (!restrict_and_answer(qmp)) {
        say("restricting itself", false);
        return 1;
    }
    wait_for_init();
    when = "restricted";
    try_all();
    printf("intruder: end\n");
    fflush(stdout);
    answer(qmp, "{\"return\": {\"status\": \"running\"}}\r\n");
    for (;;)
        pause();
}
