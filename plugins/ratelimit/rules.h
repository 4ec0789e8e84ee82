/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which limits hold for one message: those of the configuration, and what
 * overrides say of its keys.  Pure.
 *
 * A key is a name and a value, "mailbox:alice@example.com".  An override is
 * found by a key and may set limits of that key ("200 messages / 1h"), or of
 * another ("mailbox: 200 messages / 1h" found by "domain:example.com").  The
 * first word wins: overrides stand in order, the most exact first.
 */
#ifndef RATELIMIT_RULES_H
#define RATELIMIT_RULES_H

#include "limit.h"

enum {
	RULES_KEYS = 8,
	RULES_MOST = 24, /* of one message */
	RULES_NAME_BYTES = 32,
};

/* A key of the configuration, and its value for this message. */
struct rules_key {
	char name[RULES_NAME_BYTES + 1];
	const char *value; /* as key_spell() writes it; NULL: it has none */
};

struct rules_override {
	uint32_t key;       /* that found it */
	const char *source; /* "store", "file", "sql" */
	const char *text;
};

struct rule {
	uint32_t key; /* whose units it counts */
	struct limit limit;
	const char *source; /* "config" or as above */
	uint32_t by;        /* the key that found the override */
};

struct rules {
	struct rule items[RULES_MOST];
	uint32_t count;
	bool full; /* there were more */
	/* Blocked: the override that says so; source NULL: it is not. */
	struct rule blocked;
};

/*
 * The limits of those keys that have a value.  defaults: rules of the
 * configuration.  An override that is wrong ends where the fault is; its
 * limits until there hold.
 */
void rules_build(struct rules *, const struct rules_key *keys, uint32_t nkeys,
    const struct rule *defaults, uint32_t ndefaults,
    const struct rules_override *, uint32_t noverrides);

/* The key of that name; nkeys: there is none. */
uint32_t rules_key_named(
    const struct rules_key *keys, uint32_t nkeys, const char *name, size_t n);

/*
 * The name of a counter in the store: "mailbox:alice messages W3600000".
 * Returns its length; out has RULES_COUNTER_BYTES.
 */
enum { RULES_COUNTER_BYTES = 320 };
size_t rules_counter(char out[RULES_COUNTER_BYTES], const char *name,
    const char *value, const struct limit *);

/*
 * The other way round: cut a counter into name, value and limit (without
 * amount and burst).  Text stays where it is.
 */
struct rules_counter_parts {
	const char *name, *value;
	size_t name_bytes, value_bytes;
	struct limit limit;
};
bool rules_counter_parse(
    const char *text, size_t n, struct rules_counter_parts *);

/* The same unit, kind and period: one limit replaces the other. */
bool rules_same_slot(const struct limit *, const struct limit *);

/* Divided for an account under suspicion; at least 1 is left of a limit. */
void rules_squeeze(struct rules *, int64_t divisor);

#endif
