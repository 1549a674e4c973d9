/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json.h"

void json_put_string(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, key);
    if (text)
        json_string(w, text);
    else
        json_null(w);
}

void json_put_integer(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, key);
    json_integer(w, value);
}

void json_put_u64(struct json_writer *w, const char *key, uint64_t value)
{
    json_key(w, key);
    json_u64(w, value);
}

void json_put_bool(struct json_writer *w, const char *key, bool value)
{
    json_key(w, key);
    json_bool(w, value);
}
