/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which record applies to a domain, and what its organizational domain is:
 * the DNS Tree Walk (RFC 9989, 4.10), or the public suffix list.  Pure; what
 * the DNS says is asked of a function.
 *
 * Domains are lower-case A-labels without a dot at the end.  Every domain
 * that is found is a part of the one it was found for, and lives as long.
 */
#ifndef DMARC_WALK_H
#define DMARC_WALK_H

#include "record.h"

enum { WALK_QUERIES = 8 };

/* What stands at _dmarc.<domain>. */
struct walk_answer {
	const struct record *record; /* NULL: none that counts */
	const char *failure; /* in words: it could not be found out; or NULL */
	unsigned several; /* DMARC records, all discarded; 0 if one or none */
};

struct walk_source {
	void *arg;
	struct walk_answer (*look)(void *arg, const char *domain);
	/*
	 * The part of the domain that somebody can register, or NULL: it is
	 * a public suffix.  NULL for the tree walk.
	 */
	const char *(*registered)(void *arg, const char *domain);
	/* False only if it is certain that there is no such name. */
	bool (*exists)(void *arg, const char *domain);
};

struct walk {
	const char *org; /* organizational domain; NULL: see failure */
	/* The record to apply and where it is; NULL: there is none. */
	const struct record *record;
	const char *policy_domain;
	const char *failure; /* a look-up that would be needed failed */
	const char *failed;  /* of this domain */
};

/*
 * The next domain that the walk asks for, a part of domain.  NULL: there is
 * no more.  The first is the domain where it starts.
 */
const char *walk_next(const char *domain);

struct walk walk_domain(const struct walk_source *, const char *domain);

#endif
