/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XLX_CORE_CONFIG_H
#define XLX_CORE_CONFIG_H

/*
 * A configuration file in the syntax of xl.cfg, read by libxlutil. Values are asked for by key; a key that is absent
 * gives the default and 0, a value that is not of the form asked for is logged with file and key and gives ERROR_INVAL.
 */

#include "core/ctx.h"

struct config;

/* Loads path. A file that is not there is an empty configuration unless must_exist. Logs. */
int config_load(struct xlx_ctx *ctx, const char *path, bool must_exist, struct config **config);
/* The same from text that has been read already; name is what messages call it. */
int config_parse(struct xlx_ctx *ctx, const char *name, const char *text, struct config **config);
/* NULL is allowed. */
void config_free(struct config *config);

/* The text belongs to the configuration. */
int config_text(const struct config *config, const char *key, const char *absent, const char **value);
bool config_has(const struct config *config, const char *key);
/* One text or a list of texts; absent: count is 0. The texts belong to the configuration, the array to the pool. */
int config_texts(const struct config *config, struct gc *gc, const char *key, const char *const **values,
                 size_t *count);
/* 0 or 1, or a word that xl.cfg takes for a boolean. */
int config_bool(const struct config *config, const char *key, bool absent, bool *value);
int config_u64(const struct config *config, const char *key, uint64_t absent, uint64_t max, uint64_t *value);
/* A size with xl's suffixes, MiB without one; in KiB. */
int config_size_kb(const struct config *config, const char *key, uint64_t absent_kb, uint64_t *value_kb);
/* Seconds, or with ms, s, m, h. */
int config_duration_ms(const struct config *config, const char *key, uint64_t absent_ms, uint64_t *value_ms);

#endif
