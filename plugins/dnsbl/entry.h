/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One list of an operator's, as text:
 *
 *	NAME ZONE WITH[,WITH...] ANSWER=SYMBOL[:SCORE] ... [untested]
 *
 * ANSWER is an address, a range 127.0.0.4-7, a mask &4 (that bit of the last
 * byte), or *: whatever no other answer of the entry matches.  Pure.
 */
#ifndef DNSBL_ENTRY_H
#define DNSBL_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

/* What a list is asked with, in this order. */
enum kind { CLIENT, HELO, SENDER, DKIM, URL, KINDS };

enum {
	ENTRY_NAME = 32,
	ENTRY_ZONE = 254, /* with its NUL */
	ENTRY_SYMBOL = 48,
	ENTRY_ANSWERS = 32,
};

struct entry_answer {
	enum { ANSWER_RANGE, ANSWER_MASK, ANSWER_ANY } how;
	uint32_t low, high; /* host order; of a mask: low */
	char symbol[ENTRY_SYMBOL];
	double score;
};

struct entry {
	char name[ENTRY_NAME];
	char zone[ENTRY_ZONE];
	bool with[KINDS];
	bool whole[KINDS]; /* the name itself, not what is registered */
	bool untested;
	uint32_t count;
	struct entry_answer answers[ENTRY_ANSWERS];
};

/*
 * False and *why, what is wrong without the zone in it, in static or the
 * entry's memory: valid until the entry goes.
 */
bool entry_parse(const char *text, struct entry *, const char **why);

/* Whether an answer (host order) is one of 127.0.0.0/8 with a meaning. */
bool entry_meaning(uint32_t address);

/*
 * The next answer of the entry from *at on that an address matches; NULL:
 * none.  Begin with *at = 0.
 */
const struct entry_answer *entry_match(
    const struct entry *, uint32_t address, uint32_t *at);

#endif
