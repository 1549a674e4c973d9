/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stubdom/init/dm_argv.h"

#include <stdlib.h>
#include <string.h>

#define INCOMING_PLACEHOLDER "$STUBDOM_RESTORE_INCOMING_ARG"
#define DISK_PREFIX "/dev/xvd"
#define CONSOLE_PREFIX "/dev/hvc"
#define CONSOLES_MAX 32 /* bits in dm_needs.consoles */
#define DOMID_FIRST_RESERVED 0x7ff0

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Decimal number of at most max_digits digits, the whole text. */
static bool parse_number(const char *text, size_t max_digits, uint32_t *out)
{
    uint32_t number = 0;
    size_t i;

    for (i = 0; text[i]; i++) {
        if (i >= max_digits || !is_digit(text[i]))
            return false;
        number = number * 10 + (uint32_t)(text[i] - '0');
    }
    *out = number;
    return i > 0;
}

unsigned dm_argv_key_position(const char *key)
{
    uint32_t position;

    if (strlen(key) < 3 || !parse_number(key, 4, &position) || position > DM_ARGS_MAX)
        return 0;
    return position;
}

const char *dm_argv_order(const char *const *keys, size_t n, size_t *order)
{
    bool seen[DM_ARGS_MAX + 1] = {false};
    size_t i;

    if (n == 0)
        return "there are no arguments";
    if (n > DM_ARGS_MAX)
        return "there are too many arguments";
    for (i = 0; i < n; i++) {
        unsigned position = dm_argv_key_position(keys[i]);

        if (position == 0)
            return "a key is not an argument number";
        if (position > n)
            return "an argument is missing";
        if (seen[position])
            return "an argument number occurs twice";
        seen[position] = true;
        order[position - 1] = i;
    }
    return NULL;
}

const char *dm_argv_check_value(const char *value, size_t len)
{
    if (len > DM_ARG_BYTES_MAX)
        return "an argument is too long";
    if (memchr(value, '\0', len))
        return "an argument contains a NUL byte";
    return NULL;
}

/*
 * One "key=value" of an option string, the value still with doubled commas. *cursor moves behind
 * it. A part without "=" has an empty value. False at the end.
 */
struct option_part {
    const char *key, *value;
    size_t key_len, value_len;
};

static bool next_part(const char **cursor, struct option_part *part)
{
    const char *p = *cursor, *equals = NULL;

    if (!*p)
        return false;
    part->key = p;
    for (; *p; p++) {
        if (*p == ',') {
            if (p[1] != ',')
                break;
            p++;
        } else if (*p == '=' && !equals) {
            equals = p;
        }
    }
    part->key_len = (size_t)((equals ? equals : p) - part->key);
    part->value = equals ? equals + 1 : p;
    part->value_len = (size_t)(p - part->value);
    *cursor = *p ? p + 1 : p;
    return true;
}

static bool part_is(const struct option_part *part, const char *key)
{
    return part->key_len == strlen(key) && !memcmp(part->key, key, part->key_len);
}

bool dm_argv_option(const char *options, const char *key, char *out, size_t size)
{
    struct option_part part;
    bool found = false;

    /* as in QEMU the last one counts */
    while (next_part(&options, &part)) {
        size_t used = 0;

        if (!part_is(&part, key))
            continue;
        for (size_t i = 0; i < part.value_len; i++) {
            if (used + 1 >= size)
                return false;
            out[used++] = part.value[i];
            if (part.value[i] == ',')
                i++;
        }
        if (used >= size)
            return false;
        out[used] = '\0';
        found = true;
    }
    return found;
}

