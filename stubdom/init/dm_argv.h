/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's arguments as libxl leaves them in xenstore (dm-argv), and what they need from this domain.
 * Pure functions without system calls: the host compiles this file for unit tests and fuzzing.
 *
 * The format is libxl 4.17's, libxl__write_stub_dmargs: one key per argument, "%03d" from 001,
 * argv[0] left out.
 */
#ifndef XL_EXT_STUBDOM_DM_ARGV_H
#define XL_EXT_STUBDOM_DM_ARGV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DM_ARGS_MAX 1024      /* libxl passes about 60; "extra" may add, but a domain has a bounded number of nodes */
#define DM_ARG_BYTES_MAX 4096 /* a xenstore value is never longer (XENSTORE_PAYLOAD_MAX) */
#define DM_NICS_MAX 8         /* the emulated machine has 32 PCI slots; libxl emulates at most 8 NICs */
#define DM_MAC_BYTES 6
#define DM_IFNAME_BYTES 16 /* IFNAMSIZ, with the final NUL */

/* One emulated network card: what "-device MODEL,id=nicN,netdev=netN,mac=..." and "-netdev
 * type=tap,id=netN" say. */
struct dm_nic {
    uint32_t devid;            /* N */
    uint8_t mac[DM_MAC_BYTES]; /* also the MAC of the PV network card that this domain got for it */
    size_t netdev_arg;         /* index of the -netdev value in argv */
    bool has_mac, has_netdev;
};

/* What the arguments need before QEMU can start. */
struct dm_needs {
    uint32_t disks;    /* bit n: /dev/xvd('a' + n) */
    uint32_t consoles; /* bit n: /dev/hvcN */
    struct dm_nic nics[DM_NICS_MAX];
    size_t num_nics;
    size_t incoming_arg; /* index of $STUBDOM_RESTORE_INCOMING_ARG, 0 when absent */
};

/*
 * The position of a key in the argument list: "001" -> 1. Returns 0 for anything that is not 3 to 4
 * decimal digits or beyond DM_ARGS_MAX.
 */
unsigned dm_argv_key_position(const char *key);

/*
 * Put n keys in the order of their numbers: order[p] is the index in keys of argument p + 1.
 * Returns NULL, or why the list cannot be used (a static string): no arguments, a key that is no
 * number, a number twice or missing.
 */
const char *dm_argv_order(const char *const *keys, size_t n, size_t *order);

/* Is this value of len bytes usable as one argument? Any byte but NUL may occur in it. NULL, or why
 * not. */
const char *dm_argv_check_value(const char *value, size_t len);

/*
 * Find what argc arguments (argv[0] being the program) need. Options that cannot work here are left
 * to QEMU to refuse. Returns NULL, or why the arguments cannot be used.
 */
const char *dm_argv_scan(const char *const *argv, size_t argc, struct dm_needs *needs);

/*
 * The value of one key in a QEMU option string "key=value,key=value", where ",," stands for a
 * comma. Copies at most size - 1 bytes and a NUL to out. Returns false when the key is absent or
 * its value does not fit.
 */
bool dm_argv_option(const char *options, const char *key, char *out, size_t size);

/*
 * A -netdev value for a tap that is already open: the same, with ifname, br and the scripts left
 * out and fd=FD added. Returns malloc()ed text, or NULL when out of memory.
 */
char *dm_argv_netdev_with_fd(const char *options, int fd);

/* The N (0 to 31) of "/dev/hvcN"; false for anything else. */
bool dm_argv_console(const char *path, uint32_t *number);

/* "aa:bb:cc:dd:ee:ff" to bytes; false for anything else. */
bool dm_argv_parse_mac(const char *text, uint8_t mac[DM_MAC_BYTES]);

/* A domain id as xenstore has it: decimal, below DOMID_FIRST_RESERVED (0x7ff0). False for anything
 * else. */
bool dm_argv_parse_domid(const char *text, uint32_t *domid);

/* "/vm/UUID": the shape libxl writes. Keeps a strange value from leading to another part of
 * xenstore. */
bool dm_argv_is_vm_path(const char *text);

#endif
