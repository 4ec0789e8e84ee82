/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives as long as a scope (a session, a message) and is given
 * back at once.  Not thread-safe: a scope is used by one thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/span.h"

struct arena;

struct arena *arena_create(size_t first); /* bytes of the first block */
void arena_destroy(struct arena **);
void arena_reset(struct arena *); /* empty again, the first block is kept */
void *arena_alloc(struct arena *, size_t); /* zeroed, aligned for any type */
char *arena_copy(struct arena *, const char *);
char *arena_copy_span(struct arena *, struct span); /* NUL-terminated */
char *arena_printf(struct arena *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
size_t arena_size(const struct arena *); /* bytes held from malloc */

#endif
