/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's arguments as the stub domain's init reads them from xenstore, separated by NUL bytes;
 * then the same pieces as keys and as values.
 *
 * FUZZ_SRCS: stubdom/init/dm_argv.c
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stubdom/init/dm_argv.h"

#define PIECES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_scan(const char *const *pieces, size_t n)
{
    struct dm_needs needs;

    if (dm_argv_scan(pieces, n, &needs))
        return;
    if (needs.num_nics > DM_NICS_MAX || (n && needs.incoming_arg >= n) || needs.disks >> 26)
        abort();
    for (size_t i = 0; i < needs.num_nics; i++) {
        const struct dm_nic *nic = &needs.nics[i];
        char id[16], *text;

        if (!nic->has_netdev)
            continue;
        if (!nic->has_mac || nic->netdev_arg >= n)
            abort();
        text = dm_argv_netdev_with_fd(pieces[nic->netdev_arg], 37);
        if (!text || !dm_argv_option(text, "fd", id, sizeof(id)) || strcmp(id, "37") ||
            dm_argv_option(text, "ifname", id, sizeof(id)) || dm_argv_option(text, "script", id, sizeof(id)))
            abort();
        free(text);
    }
}

static void check_order(const char *const *pieces, size_t n)
{
    size_t order[PIECES_MAX];

    if (dm_argv_order(pieces, n, order))
        return;
    for (size_t i = 0; i < n; i++) {
        if (order[i] >= n || dm_argv_key_position(pieces[order[i]]) != i + 1)
            abort();
    }
}

static void check_values(const char *text)
{
    uint8_t mac[DM_MAC_BYTES];
    char value[32];
    uint32_t domid;

    if (dm_argv_parse_domid(text, &domid) && domid >= 0x7ff0)
        abort();
    if (dm_argv_is_vm_path(text) && (strlen(text) != 40 || strchr(text + 4, '/')))
        abort();
    if (dm_argv_parse_mac(text, mac) && strlen(text) != 17)
        abort();
    if (dm_argv_option(text, "file", value, sizeof(value)) && strlen(value) >= strlen(text))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *pieces[PIECES_MAX];
    size_t n = 0;
    char *text = malloc(size + 1);

    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    dm_argv_check_value(text, size);
    for (size_t at = 0; at < size && n < PIECES_MAX; at += strlen(text + at) + 1) {
        pieces[n++] = text + at;
        check_values(text + at);
    }
    check_scan(pieces, n);
    check_order(pieces, n);
    free(text);
    return 0;
}
