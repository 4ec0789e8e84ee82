/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syntax of a record (RFC 7208, 4.5, 4.6 and 12), to the letter.  Pure:
 * asks nobody, expands nothing, allocates nothing.
 */
#ifndef SPF_RECORD_H
#define SPF_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "text.h"

enum term_kind {
	TERM_ALL,
	TERM_INCLUDE,
	TERM_A,
	TERM_MX,
	TERM_PTR,
	TERM_IP4,
	TERM_IP6,
	TERM_EXISTS,
	TERM_REDIRECT,
	TERM_EXP,
	TERM_OTHER, /* a modifier that nobody knows */
};

struct term {
	enum term_kind kind;
	char qualifier;         /* "+-~?"; of a modifier '+' */
	struct span text;       /* as it is written */
	struct span domain;     /* domain-spec; n is 0 if there is none */
	struct address network; /* ip4, ip6 */
	uint8_t bits4, bits6;   /* prefix length for each family */
};

/* Is this text an SPF record, good or bad? */
bool record_is_spf(struct span text);

/* Cut the version off; the rest is for record_next(). */
struct span record_terms(struct span text);

/*
 * Cut the next term off.  False at the end, or with *why at the first that
 * is wrong; *why is NULL otherwise.
 */
bool record_next(struct span *rest, struct term *, const char **why);

/*
 * What is wrong with the whole record, or NULL; *bad is then the term that
 * is wrong.
 */
const char *record_fault(struct span text, struct span *bad);

/* Does evaluating it ask the DNS (RFC 7208, 4.6.4)? */
bool term_asks(const struct term *);

#endif
