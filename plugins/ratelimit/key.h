/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a message is counted for: an expression over what is known of it,
 *
 *	lower({auth_authen})
 *	first(lower({auth_authen}), before(header(X-Script), ':'))
 *	domain(sender) '/' net({client_addr}, 24, 64)
 *
 * Pure: asks its caller for facts and tables.
 */
#ifndef RATELIMIT_KEY_H
#define RATELIMIT_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <millrace/spell.h>

enum {
	KEY_NODES = 64,
	KEY_DEPTH = 12,
	KEY_TEXT_BYTES = 512,  /* of all names and texts in it */
	KEY_VALUE_BYTES = 200, /* of key_spell() */
};

enum key_fact {
	KEY_LOGIN,
	KEY_CLIENT,
	KEY_HELO,
	KEY_SENDER,
	KEY_RECIPIENT,
	KEY_LISTENER,
	KEY_MACRO,  /* name as written, with its braces */
	KEY_HEADER, /* the first field of that name */
	KEY_NOTE,
};

enum key_table { KEY_MAP, KEY_TENANTS, KEY_PLANS };

/* EMPTY: there is none.  LATER: a later stage will know. */
enum key_state { KEY_VALUE, KEY_EMPTY, KEY_LATER };

struct key_source {
	void *arg;
	/* name: of MACRO, HEADER and NOTE */
	enum key_state (*fact)(
	    void *arg, enum key_fact, const char *name, const char **value);
	/* NULL: no entry matches */
	const char *(*look_up)(void *arg, enum key_table, const char *text);
	/* zeroed, lives as long as the value is used */
	void *(*alloc)(void *arg, size_t);
};

struct key_node {
	uint8_t kind;      /* key.c */
	uint8_t function;  /* row of the table of functions */
	uint8_t fact;      /* enum key_fact */
	uint8_t first;     /* argument or part; 0: none */
	uint8_t next;      /* sibling; 0: none */
	uint8_t number[2]; /* of net() */
	uint16_t text;     /* offset into texts */
};

struct key {
	struct key_node nodes[KEY_NODES]; /* [0] is unused */
	uint8_t count, root;
	char texts[KEY_TEXT_BYTES];
	uint16_t used;
};

/* Returns NULL, or what is wrong and how to mend it. */
const char *key_parse(struct key *, const char *text);

/* *value is set on KEY_VALUE, and never "". */
enum key_state key_eval(
    const struct key *, const struct key_source *, const char **value);

/* Show every fact that it may ask for, and whether a table. */
void key_facts(const struct key *,
    void (*seen)(void *arg, enum key_fact, const char *name), void *arg);
bool key_uses(const struct key *, enum key_table);
bool key_uses_notes(const struct key *);

/*
 * A value in printable ASCII without blanks, as it stands in the store, in
 * replies and on the command line: other bytes become %XX; what is longer
 * than the room ends in a hash of the whole.
 */
static inline void
key_spell(char out[KEY_VALUE_BYTES + 1], const char *value)
{
	mr_spell(out, KEY_VALUE_BYTES + 1, value, false);
}

#endif
