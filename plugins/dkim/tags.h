/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of tags (RFC 6376, 3.2), and the names that stand in them.  Pure:
 * knows neither signatures nor keys.
 */
#ifndef DKIM_TAGS_H
#define DKIM_TAGS_H

#include <stdint.h>

#include "span.h"

enum tags_found { TAGS_END, TAGS_ONE, TAGS_BAD };

/*
 * Cut the next "name=value" off the front of *in; blanks around both are
 * left out, those inside a value stay.
 */
enum tags_found tags_next(
    struct span *in, struct span *name, struct span *value);

/* The tags that somebody wants to see. */
struct tags_wanted {
	const char *name;
	struct span *value; /* p NULL: it was not there */
};

/*
 * Fill the values of the wanted tags (the list ends with a NULL name) and
 * pass over all others.  Returns what is wrong, or NULL: a tag that stands
 * there twice makes the whole list invalid (3.2).
 */
const char *tags_read(struct span list, const struct tags_wanted *wanted);

/*
 * A domain name of two labels or more, or a selector (one or more): letters,
 * digits, hyphens and underscores.  At most 253 bytes, labels at most 63.
 */
bool tags_is_domain(struct span);
bool tags_is_selector(struct span);

/* Decimal digits only, at most 18.  False: they are not. */
bool tags_number(struct span, int64_t *number);

/* Base64 with blanks in it; at least one digit. */
bool tags_is_base64(struct span);

/* Does a list "a:b:c" hold that word? */
bool tags_lists(struct span list, const char *word);

/* Is name the domain, or below it? */
bool tags_is_below(struct span name, struct span domain);

#endif
