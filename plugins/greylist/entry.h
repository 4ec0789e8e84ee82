/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What greylisting keeps of an origin, a sender's domain and a recipient:
 * its name in the store, and its value.  Pure.
 */
#ifndef GREYLIST_ENTRY_H
#define GREYLIST_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ENTRY_PART_BYTES = 110, /* of one part, spelt */
	ENTRY_NAME_BYTES = 3 * ENTRY_PART_BYTES + 8,
	ENTRY_VALUE_BYTES = 48,
};

enum entry_state { ENTRY_WAITS, ENTRY_PASSED };

struct entry {
	enum entry_state state;
	int64_t since_ms; /* Unix time: of the first try, of the last mail */
};

/*
 * A part in small letters and printable ASCII without blanks: other bytes
 * become %XX; one that is too long ends in a hash of the whole.
 */
void entry_spell(char out[ENTRY_PART_BYTES + 1], const char *text);

/*
 * Where a client belongs: "192.0.2.0/24", "2001:db8::/64".  What is no
 * address stays as it is.
 */
void entry_network(char out[ENTRY_PART_BYTES + 1], const char *addr,
    unsigned bits4, unsigned bits6);

/* "g ORIGIN DOMAIN RECIPIENT" of spelt parts. */
size_t entry_name(char out[ENTRY_NAME_BYTES], const char *origin,
    const char *domain, const char *recipient);
/* "p ORIGIN": the counter of its passes. */
size_t entry_pool_name(char out[ENTRY_NAME_BYTES], const char *origin);

/* The three parts of a name; false if it is none. */
struct entry_parts {
	char origin[ENTRY_PART_BYTES + 1], domain[ENTRY_PART_BYTES + 1];
	char recipient[ENTRY_PART_BYTES + 1];
};
bool entry_name_parse(const char *name, size_t n, struct entry_parts *);

size_t entry_print(char out[ENTRY_VALUE_BYTES], const struct entry *);
bool entry_parse(const char *text, size_t n, struct entry *);

#endif
