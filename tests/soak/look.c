/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * look: what a host's domains hold, by the hypervisor's books and by xenstore, twice a second, for watch.py. A look is
 *
 *   domain DOMID NAME HELD TARGET LIMIT OWN FLAGS    (KiB; "-": there is none; OWN: what memd has recorded; FLAGS: hex)
 *   host FREE_KIB
 *
 * Lines "PATH VALUE" on standard input are written to xenstore; a ';' in VALUE stands for a line's end.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenstore.h>

#define EVERY_MS 500
#define DOMAINS_MAX 256

static struct xs_handle *xs;

static void print_node(const char *folder, uint32_t domid, const char *rest)
{
    char path[96], *value, *end;

    snprintf(path, sizeof(path), "%s/%u%s", folder, domid, rest);
    value = xs_read(xs, XBT_NULL, path, NULL);
    end = value ? strpbrk(value, " \t\n") : NULL;
    if (end)
        *end = 0;
    printf(" %s", value && *value ? value : "-");
    free(value);
}

static void look(xc_interface *xc)
{
    static xc_domaininfo_t infos[DOMAINS_MAX];
    int n = xc_domain_getinfolist(xc, 0, DOMAINS_MAX, infos);
    xc_physinfo_t host;

    for (int i = 0; i < n; i++) {
        printf("domain %u", infos[i].domain);
        print_node("/local/domain", infos[i].domain, "/name");
        printf(" %" PRIu64, (uint64_t)infos[i].tot_pages * 4);
        print_node("/local/domain", infos[i].domain, "/memory/target");
        printf(" %" PRIu64, (uint64_t)infos[i].max_pages * 4);
        print_node("/local/domain/0/xl-ext/own-target", infos[i].domain, "");
        printf(" %x\n", infos[i].flags);
    }
    memset(&host, 0, sizeof(host));
    if (!xc_physinfo(xc, &host))
        printf("host %" PRIu64 "\n", (uint64_t)host.free_pages * 4);
    fflush(stdout);
}

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void write_line(char *line)
{
    char *value = strchr(line, ' ');

    if (!value)
        return;
    *value++ = 0;
    value[strcspn(value, "\n")] = 0;
    for (char *c = value; *c; c++) {
        if (*c == ';')
            *c = '\n';
    }
    xs_write(xs, XBT_NULL, line, value, (unsigned)strlen(value));
}

int main(void)
{
    xc_interface *xc = xc_interface_open(NULL, NULL, 0);
    uint64_t next = now_ms();
    char line[512];

    xs = xs_open(0);
    if (!xs || !xc) {
        fputs("look: this is not dom0\n", stderr);
        return 1;
    }
    setvbuf(stdin, NULL, _IONBF, 0);
    for (;;) {
        struct pollfd p = {.fd = 0, .events = POLLIN};
        uint64_t now = now_ms();

        if (now >= next) {
            look(xc);
            next = now_ms() + EVERY_MS;
        } else if (poll(&p, 1, (int)(next - now)) == 1) {
            if (!fgets(line, sizeof(line), stdin))
                return 0;
            write_line(line);
        }
    }
}
