/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that lives as long as a set of rules, or as one message's matching. */
#ifndef RULES_POOL_H
#define RULES_POOL_H

#include <stddef.h>

struct pool {
	struct pool_block *blocks;
};

/* Zeroed.  Without memory the process ends: another worker goes on. */
void *pool_alloc(struct pool *, size_t);
char *pool_copy(struct pool *, const char *, size_t n); /* NUL-terminated */
char *pool_printf(struct pool *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
/* Room for one more item in an array of count items; may move it. */
void *pool_grow(struct pool *, void *items, size_t count, size_t size);
void pool_finish(struct pool *);

#endif
