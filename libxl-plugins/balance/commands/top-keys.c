/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "balance/commands/top-keys.h"

#include <string.h>

#include "base/cleanup.h"

/* Behind ESC [ or ESC O. */
static const struct {
    const char *sequence;
    int key;
} sequences[] = {
    {"A", TOP_KEY_UP},    {"B", TOP_KEY_DOWN}, {"H", TOP_KEY_HOME}, {"F", TOP_KEY_END},      {"1~", TOP_KEY_HOME},
    {"7~", TOP_KEY_HOME}, {"4~", TOP_KEY_END}, {"8~", TOP_KEY_END}, {"5~", TOP_KEY_PAGE_UP}, {"6~", TOP_KEY_PAGE_DOWN},
};

static int sequence_key(const struct top_keys *keys)
{
    for (size_t i = 0; i < ARRAY_LEN(sequences); i++) {
        if (strlen(sequences[i].sequence) == keys->count - 2 &&
            !memcmp(sequences[i].sequence, keys->pending + 2, keys->count - 2))
            return sequences[i].key;
    }
    return TOP_KEY_NONE;
}

static int plain_key(unsigned char byte)
{
    if (byte == 127)
        return TOP_KEY_BACKSPACE;
    return byte == '\n' ? TOP_KEY_ENTER : byte;
}

int top_keys_feed(struct top_keys *keys, unsigned char byte)
{
    int key;

    if (!keys->count && byte != TOP_KEY_ESCAPE)
        return plain_key(byte);
    /* Only [ and O begin a sequence; with anything else Escape was a key, or Alt is held, and the byte is what counts. */
    if (keys->count == 1 && byte != '[' && byte != 'O') {
        keys->count = byte == TOP_KEY_ESCAPE;
        return byte == TOP_KEY_ESCAPE ? TOP_KEY_ESCAPE : plain_key(byte);
    }
    keys->pending[keys->count++] = (char)byte;
    /* Parameters are below, the byte that ends a sequence is at or above '@'. */
    if (keys->count < 3 || (byte < '@' && keys->count < sizeof(keys->pending)))
        return TOP_KEY_NONE;
    key = sequence_key(keys);
    keys->count = 0;
    return key;
}

int top_keys_flush(struct top_keys *keys)
{
    int key = keys->count == 1 ? TOP_KEY_ESCAPE : TOP_KEY_NONE;

    keys->count = 0;
    return key;
}
