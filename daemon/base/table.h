/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table from text to pointer.  Keys are copied, values borrowed. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct table;

struct table *table_create(bool nocase); /* ASCII letters in any case */
void table_destroy(struct table **, void (*free_value)(void *));
void *table_get(const struct table *, struct span key);
/* Returns the value that was there before, or NULL. */
void *table_put(struct table *, struct span key, void *value);
size_t table_count(const struct table *);
/* The index-th in the order of insertion.  False: there are fewer. */
bool table_at(
    const struct table *, size_t index, struct span *key, void **value);
/* In the order of insertion. */
void table_each(const struct table *,
    void (*)(const char *key, void *value, void *arg), void *arg);

/*
 * The hash that tables use: who chooses the keys cannot choose where they
 * fall.  It is another one whenever the daemon is started.
 */
uint32_t table_hash(struct span key, bool nocase);

#endif
