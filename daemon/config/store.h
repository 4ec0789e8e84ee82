/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts the values of options into the structs that options point into, and
 * keeps what belongs to them.
 */
#ifndef CONFIG_STORE_H
#define CONFIG_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "config/config.h"

struct map;

struct store {
	struct arena *arena;
	struct map **maps; /* every map that was made */
	size_t nmaps;
	bool empty_is_unset; /* "" is NULL: so in the daemon's own options */
};

void store_finish(struct store *); /* leaves the arena to its owner */

/*
 * Set the option in base from the values that were given.  texts must live
 * as long as the arena.  On failure *why says what and how (the caller frees
 * it), and *bad which of the values it is.
 */
bool store_set(struct store *, const struct mr_option *, void *base,
    const struct mr_list *texts, size_t *bad, char **why);

/* The option's default as values; an unset one has none. */
bool store_fallback(
    struct arena *, const struct mr_option *, struct mr_list *texts);
/* Set it from its default. */
bool store_default(
    struct store *, const struct mr_option *, void *base, char **why);

/* What is wrong with the option's own default, or NULL; caller frees. */
char *store_fault(const struct mr_option *);

#endif
