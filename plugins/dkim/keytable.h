/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table that says whose mail is signed with which key.  Pure: reads text,
 * opens no file.
 *
 *	pattern  selector  key-file  [d=domain] [i=identity] [a=algorithm]
 */
#ifndef DKIM_KEYTABLE_H
#define DKIM_KEYTABLE_H

#include "signature.h"
#include "span.h"

struct keytable_row {
	struct span pattern;
	struct span selector;
	struct span file;
	struct span domain;   /* of the signature; n 0: that of the address */
	struct span identity; /* p NULL: none */
	enum signature_algorithm algorithm; /* ALGORITHM_UNKNOWN: any */
};

/*
 * Cut the next row off the front of *text; *line counts lines.  False at the
 * end with *why NULL, or with what is wrong with line *line.
 */
bool keytable_next(
    struct span *text, unsigned *line, struct keytable_row *, const char **why);

/*
 * The patterns that fit an address, or a login without @, the most exact
 * first: itself, its domain, ".example.com" for each domain that is above
 * that, "*".  *at: p NULL at the beginning, then what came last.  False after
 * the last.
 */
bool keytable_candidate(struct span address, struct span *at);

#endif