char *dm_argv_netdev_with_fd(const char *options, int fd)
{
    static const char *const replaced[] = {"ifname", "br", "script", "downscript", "helper", "fd"};
    char suffix[24] = ",fd=", digits[12];
    size_t used = 0, n_digits = 0, suffix_len = 4;
    struct option_part part;
    char *out;

    out = malloc(strlen(options) + sizeof(suffix) + 1);
    if (!out)
        return NULL;
    while (next_part(&options, &part)) {
        size_t len = (size_t)(part.value + part.value_len - part.key);
        bool drop = false;

        for (size_t i = 0; i < sizeof(replaced) / sizeof(replaced[0]); i++)
            drop = drop || part_is(&part, replaced[i]);
        if (drop)
            continue;
        if (used)
            out[used++] = ',';
        memcpy(out + used, part.key, len);
        used += len;
    }
    do {
        digits[n_digits++] = (char)('0' + fd % 10);
        fd /= 10;
    } while (fd > 0);
    while (n_digits > 0)
        suffix[suffix_len++] = digits[--n_digits];
    memcpy(out + used, suffix, suffix_len);
    out[used + suffix_len] = '\0';
    return out;
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool dm_argv_parse_mac(const char *text, uint8_t mac[DM_MAC_BYTES])
{
    if (strlen(text) != DM_MAC_BYTES * 3 - 1)
        return false;
    for (size_t i = 0; i < DM_MAC_BYTES; i++) {
        int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);

        if (high < 0 || low < 0 || (i + 1 < DM_MAC_BYTES && text[3 * i + 2] != ':'))
            return false;
        mac[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool dm_argv_parse_domid(const char *text, uint32_t *domid)
{
    uint32_t number;

    if (!parse_number(text, 5, &number) || number >= DOMID_FIRST_RESERVED)
        return false;
    *domid = number;
    return true;
}

bool dm_argv_is_vm_path(const char *text)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    if (strncmp(text, "/vm/", 4) || strlen(text + 4) != sizeof(shape) - 1)
        return false;
    for (size_t i = 0; i < sizeof(shape) - 1; i++) {
        if (shape[i] == 'x' ? hex_digit(text[4 + i]) < 0 : text[4 + i] != shape[i])
            return false;
    }
    return true;
}

bool dm_argv_console(const char *path, uint32_t *number)
{
    return !strncmp(path, CONSOLE_PREFIX, strlen(CONSOLE_PREFIX)) &&
           parse_number(path + strlen(CONSOLE_PREFIX), 2, number) && *number < CONSOLES_MAX;
}

/* A file the arguments name: wait for it when it is one of this domain's disks or consoles. */
static void need_file(struct dm_needs *needs, const char *path)
{
    uint32_t number;

    if (!strncmp(path, DISK_PREFIX, strlen(DISK_PREFIX))) {
        const char *letter = path + strlen(DISK_PREFIX);

        if (letter[0] >= 'a' && letter[0] <= 'z' && !letter[1])
            needs->disks |= 1u << (letter[0] - 'a');
    } else if (dm_argv_console(path, &number)) {
        needs->consoles |= 1u << number;
    }
}

/* The number in "net3" or "nic3". */
static bool parse_id(const char *options, const char *key, const char *prefix, uint32_t *devid)
{
    char id[32] = "";

    return dm_argv_option(options, key, id, sizeof(id)) && !strncmp(id, prefix, strlen(prefix)) &&
           parse_number(id + strlen(prefix), 4, devid);
}

static struct dm_nic *nic_of(struct dm_needs *needs, uint32_t devid)
{
    for (size_t i = 0; i < needs->num_nics; i++) {
        if (needs->nics[i].devid == devid)
            return &needs->nics[i];
    }
    if (needs->num_nics == DM_NICS_MAX)
        return NULL;
    needs->nics[needs->num_nics].devid = devid;
    return &needs->nics[needs->num_nics++];
}

static const char *scan_netdev(struct dm_needs *needs, const char *value, size_t index)
{
    char type[8];
    struct dm_nic *nic;
    uint32_t devid;

    /* libxl names the type by key; QEMU also takes it as the first, bare word */
    if (!(dm_argv_option(value, "type", type, sizeof(type)) && !strcmp(type, "tap")) && strncmp(value, "tap,", 4))
        return NULL;
    if (!parse_id(value, "id", "net", &devid))
        return "a tap network back end is not named netN";
    nic = nic_of(needs, devid);
    if (!nic)
        return "there are too many network cards";
    if (nic->has_netdev)
        return "a network back end occurs twice";
    nic->has_netdev = true;
    nic->netdev_arg = index;
    return NULL;
}

static const char *scan_device(struct dm_needs *needs, const char *value)
{
    char mac[DM_MAC_BYTES * 3];
    struct dm_nic *nic;
    uint32_t devid;

    if (!parse_id(value, "netdev", "net", &devid))
        return NULL;
    nic = nic_of(needs, devid);
    if (!nic)
        return "there are too many network cards";
    if (!dm_argv_option(value, "mac", mac, sizeof(mac)) || !dm_argv_parse_mac(mac, nic->mac))
        return "a network card has no MAC address";
    nic->has_mac = true;
    return NULL;
}

static const char *check_nics(const struct dm_needs *needs)
{
    for (size_t i = 0; i < needs->num_nics; i++) {
        const struct dm_nic *nic = &needs->nics[i];

        if (!nic->has_netdev)
            continue; /* a card on a back end that is no tap */
        if (!nic->has_mac)
            return "a tap network back end has no network card";
        for (size_t j = 0; j < i; j++) {
            if (needs->nics[j].has_netdev && !memcmp(needs->nics[j].mac, nic->mac, DM_MAC_BYTES))
                return "two network cards have the same MAC address";
        }
    }
    return NULL;
}

/* Options whose value is a file, and those with the file behind a key. */
static void scan_files(struct dm_needs *needs, const char *option, const char *value)
{
    static const char *const plain[] = {"-kernel", "-initrd", "-dtb",   "-hda",   "-hdb",
                                        "-hdc",    "-hdd",    "-cdrom", "-serial"};
    static const char *const keys[] = {"file", "filename", "file.filename", "path"};
    char path[64];

    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (!strcmp(option, plain[i]))
            need_file(needs, value);
    }
    if (strcmp(option, "-drive") && strcmp(option, "-blockdev") && strcmp(option, "-chardev"))
        return;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (dm_argv_option(value, keys[i], path, sizeof(path)))
            need_file(needs, path);
    }
}

const char *dm_argv_scan(const char *const *argv, size_t argc, struct dm_needs *needs)
{
    const char *cause = NULL;

    memset(needs, 0, sizeof(*needs));
    for (size_t i = 1; i < argc && !cause; i++) {
        const char *option = argv[i], *value;

        if (option[0] != '-' || i + 1 == argc)
            continue;
        /* an option that takes no value is harmless here: what follows starts with "-" and is
         * looked at next */
        value = argv[i + 1];
        scan_files(needs, option, value);
        if (!strcmp(option, "-netdev"))
            cause = scan_netdev(needs, value, i + 1);
        else if (!strcmp(option, "-device"))
            cause = scan_device(needs, value);
        else if (!strcmp(option, "-incoming") && !strcmp(value, INCOMING_PLACEHOLDER))
            needs->incoming_arg = i + 1;
        /* the value of an option that takes one may itself look like an option ("-append",
         * "-netdev") */
        if (!strcmp(option, "-append") || !strcmp(option, "-name"))
            i++;
    }
    return cause ? cause : check_nics(needs);
}
