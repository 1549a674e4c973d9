/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libxlutil.h>

#include "base/error.h"
#include "base/parse.h"

struct config {
    struct xlx_ctx *ctx;
    XLU_Config *xlu;
    char *path;
};

static struct config *new_config(struct xlx_ctx *ctx, const char *path)
{
    struct config *c = calloc(1, sizeof(*c));

    if (!c)
        abort();
    c->ctx = ctx;
    c->path = strdup(path);
    /* libxlutil says on its own which line it cannot read. */
    c->xlu = xlu_cfg_init(stderr, path);
    if (!c->path || !c->xlu)
        abort();
    return c;
}

/* r: what libxlutil returned */
static int loaded(struct config *c, int r, struct config **config)
{
    if (r) {
        LOG(c->ctx, ERROR, "cannot read the configuration %s: %s", c->path,
            r > 0 ? strerror(r) : "its syntax is not xl.cfg's");
        config_free(c);
        return error_of_errno(r > 0 ? r : EINVAL);
    }
    *config = c;
    return 0;
}

int config_load(struct xlx_ctx *ctx, const char *path, bool must_exist, struct config **config)
{
    struct config *c = new_config(ctx, path);

    if (!must_exist && access(path, F_OK) && errno == ENOENT)
        return loaded(c, xlu_cfg_readdata(c->xlu, "", 0), config);
    return loaded(c, xlu_cfg_readfile(c->xlu, path), config);
}

int config_parse(struct xlx_ctx *ctx, const char *name, const char *text, struct config **config)
{
    struct config *c = new_config(ctx, name);

    return loaded(c, xlu_cfg_readdata(c->xlu, text, (int)strlen(text)), config);
}

void config_free(struct config *config)
{
    if (!config)
        return;
    xlu_cfg_destroy(config->xlu);
    free(config->path);
    free(config);
}

static int refuse(const struct config *c, const char *key, const char *value, const char *cause)
{
    LOG(c->ctx, ERROR, "%s: %s='%.64s': %s", c->path, key, value, cause);
    return ERROR_INVAL;
}

int config_text(const struct config *config, const char *key, const char *absent, const char **value)
{
    int r = xlu_cfg_get_string(config->xlu, key, value, 1);

    if (r == ENOENT || r == ESRCH) {
        *value = absent;
        return 0;
    }
    return r ? refuse(config, key, "...", "one value is wanted, not a list") : 0;
}

bool config_has(const struct config *config, const char *key)
{
    XLU_ConfigList *list;
    const char *text;
    int entries;

    return !xlu_cfg_get_string(config->xlu, key, &text, 1) || !xlu_cfg_get_list(config->xlu, key, &list, &entries, 1);
}

int config_texts(const struct config *config, struct gc *gc, const char *key, const char *const **values, size_t *count)
{
    const char **texts, *text;
    XLU_ConfigList *list;
    int entries = 0, r;

    r = xlu_cfg_get_list(config->xlu, key, &list, &entries, 1);
    if (r) {
        r = config_text(config, key, NULL, &text);
        if (r)
            return r;
        *values = texts = gc_array(gc, 1, sizeof(*texts));
        texts[0] = text;
        *count = text != NULL;
        return 0;
    }
    *values = texts = gc_array(gc, (size_t)entries + 1, sizeof(*texts));
    *count = (size_t)entries;
    for (int i = 0; i < entries; i++) {
        texts[i] = xlu_cfg_get_listitem(list, i);
        if (!texts[i])
            return refuse(config, key, "...", "texts are wanted in the list");
    }
    return 0;
}

int config_bool(const struct config *config, const char *key, bool absent, bool *value)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"1", true},  {"yes", true}, {"true", true},   {"on", true},
                 {"0", false}, {"no", false}, {"false", false}, {"off", false}};
    const char *text;
    int rc;

    *value = absent;
    rc = config_text(config, key, NULL, &text);
    if (rc || !text)
        return rc;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (!strcmp(words[i].word, text)) {
            *value = words[i].value;
            return 0;
        }
    }
    return refuse(config, key, text, "neither 0 nor 1");
}

int config_u64(const struct config *config, const char *key, uint64_t absent, uint64_t max, uint64_t *value)
{
    const char *text, *cause;
    int rc;

    *value = absent;
    rc = config_text(config, key, NULL, &text);
    if (rc || !text)
        return rc;
    return parse_u64(text, max, value, &cause) ? refuse(config, key, text, cause) : 0;
}

int config_size_kb(const struct config *config, const char *key, uint64_t absent_kb, uint64_t *value_kb)
{
    const char *text, *cause;
    int rc;

    *value_kb = absent_kb;
    rc = config_text(config, key, NULL, &text);
    if (rc || !text)
        return rc;
    return parse_size_kb(text, value_kb, &cause) ? refuse(config, key, text, cause) : 0;
}

int config_duration_ms(const struct config *config, const char *key, uint64_t absent_ms, uint64_t *value_ms)
{
    const char *text, *cause;
    int rc;

    *value_ms = absent_ms;
    rc = config_text(config, key, NULL, &text);
    if (rc || !text)
        return rc;
    return parse_duration_ms(text, value_ms, &cause) ? refuse(config, key, text, cause) : 0;
}
