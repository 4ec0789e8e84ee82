/* SPDX-License-Identifier: Apache-2.0 */
/* A key table with its keys read, ready to be asked. */
#ifndef DKIM_KEYRING_H
#define DKIM_KEYRING_H

#include "key.h"

struct keyring_key {
	const char *pattern, *selector;
	const char *domain;   /* "": that of the address */
	const char *identity; /* NULL: none */
	const char *file;
	unsigned line;
	struct key key;
};

/*
 * Sorted: keys of one pattern stand together; of those, keys that replace
 * each other (same kind, domain and identity), the oldest first.
 */
struct keyring {
	struct keyring_key *keys;
	uint32_t count;
	char *text; /* all strings point into it */
};

/*
 * Read the table at path and every key in it; files are relative to the
 * table's folder.  Each fault is told, "file:line: what to do"; false if
 * there was any.
 */
bool keyring_load(struct keyring *, const char *path,
    void (*fault)(void *arg, const char *text), void *arg);
void keyring_finish(struct keyring *);

/*
 * The keys for an address, or a login without @: *count from the first.
 * NULL: there are none.
 */
const struct keyring_key *keyring_find(
    const struct keyring *, const char *address, uint32_t *count);

/* How many keys, from the first on, replace each other? */
uint32_t keyring_group(const struct keyring_key *, uint32_t count);

#endif
